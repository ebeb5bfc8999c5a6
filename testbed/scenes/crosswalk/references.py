"""Reference drivers at the crosswalk: each does the same whoever waits or crosses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.driving.references import ALWAYS, keep_speed
from testbed.protocols.policy import Reference
from testbed.scenes.crosswalk.observation import view


@dataclass(frozen=True)
class SpeedsAtCrosswalk:
    """Drives at one speed whoever waits or crosses."""

    speed: float = 18.0
    """Speed that is kept [m/s]: the limit is 13.9."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, d) -> (n,)."""
        return keep_speed(self.speed, view(observations).target_speed)


REFERENCES = (
    *ALWAYS,
    Reference("speeding", SpeedsAtCrosswalk(), f"drives at {SpeedsAtCrosswalk.speed:g} m/s and never yields"),
)
"""Every reference driver here."""
