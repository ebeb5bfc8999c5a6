"""Encounters of a log: stretches in which one vehicle follows another, cut-ins, and ways that cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from testbed.mechanics import conflict
from testbed.scenes.merge.following import CLOSE, MOVING
from testbed.scenes.merge.measures import BEFORE, CAP, WINDOW
from testbed.traffic.following import Following
from testbed.traffic.log import TrafficLog

HARDEST = 20.0
"""More braking than this is reported as this, as at the merge [m/s²]."""
SHORTEST = 5
"""Samples that a parabola is fitted to, at least."""


@dataclass(frozen=True)
class Encounters:
    """Encounters of one kind, as columns of as many rows."""

    kind: str
    """`following`, `cut-in`, `crossing` or `drive`."""
    ego: np.ndarray
    """Number of the vehicle that it happens to: who follows, is cut in on, or comes second; of a drive whose it is."""
    other: np.ndarray
    """Number of the other one; -1 for none."""
    begin: np.ndarray
    """When it begins [s]."""
    end: np.ndarray
    """When it ends [s]."""
    values: dict[str, np.ndarray]
    """Measure -> its worst value in each encounter; not a number where it is not defined."""

    def __len__(self) -> int:
        return len(self.ego)

    def kept(self, rows: Any) -> Encounters:
        """Return some of them."""
        values = {name: column[rows] for name, column in self.values.items()}
        return Encounters(self.kind, self.ego[rows], self.other[rows], self.begin[rows], self.end[rows], values)


def followings(log: TrafficLog, follows: Following) -> Encounters:
    """Return every stretch in which a vehicle follows the same leader without a break."""
    who = np.where(follows.leader >= 0, log.vehicle[follows.leader], -1)
    first = _begin(log, who)
    first = first[who[first] >= 0]
    ends = _end(log, who, first)
    slow = np.where(log.speed > MOVING, follows.headway, np.inf)

    def least(values: np.ndarray, most: float) -> np.ndarray:
        return np.minimum(_over(np.minimum, values, first, ends), most)

    values = {
        "time_headway": least(slow, CAP),
        "min_ttc": least(follows.ttc, CAP),
        "drac": np.minimum(_over(np.maximum, follows.drac, first, ends), HARDEST),
        "tailgating": _tailgating(slow, first, ends),
        "follower_braking": np.maximum(_over(np.maximum, -log.acceleration, first, ends), 0.0),
    }
    return Encounters("following", log.vehicle[first], who[first], log.time[first], log.time[ends - 1], values)


def _tailgating(headway: np.ndarray, first: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the share of time with a headway below 0.9 s, of the time in which one counts; not a number if none."""
    counts = _over(np.add, np.isfinite(headway).astype(float), first, ends)
    close = _over(np.add, (headway < CLOSE[0]).astype(float), first, ends)
    return np.where(counts > 0, close / np.maximum(counts, 1), np.nan)


def _begin(log: TrafficLog, who: np.ndarray) -> np.ndarray:
    """Return the rows at which a stretch begins: another vehicle, another leader, or samples that are missing."""
    changes = (np.diff(log.vehicle) != 0) | (np.diff(who) != 0) | (np.diff(log.sample) != 1)
    return np.flatnonzero(np.concatenate([[True], changes]))


