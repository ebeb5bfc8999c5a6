"""Reference drivers at the merge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.driving.references import ALWAYS, LANE_LEFT, keep_speed
from testbed.protocols.policy import Reference
from testbed.scenes.merge.observation import SLOTS, view
from testbed.scenes.merge.traffic import TARGET_SPEEDS

LENGTH, CLOSEST, CLOSING = 5.0, 6.0, 2.5
"""The ego's length [m]; how near it comes to the bumper ahead [m]; in what time the rest of a gap is closed [s]."""
AHEAD = np.array([slot.startswith("ahead") for slot in SLOTS])
"""Which neighbours are ahead and not on the left lane."""


@dataclass(frozen=True)
class SpeedsAtMerge:
    """Drives at one speed unless the vehicle ahead is slower, and leaves the ramp at once, whoever is beside it."""

    speed: float = float(TARGET_SPEEDS[-1])
    """Speed that is wanted [m/s]: the highest that can be set, 32, above the limit of 30."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, d) -> (n,)."""
        scene = view(observations)
        ahead = AHEAD & scene.present & ~scene.on_ramp & scene.merging[:, None]
        gap = scene.dx - (scene.length + LENGTH) / 2
        bearable = scene.speed[:, None] + scene.dv + (gap - CLOSEST) / CLOSING
        wanted = np.minimum(self.speed, np.where(ahead, bearable, np.inf).min(axis=1))
        return np.where(scene.may_merge & ~scene.merging, LANE_LEFT, keep_speed(wanted, scene.target_speed))


REFERENCES = (
    *ALWAYS,
    Reference(
        "speeding",
        SpeedsAtMerge(),
        f"wants {SpeedsAtMerge.speed:g} m/s, keeps no distance, and leaves the ramp at once",
    ),
)
"""Every reference driver here."""
