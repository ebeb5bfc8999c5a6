"""The scripted expert of the main road beside a ramp: it keeps its distance and makes room for a ramp car.

Follows by a time headway, and where a car on the ramp is near, it moves over to the left lane as soon as
that is free (cooperative merging). A pure function of the observation, for a batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.driving.scene import ACTIONS
from testbed.scenes.merge.observation import SLOTS, MergeView, view

EGO_LENGTH = 5.0
FASTER, SLOWER, IDLE, LANE_LEFT = (ACTIONS.index(name) for name in ("FASTER", "SLOWER", "IDLE", "LANE_LEFT"))
LEFT_AHEAD, LEFT_BEHIND = SLOTS.index("left_ahead"), SLOTS.index("left_behind")
CRUISE = 28.0
"""Speed where nobody is ahead [m/s]."""
NEAR = 45.0
"""A ramp car within this is made room for [m]."""
LEVEL = 4.0
"""How far a ramp car that is shut out is ahead [m]."""
SLOWEST = 14.0
"""Below this speed a ramp car is not kept level with: it has given up [m/s]."""
SHUT_HEADWAY = 0.5
"""Time headway that the driver does not go below while it shuts a gap [s]."""
LEFT_LANE = -2.0
"""Farther left of the right lane's centre than this is the left lane [m]."""


@dataclass(frozen=True)
class Cruising:
    """A driver on the main road beside a ramp."""

    headway: float = 1.5
    """Time headway kept behind the leader [s]."""
    denial: float = 0.0
    """How much the driver keeps level with a ramp car, from 0 (moves over for it) to 1 (shuts the gap)."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, SIZE) -> (n,)."""
        scene = view(observations)
        near = scene.present & scene.on_ramp & (np.abs(scene.dx) < NEAR)
        ramp_car = near.any(axis=1) & (scene.to_ramp_end > 0)
        wanted = _follow(scene, self.headway)
        level = np.minimum(_level_with(scene, near), _follow(scene, SHUT_HEADWAY))
        wanted = np.where(ramp_car, wanted + self.denial * (level - wanted), wanted)
        error = wanted - scene.target_speed
        action = np.where(error > 1.2, FASTER, np.where(error < -1.2, SLOWER, IDLE))
        moves_over = ramp_car & (scene.lateral > LEFT_LANE) & _left_is_free(scene) & (self.denial == 0)
        return np.where(moves_over, LANE_LEFT, action)


def _level_with(scene: MergeView, near: np.ndarray) -> np.ndarray:
    """Return the speed [m/s] that keeps the ego just behind a ramp car's nose, shape (n,)."""
    car = near.argmax(axis=1)[:, None]
    dx, dv = (np.take_along_axis(values, car, axis=1)[:, 0] for values in (scene.dx, scene.dv))
    return np.clip(scene.speed + dv + (dx - LEVEL) / 2, SLOWEST, CRUISE)


def _left_is_free(scene: MergeView) -> np.ndarray:
    """Return whether the left lane has room beside the ego, shape (n,) bool."""
    half = (scene.length + EGO_LENGTH) / 2
    ahead, behind = scene.dx[:, LEFT_AHEAD] - half[:, LEFT_AHEAD], -scene.dx[:, LEFT_BEHIND] - half[:, LEFT_BEHIND]
    closing = np.maximum(scene.dv[:, LEFT_BEHIND], 0.0)
    free_ahead = ~scene.present[:, LEFT_AHEAD] | (ahead > 1.2 * scene.speed)
    free_behind = ~scene.present[:, LEFT_BEHIND] | (behind > 0.8 * scene.speed + 3.0 * closing)
    return free_ahead & free_behind


def _follow(scene: MergeView, headway: float) -> np.ndarray:
    """Return the speed [m/s] that keeps a headway [s] behind the leader of the ego's lane, shape (n,)."""
    left = scene.lateral <= LEFT_LANE
    whom = scene.present & ~scene.on_ramp & (scene.dx > 0)
    whom &= np.where(left[:, None], np.arange(len(SLOTS)) == LEFT_AHEAD, np.arange(len(SLOTS)) < 3)
    nearest = np.where(whom, scene.dx, np.inf).argmin(axis=1)[:, None]
    dx, dv, length = (np.take_along_axis(v, nearest, axis=1)[:, 0] for v in (scene.dx, scene.dv, scene.length))
    gap = dx - (length + EGO_LENGTH) / 2
    wanted = scene.speed + dv + (gap - headway * scene.speed - 2.0) / 3.0
    return np.clip(np.where(whom.any(axis=1), wanted, CRUISE), 0.0, CRUISE)
