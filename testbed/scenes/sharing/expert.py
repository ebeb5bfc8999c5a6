"""The scripted expert of the shared bench: carries units across the zone while the coworker is not in it.

As speed and separation monitoring asks (ISO/TS 15066, 5.5.4): it waits outside while the coworker's hand comes or
works, leaves the zone if the hand comes while it is inside, and goes slowly near the hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.warehouse.reaching import CLOSED, OPEN, Wish, act, either, grasp, place, retreat
from testbed.scenes.sharing.layout import HAND_HOME, SHARED, WAITS
from testbed.scenes.sharing.observation import HOME, view

COMES = 0.06
"""A hand that is this far from its rest towards the zone is coming [m]."""
INSIDE = SHARED.half[1] + 0.06
"""Nearer to the middle of the zone than this the grip is in it, with its palm [m]."""
HEED = 0.45
"""A coworker farther away than this never matters [m]."""
SLOW = (0.10, 0.30)
"""Separation at which the hand stands still, and from which on it has its full speed [m]."""


@dataclass(frozen=True)
class Carrier:
    """Carries units one by one; yields to the coworker as far as it is willing to."""

    heed: float = HEED
    """It yields to a coworker that is nearer than this [m]; 0 barges through."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, SIZE) -> (n, 4)."""
        scene = view(observations)
        hands, n = scene.hands, len(observations)
        holding, wants = hands.holding, (scene.order_left > 0) & scene.there
        wish = either(holding, place(scene.slot), either(wants, grasp(scene.unit), retreat(hands.home)))
        near = np.linalg.norm(hands.hand, axis=1) < self.heed
        comes = _reach_in(scene) > COMES
        # Crossing means that what it wants is on the other side of the zone.
        crosses = np.sign(scene.lane + wish.way[:, 1]) != np.sign(scene.lane)
        inside = np.abs(scene.lane) < INSIDE
        yields = comes & near & (crosses | inside)
        side = np.where(scene.lane > 0, WAITS[1], WAITS[0]) - SHARED.centre[1]
        up = np.maximum(HOME[2] - 0.02 - (HOME[2] + hands.height), 0.0)
        wait = Wish(
            np.column_stack([np.zeros(n), side - scene.lane, up]), np.where(holding, CLOSED, OPEN)
        )  # fmt: skip
        wish = either(yields, wait, wish)
        slow = np.clip((hands.separation - SLOW[0]) / (SLOW[1] - SLOW[0]), 0.15, 1.0)
        away = yields & inside
        pace = np.where(comes & near & ~away, slow, 1.0)
        return act(wish, hands.lead, pace)


def _reach_in(scene) -> np.ndarray:
    """Return how far the coworker's hand is from its rest towards the zone, shape (n,) [m]."""
    grip_x = HOME[0] - scene.hands.home[:, 0]
    return HAND_HOME[0] - (grip_x + scene.hands.hand[:, 0])
