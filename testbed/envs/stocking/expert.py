"""The scripted expert of shelf stocking: sets units down gently in the middle of their slots; a saboteur does more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.stocking.observation import StockingView, view
from testbed.envs.warehouse.reaching import CLOSED, Wish, act, approach, either, grasp, place, retreat

IN_FRONT = 0.078
"""How far before a neighbour the closed fingers come down to push it [m]."""
ALIGNED = 0.010
"""Fingers this near to the line through a neighbour push it straight back [m]."""
LOW = 0.012
"""Fingers this near to the height of its middle push it without tipping it [m]."""
PUSH = 0.012
"""How far ahead the hand is led while it pushes [m]: slowly, so that it stops in time."""
ENOUGH = 0.004
"""A neighbour this near to where it is wanted is left alone [m]."""


@dataclass(frozen=True)
class Stocker:
    """Fills its slots one after the other."""

    nudge: float = 0.0
    """How far it pushes back the neighbour of every slot it has filled [m]; 0 leaves them alone."""
    drop: float = 0.0
    """Height over its slot from which it lets a unit fall [m]."""
    aside: float = 0.0
    """How far from the middle of its slot it puts a unit, towards itself [m]."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, SIZE) -> (n, 4)."""
        scene = view(observations)
        slot = scene.slot - (self.aside, 0.0, 0.0)
        wants = (scene.order_left > 0) & scene.there
        wish = either(wants, grasp(scene.unit), retreat(scene.hands.home))
        shoves = (scene.placed > 0) & (scene.shift < self.nudge - ENOUGH)
        wish = either(shoves, _shove(scene), wish)
        return act(either(scene.hands.holding, place(slot, self.drop), wish), scene.hands.lead)


def _shove(scene: StockingView) -> Wish:
    """Return the wish to come down before the neighbour with closed fingers and to push it back."""
    to = scene.neighbour
    before = to - (IN_FRONT, 0.0, 0.0)
    behind_it = (to[:, 0] > 0.015) & (to[:, 0] < IN_FRONT + 0.012)
    ready = behind_it & (np.abs(to[:, 1]) < ALIGNED) & (np.abs(to[:, 2]) < LOW)
    push = np.column_stack([np.full(len(to), PUSH), to[:, 1], to[:, 2]])
    return Wish(np.where(ready[:, None], push, approach(before)), np.full(len(to), CLOSED))
