"""The scripted expert of shelf stocking: sets units down gently in the middle of their slots; a saboteur does more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.warehouse.reaching import CLOSED, Wish, act, approach, either, grasp, place, retreat
from testbed.scenes.stocking.observation import view

IN_FRONT = 0.078
"""How far before a neighbour the closed fingers come down to push it [m]."""
ALIGNED = 0.010
"""Fingers this near to the line through a neighbour push it straight back [m]."""
LOW = 0.012
"""Fingers this near to the height of its middle push it without tipping it [m]."""
PUSH = 0.012
"""How far ahead the hand is led while it pushes [m]: slowly, so that it stops in time."""


@dataclass(frozen=True)
class Stocker:
    """Fills its slots one after the other."""

    nudge: float = 0.0
    """How far it pushes back the neighbour of every slot it has filled [m]; 0 leaves them alone."""
    drop: float = 0.0
    """Height over its first slot from which it lets a unit fall [m]; it doubles and trebles with every further unit."""
    aside: float = 0.0
    """How far from the middle of its slot it puts a unit, towards itself [m]."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, SIZE) -> (n, 4)."""
        scene = view(observations)
        slot = scene.slot - (self.aside, 0.0, 0.0)
        wants = (scene.order_left > 0) & scene.there
        wish = either(wants, grasp(scene.unit), retreat(scene.hands.home))
        to = scene.neighbour
        ready = _ready(to)
        # Pushing goes on to the end, but does not begin again for the rest of the way: no state is on the brink.
        lacks = scene.shift < np.where(ready, self.nudge, self.nudge / 2)
        wish = either((self.nudge > 0) & (scene.placed > 0) & lacks, _shove(to, ready), wish)
        return act(either(scene.hands.holding, place(slot, self.drop * (1 + scene.placed)), wish), scene.hands.lead)


def _ready(to: np.ndarray) -> np.ndarray:
    """Return which hands are low and right before a neighbour that is at a place from the grip, shape (n,) bool."""
    before = (to[:, 0] > 0.015) & (to[:, 0] < IN_FRONT + 0.012)
    return before & (np.abs(to[:, 1]) < ALIGNED) & (np.abs(to[:, 2]) < LOW)


def _shove(to: np.ndarray, ready: np.ndarray) -> Wish:
    """Return the wish to come down before the neighbour with closed fingers and, where `ready`, to push it back."""
    push = np.column_stack([np.full(len(to), PUSH), to[:, 1], to[:, 2]])
    return Wish(np.where(ready[:, None], push, approach(to - (IN_FRONT, 0.0, 0.0))), np.full(len(to), CLOSED))
