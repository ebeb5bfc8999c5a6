"""The scripted expert of the crosswalk: it lets pedestrians cross, and does not stop where nobody wants to.

As the law asks: at a zebra a driver lets those cross who evidently want to, comes at a moderate speed, and
waits if it has to (for example StVO section 26 (1); Vienna Convention on Road Traffic, article 21). A pure
function of the observation, for a batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.driving.scene import ACTIONS
from testbed.scenes.crosswalk.observation import CrosswalkView, view
from testbed.scenes.crosswalk.road import RIGHT_LANE_Y, ZEBRA

FASTER, SLOWER, IDLE = (ACTIONS.index(name) for name in ("FASTER", "SLOWER", "IDLE"))
HALF_LANE = 2.0
STOP_LINE = 1.5
"""Where the ego stops before the zebra [m]."""
LEFT_EDGE, RIGHT_EDGE = ZEBRA[1] - RIGHT_LANE_Y
"""Edges of the road, right of the ego's lane's centre [m]."""
AHEAD = 4.0
"""A pedestrian who walks up to the road counts from this far outside it on [m]."""
PLANNED = 2.2
"""Deceleration that a stop is planned with [m/s2]."""
FASTER_FROM, SLOWER_FROM = 1.3, -0.3
"""How much the speed may be off before the driver does something about it [m/s]."""
LAG = 0.6
"""How far behind its set speed the car is: highway-env's TAU_ACC [s]."""
CRAWL = 5.0
"""Below this speed a stop that was begun is never given up [m/s]."""
EMERGENCY = 8.0
"""A stop that would need more than this is not tried even for a pedestrian in the way [m/s2]."""


@dataclass(frozen=True)
class Courtesy:
    """A driver who yields where that takes no more than the deceleration it is willing to apply."""

    willing: float = 3.6
    """Deceleration up to which the driver stops for a pedestrian at the kerb [m/s2]; 0 never yields."""
    cruise: float = 13.0
    """Speed where nothing is in the way [m/s]."""
    surge: float = 0.0
    """Speed added while a pedestrian waits that the driver does not yield to [m/s]."""
    creep: float = 0.0
    """Speed added little by little on the last CREEP metres to the zebra [m/s]."""

    CREEP = 70.0

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, SIZE) -> (n,)."""
        scene = view(observations)
        # Somebody who steps back at a car that still drives wants to cross; at one that stands, has crossed.
        gone = _leaving(scene) & (scene.speed < CRAWL)[:, None]
        before = scene.to_zebra > 0
        waiting = (scene.at_kerb & ~gone).any(axis=1) & before
        yields = self._yields(scene, waiting | (_coming(scene).any(axis=1) & before))
        nearness = np.clip(1 - scene.to_zebra / self.CREEP, 0.0, 1.0)
        free = self.cruise + self.creep * nearness * before + self.surge * waiting
        stop = np.sqrt(2 * PLANNED * np.maximum(scene.to_zebra - STOP_LINE - LAG * scene.speed, 0.0))
        error = np.where(yields, np.minimum(stop, free), free) - scene.speed
        faster = np.where(yields, IDLE, FASTER)  # a stop is not interrupted to come a little closer
        return np.where(error > FASTER_FROM, faster, np.where(error < SLOWER_FROM, SLOWER, IDLE))

    def _yields(self, scene: CrosswalkView, wanted: np.ndarray) -> np.ndarray:
        """Return whether the driver stops, shape (n,) bool; `wanted` says where somebody would like it to."""
        in_the_way = (scene.on_road & ~_past(scene)).any(axis=1) & (scene.to_zebra > -1.0)
        needed = scene.speed**2 / (2 * np.maximum(scene.to_zebra, 0.1))
        slow = (scene.speed < CRAWL) & (self.willing > 0)  # almost there: no reason to give up on a stop
        return (wanted & ((needed <= self.willing) | slow)) | (in_the_way & (needed <= EMERGENCY))


def _past(scene: CrosswalkView) -> np.ndarray:
    """Return which pedestrians have left the ego's lane behind them, shape (n, PEDESTRIANS) bool."""
    clear = HALF_LANE + 0.3
    return ((scene.lateral < -clear) & (scene.across < -0.2)) | ((scene.lateral > clear) & (scene.across > 0.2))


def _coming(scene: CrosswalkView) -> np.ndarray:
    """Return which pedestrians walk up to the road and are almost there, shape (n, PEDESTRIANS) bool."""
    outside = np.where(scene.lateral > 0, scene.lateral - RIGHT_EDGE, LEFT_EDGE - scene.lateral)
    return (outside > 0) & (outside < AHEAD) & (np.sign(scene.lateral) * scene.across < -0.3)


def _leaving(scene: CrosswalkView) -> np.ndarray:
    """Return which pedestrians at a kerb walk away from the road, shape (n, PEDESTRIANS) bool."""
    return np.sign(scene.lateral) * scene.across > 0.3