def _end(log: TrafficLog, who: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the rows behind the last ones of stretches that begin at some rows."""
    every = np.append(_begin(log, who), len(log))
    return every[np.searchsorted(every, first) + 1]


def _over(what: np.ufunc, values: np.ndarray, first: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return a reduction of values over stretches."""
    if not len(first):
        return np.empty(0)
    padded = np.append(values, values[:1])  # a stretch may end with the log
    return what.reduceat(padded, np.stack([first, ends], axis=1).ravel())[::2]


def cut_ins(log: TrafficLog, follows: Following) -> Encounters:
    """Return every change to a lane on which somebody drives behind, who did not follow the vehicle before.

    The measures are those of a merge: the follower's headway, and its TTC less what UN Regulation 157 expects to be
    avoidable, in the first sample on its lane; and how much harder it brakes within 5 s, while it follows, than in the
    second before.
    """
    if not log.lanes:
        return _none("cut-in", ("lag_headway", "cut_in_margin", "imposed_deceleration"))
    same = (np.diff(log.vehicle) == 0) & (np.diff(log.sample) == 1)
    came = same & (np.diff(log.lane) != 0)
    changed = np.flatnonzero(came) + 1
    behind = _followers(log, follows)[changed]
    changed, behind = changed[behind >= 0], behind[behind >= 0]
    was = np.maximum(behind - 1, 0)
    before = np.where(follows.leader[was] >= 0, log.vehicle[follows.leader[was]], -1)
    new = (behind > 0) & (log.vehicle[was] == log.vehicle[behind]) & (before != log.vehicle[changed])
    new &= (log.lane[was] == log.lane[behind]) & (log.lane[behind] == log.lane[changed])
    changed, behind = changed[new], behind[new]
    ends, imposed = np.empty(len(behind)), np.empty(len(behind))
    for n, (row, follower) in enumerate(zip(changed, behind, strict=True)):
        ends[n], imposed[n] = _imposed(log, follows, int(row), int(follower))
    gap, own, other = follows.gap[behind], log.speed[behind], log.speed[changed]
    values = {
        "lag_headway": np.minimum(conflict.time_headway(gap, own), CAP),
        "cut_in_margin": np.minimum(conflict.cut_in_margin(gap, own, other), CAP),
        "imposed_deceleration": imposed,
    }
    return Encounters("cut-in", log.vehicle[behind], log.vehicle[changed], log.time[behind], ends, values)


def _followers(log: TrafficLog, follows: Following) -> np.ndarray:
    """Return the row of the nearest vehicle that follows each one, -1 for none."""
    found, rows = np.full(len(log), -1), np.flatnonzero(follows.leader >= 0)
    far_first = rows[np.argsort(-follows.gap[rows], kind="stable")]
    found[follows.leader[far_first]] = far_first  # of several the last that is written counts, and that is the nearest
    return found


def _imposed(log: TrafficLog, follows: Following, changed: int, follower: int) -> tuple[float, float]:
    """Return when a follower no longer follows [s], and how much harder it braked than in the second before [m/s²]."""
    vehicle, ego = log.vehicle[follower], log.vehicle[changed]
    last = follower
    until = log.sample[follower] + round(WINDOW * log.rate)
    while last + 1 < len(log) and log.vehicle[last + 1] == vehicle and log.sample[last + 1] <= until:
        leader = follows.leader[last + 1]
        if leader < 0 or log.vehicle[leader] != ego:
            break
        last += 1
    start = follower
    since = log.sample[follower] - round(BEFORE * log.rate)
    while start > 0 and log.vehicle[start - 1] == vehicle and log.sample[start - 1] >= since:
        start -= 1
    before = max(float((-log.acceleration[start:follower]).max(initial=0.0)), 0.0)
    hardest = float((-log.acceleration[follower : last + 1]).max())
    return float(log.time[last]), max(hardest - before, 0.0)


def drives(log: TrafficLog) -> Encounters:
    """Return every vehicle's whole drive: its hardest braking and its largest jerk."""
    first = np.flatnonzero(np.concatenate([[True], np.diff(log.vehicle) != 0]))
    ends = np.append(first[1:], len(log))
    values = {
        "braking": np.maximum(_over(np.maximum, -log.acceleration, first, ends), 0.0),
        "jerk": _over(np.fmax, _jerk(log), first, ends),
    }
    nobody = np.full(len(first), -1)
    return Encounters("drive", log.vehicle[first], nobody, log.time[first], log.time[ends - 1], values)


def _jerk(log: TrafficLog) -> np.ndarray:
    """Return the size of the second derivative of the parabola that fits the speed of one second best, as at the merge
    (Savitzky and Golay 1964), by the row in which that second begins; not a number where there are less than five
    samples in it, or it is not whole."""
    window, jerk = 2 * (round(log.rate) // 2) + 1, np.full(len(log), np.nan)
    if window >= SHORTEST and len(log) >= window:
        squares = np.arange(window // 2 * -1.0, window // 2 + 1) ** 2
        bend = 2 * (squares - squares.mean()) / ((squares - squares.mean()) ** 2).sum()
        found = np.abs(np.correlate(log.speed, bend, "valid")) * log.rate**2
        last = np.arange(window - 1, len(log))
        whole = log.vehicle[last] == log.vehicle[: len(last)]
        whole &= log.sample[last] - log.sample[: len(last)] == window - 1
        jerk[: len(last)][whole] = found[whole]
    return jerk


def _none(kind: str, measures: tuple[str, ...]) -> Encounters:
    nobody, never = np.empty(0, np.int64), np.empty(0)
    return Encounters(kind, nobody, nobody, never, never, dict.fromkeys(measures, never))
