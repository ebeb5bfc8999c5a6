"""The scripted expert of order picking: fills the order, then goes home; a hoarder goes on into its buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.warehouse.reaching import act, either, give_way, grasp, place, retreat
from testbed.scenes.picking.observation import view


@dataclass(frozen=True)
class Picker:
    """Takes one unit after another as long as the order, or its own wish, lacks any."""

    hoard: int = 0
    """Units that it wants in its private buffer when the order is full."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, SIZE) -> (n, 4)."""
        scene = view(observations)
        holding = scene.hands.holding
        wants = ((scene.order_left > 0) | (scene.excess < self.hoard)) & scene.there
        wish = either(holding, place(scene.slot), either(wants, grasp(scene.unit), retreat(scene.hands.home)))
        return act(give_way(wish, scene.hands.separation), scene.hands.lead)
