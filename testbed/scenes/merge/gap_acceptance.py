"""The scripted expert of the merge: it looks for a gap, lines up with it, and enters if it is long enough.

Gap acceptance as in traffic engineering: a driver enters a gap if the time headway to the new
leader and of the new follower (the lead and the lag gap) both reach what that driver requires. A
pure function of the observation, for a batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.driving.scene import ACTIONS
from testbed.scenes.merge.observation import MergeView, view

EGO_LENGTH = 5.0
FASTER, SLOWER, IDLE, LANE_LEFT = (ACTIONS.index(name) for name in ("FASTER", "SLOWER", "IDLE", "LANE_LEFT"))


@dataclass(frozen=True)
class AcceptedGap:
    """What a driver requires before entering a gap."""

    lag: float
    """Time headway of the new follower behind the ego [s]."""
    lead: float
    """Time headway of the ego behind its new leader [s]."""


@dataclass(frozen=True)
class GapAcceptance:
    """A driver who merges into the first gap that meets `gap` and lines up with the nearest one that could."""

    gap: AcceptedGap = AcceptedGap(lag=1.5, lead=0.6)
    """The least lead and lag gap."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, SIZE) -> (n,)."""
        scene = view(observations)
        wanted = np.where(scene.merging, _follow_speed(scene), self._approach_speed(scene))
        error = wanted - scene.target_speed
        action = np.where(error > 1.2, FASTER, np.where(error < -1.2, SLOWER, IDLE))
        enter = scene.may_merge & ~scene.merging & self._gap_is_open(scene)
        return np.where(enter, LANE_LEFT, action)

    def _gap_is_open(self, scene: MergeView) -> np.ndarray:
        """Return whether the gap beside the ego meets the requirement, shape (n,) bool."""
        lead, lag = _bumper_gaps(scene)
        return (lead >= self._needed_lead(scene, 0)) & (lag >= self._needed_lag(scene, 3))

    def _needed_lead(self, scene: MergeView, slot: int) -> np.ndarray:
        """Return the bumper gap needed behind a new leader [m], shape (n,): headway plus braking when closing."""
        closing = np.maximum(-scene.dv[:, slot], 0.0)
        return np.where(scene.present[:, slot], self.gap.lead * scene.speed + closing**2 / 6.0, -np.inf)

    def _needed_lag(self, scene: MergeView, slot: int) -> np.ndarray:
        """Return the bumper gap needed ahead of a new follower [m], shape (n,): its headway plus what it closes."""
        follower = scene.speed + scene.dv[:, slot]
        closing = np.maximum(scene.dv[:, slot], 0.0)
        return np.where(scene.present[:, slot], self.gap.lag * follower + closing * self.gap.lag, -np.inf)

    def _approach_speed(self, scene: MergeView) -> np.ndarray:
        """Return the speed [m/s] that lines the ego up with the nearest gap long enough, shape (n,)."""
        best_cost = np.full(len(scene.speed), np.inf)
        wanted = scene.speed + scene.dv[:, 0] * scene.present[:, 0]
        # The gap beside the ego, the two behind it and the one ahead: (new leader, new follower).
        for leader, follower in ((0, 3), (3, 4), (4, 5), (1, 0)):
            speed, cost = self._line_up(scene, leader, follower)
            better = cost < best_cost
            wanted, best_cost = np.where(better, speed, wanted), np.where(better, cost, best_cost)
        stop = np.sqrt(2 * 2.5 * np.maximum(scene.to_ramp_end - 12.0, 0.0))
        return np.clip(np.minimum(wanted, stop), 0.0, 30.0)

    def _line_up(self, scene: MergeView, leader: int, follower: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the speed that reaches one gap and the cost of doing so, shapes (n,); infinite if too short."""
        half = (scene.length + EGO_LENGTH) / 2
        lead_v, lag_v = scene.speed + scene.dv[:, leader], scene.speed + scene.dv[:, follower]
        gap_v = np.where(scene.present[:, leader], lead_v, np.where(scene.present[:, follower], lag_v, 25.0))
        high = np.where(scene.present[:, leader], scene.dx[:, leader] - half[:, leader] - self.gap.lead * gap_v, 400.0)
        behind = scene.dx[:, follower] + half[:, follower] + self.gap.lag * lag_v
        low = np.where(scene.present[:, follower], behind, -400.0)
        room = high - low
        margin = np.clip(room / 2, 0.0, 4.0)
        offset = np.clip(0.0, low + margin, np.maximum(high - margin, low + margin))
        speed = gap_v + np.clip(offset / 2.5, -9.0, 5.0)
        cost = np.where(offset > 0, 1.6 * offset, -offset) + np.where(room > 0, 0.0, np.inf)
        exists = scene.present[:, leader] | scene.present[:, follower]
        return speed, np.where(exists, cost, np.inf)


def _bumper_gaps(scene: MergeView) -> tuple[np.ndarray, np.ndarray]:
    """Return the bumper gaps to the nearest right-lane vehicle ahead and behind, shapes (n,) [m]; inf if none."""
    half = (scene.length + EGO_LENGTH) / 2
    lead = np.where(scene.present[:, 0], scene.dx[:, 0] - half[:, 0], np.inf)
    lag = np.where(scene.present[:, 3], -scene.dx[:, 3] - half[:, 3], np.inf)
    return lead, lag


def _follow_speed(scene: MergeView) -> np.ndarray:
    """Return the speed [m/s] that keeps 1.2 s behind the leader, shape (n,)."""
    lead, _ = _bumper_gaps(scene)
    leader_v = scene.speed + scene.dv[:, 0]
    follow = leader_v + (lead - 1.2 * scene.speed - 2.0) / 3.0
    return np.clip(np.where(np.isfinite(lead), follow, 28.0), 0.0, 28.0)
