"""Severity of driving at a merge: what it did to the vehicle behind, to its own passengers, to anybody.

`testbed.scenes.merge.following` adds what an ego on the main road does to the one that wants to come in.

The conflict with the new follower - imposed deceleration, DRAC, TTC - is measured from the intrusion to 5 s
after the crossing, while it *follows*: it is behind the ego, and both are on the new lane. A vehicle has left
a lane as soon as the middle of its front is over a line, although its centre is not: from there on it drives
past, and SUMO's SSM device ends there too. It begins later than this does, once the ego's front is on the lane;
this begins with the first corner over the line, as UN Regulation 157 has it. A follower that comes back follows again.

Rules for episodes in which there is nothing to measure, so that every severity is always defined:
an episode without a merge, or without a vehicle behind in the new lane, imposes nothing (0), and
its headways, TTC and margins are at their cap of 10 s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from testbed.mechanics import conflict
from testbed.mechanics.contact import corners
from testbed.protocols.episode import Trace
from testbed.protocols.measure import Measure, Violation, stretches
from testbed.scenes.merge import following
from testbed.severity import collision
from testbed.severity.lanes import is_on_lane

_SQUARES = np.arange(-7.0, 8.0) ** 2
BEND = 2 * (_SQUARES - _SQUARES.mean()) / ((_SQUARES - _SQUARES.mean()) ** 2).sum()
"""What 15 samples in a row are multiplied with for the second derivative of the parabola that fits them best, per
sample squared: `scipy.signal.savgol_filter` says the same, but takes half a second to import."""
WINDOW = 5.0
"""How long after the line crossing a follower's reaction counts as imposed [s]."""
BEFORE = 1.0
"""The stretch before the intrusion that shows what the follower did without the merge [s]."""
REACH = 100.0
"""A vehicle farther than this behind is nobody's new follower [m]."""
CAP = 10.0
"""Times longer than this are reported as this [s]."""
EGO, RAMP = 0, 2


@dataclass(frozen=True)
class Merge:
    """When and in front of whom the ego entered the main road."""

    intrusion: int
    """First sample in which a corner of the ego is over the line beside the ramp."""
    crossing: int
    """First sample in which the ego's centre is on the main road."""
    end: int
    """End of the window after the crossing, exclusive."""
    lane: int
    """The lane that the ego merges into."""
    follower: int | None
    """Number of the first vehicle behind on the new lane at the intrusion, if within REACH."""


def find_merge(trace: Trace) -> Merge | None:
    """Return the merge of an episode, or None if the ego never left the ramp."""
    on_main = np.flatnonzero(trace["lane"][:, EGO] != RAMP)
    if len(on_main) == 0 or trace["lane"][0, EGO] != RAMP:
        return None
    crossing = int(on_main[0])
    shape = corners(trace["position"][:, EGO], trace["heading"][:, EGO], trace["size"][EGO])
    over = np.flatnonzero(shape[: crossing + 1, :, 1].min(axis=1) < trace["lane_line"][-1])
    intrusion = int(over[0]) if len(over) else crossing
    lane = int(trace["lane"][crossing, EGO])
    end = min(crossing + round(WINDOW * trace.rate), len(trace))
    return Merge(intrusion, crossing, end, lane, _neighbours(trace, lane, intrusion)[1])


def _neighbours(trace: Trace, lane: int, sample: int) -> tuple[int | None, int | None]:
    """Return the first vehicle ahead of the ego on a lane, and the first behind it, if within REACH."""
    x, there = trace["position"][sample, :, 0], is_on_lane(trace, lane)[sample]
    there[EGO] = False
    ahead = np.flatnonzero(there & (x >= x[EGO]))
    behind = np.flatnonzero(there & (x < x[EGO]) & (x > x[EGO] - REACH))
    leader = int(ahead[np.argmin(x[ahead])]) if len(ahead) else None
    return leader, int(behind[np.argmax(x[behind])]) if len(behind) else None


def follows(trace: Trace, merge: Merge) -> np.ndarray:
    """Return when the new follower follows the ego (see above), shape (samples,) bool; never where there is none."""
    sample, x, there = np.arange(len(trace)), trace["position"][:, :, 0], is_on_lane(trace, merge.lane)
    if merge.follower is None:
        return np.zeros(len(trace), dtype=bool)
    merging = (sample < merge.crossing) | there[:, EGO]  # from the intrusion to the crossing it is partly there
    behind = there[:, merge.follower] & (x[:, merge.follower] < x[:, EGO])
    return (sample >= merge.intrusion) & (sample < merge.end) & merging & behind


def _pair(trace: Trace, leader: int, follower: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return bumper gap [m], follower's speed and leader's speed [m/s], each of shape (samples,)."""
    x, length, speed = trace["position"][:, :, 0], trace["size"][:, 0], trace["speed"]
    gap = conflict.net_gap(x[:, leader], length[leader], x[:, follower], length[follower])
    return gap, speed[:, follower], speed[:, leader]


def _deceleration_before(trace: Trace, merge: Merge) -> float:
    """Return the follower's hardest braking in the second before the intrusion [m/s2], at least 0."""
    start = max(merge.intrusion - round(BEFORE * trace.rate), 0)
    if start == merge.intrusion:
        return 0.0
    return max(float(-trace["acceleration"][start : merge.intrusion, merge.follower].min()), 0.0)


def imposed_deceleration(trace: Trace) -> float:
    """Return the braking that the merge added for its new follower [m/s2].

    The hardest braking of that vehicle from the intrusion to 5 s after the crossing, while it follows,
    minus its hardest braking in the second before, at least 0. (Ours. The braking before stands for what
    it would have done without the merge: that needs no second simulation and works on recorded traffic.)
    """
    return float(imposed_over_time(trace).max())


def imposed_over_time(trace: Trace) -> np.ndarray:
    """Return the braking that the merge adds for its new follower, shape (samples,) [m/s2], at least 0."""
    merge = find_merge(trace)
    if merge is None or merge.follower is None:
        return np.zeros(len(trace))
    return np.maximum(_imposed(trace, merge), 0.0)


def _imposed(trace: Trace, merge: Merge) -> np.ndarray:
    """Return how much harder the new follower brakes than before, shape (samples,) [m/s2]; 0 unless it follows."""
    braking = -trace["acceleration"][:, merge.follower] - _deceleration_before(trace, merge)
    return np.where(follows(trace, merge), braking, 0.0)


def cut_in_margin(trace: Trace) -> float:
    """Return the new follower's TTC at the intrusion minus what UN R157 expects to be avoidable [s], at most 10."""
    merge = find_merge(trace)
    if merge is None or merge.follower is None:
        return CAP
    values = [column[merge.intrusion] for column in _pair(trace, EGO, merge.follower)]
    return min(float(conflict.cut_in_margin(*values)), CAP)


def lag_headway(trace: Trace) -> float:
    """Return the time headway of the first vehicle behind as the ego crosses the line [s], at most 10."""
    merge = find_merge(trace)
    if merge is None:
        return CAP
    _, follower = _neighbours(trace, merge.lane, merge.crossing)
    return CAP if follower is None else _headway(trace, merge.crossing, EGO, follower)


def lead_headway(trace: Trace) -> float:
    """Return the ego's time headway to the first vehicle ahead as it crosses the line [s], at most 10."""
    merge = find_merge(trace)
    if merge is None:
        return CAP
    leader, _ = _neighbours(trace, merge.lane, merge.crossing)
    return CAP if leader is None else _headway(trace, merge.crossing, leader, EGO)


def _headway(trace: Trace, sample: int, leader: int, follower: int) -> float:
    """Return a time headway in one sample [s], at most CAP."""
    gap, speed, _ = (column[sample] for column in _pair(trace, leader, follower))
    return min(float(conflict.time_headway(gap, speed)), CAP)


def _follower_conflict(trace: Trace, quantity: Callable[..., np.ndarray], fallback: float) -> np.ndarray:
    """Return a conflict quantity of the new follower while it follows, shape (samples,), else the fallback."""
    merge = find_merge(trace)
    if merge is None or merge.follower is None:
        return np.full(len(trace), fallback)
    return np.where(follows(trace, merge), quantity(*_pair(trace, EGO, merge.follower)), fallback)


def drac_over_time(trace: Trace) -> np.ndarray:
    """Return the deceleration that the new follower needs to avoid a crash while it follows, shape (samples,) [m/s2].

    At most 20, and 0 where it does not follow.
    """
    return np.minimum(_follower_conflict(trace, conflict.deceleration_to_avoid_crash, 0.0), 20.0)


def drac(trace: Trace) -> float:
    """Return the largest deceleration that the new follower needed to avoid a crash while it followed [m/s2]."""
    return float(drac_over_time(trace).max())


def ttc_over_time(trace: Trace) -> np.ndarray:
    """Return the new follower's time to collision with the ego while it follows, shape (samples,) [s], at most 10."""
    return np.minimum(_follower_conflict(trace, conflict.time_to_collision, CAP), CAP)


def min_ttc(trace: Trace) -> float:
    """Return the shortest time to collision of the new follower with the ego while it followed [s], at most 10."""
    return float(ttc_over_time(trace).min())


def jerk(trace: Trace) -> float:
    """Return the ego's largest longitudinal jerk [m/s3].

    The speed is smoothed and differentiated twice by a Savitzky-Golay filter (Savitzky and Golay
    1964; a quadratic over 15 samples, 1 s), so that single simulation steps do not count.
    """
    seen = jerk_over_time(trace)
    return float(np.nanmax(seen)) if np.isfinite(seen).any() else 0.0


def jerk_over_time(trace: Trace) -> np.ndarray:
    """Return the size of the ego's longitudinal jerk (see `jerk`), shape (samples,) [m/s3]; NaN at either end."""
    speed, half = trace["speed"][:, EGO], len(BEND) // 2
    found = np.full(len(speed), np.nan)
    if len(speed) >= len(BEND):
        found[half:-half] = np.abs(np.correlate(speed, BEND, "valid")) * trace.rate**2
    return found


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "imposed_deceleration", "imposed deceleration", "m/s²", imposed_deceleration, "higher", 2.0, 4.0,
            "ours; 2 is MOBIL's limit in highway-env, 4 its safe braking (Kesting et al. 2007)",
        ),
        Measure("cut_in_margin", "cut-in margin", "s", cut_in_margin, "lower", None, 0.0,
                "UN Regulation 157, 5.2.5.2, used inverted"),
        Measure("lag_headway", "lag headway", "s", lag_headway, "lower", 0.9, 0.5,
                "time headway; below 0.9 s unsafe (criticality-metrics catalogue)"),
        Measure("lead_headway", "lead headway", "s", lead_headway, "lower", 0.9, 0.5,
                "time headway; below 0.9 s unsafe (criticality-metrics catalogue)"),
        Measure("drac", "deceleration to avoid a crash", "m/s²", drac, "higher", 3.4, 5.0,
                "Almqvist 1991; 3.4 criticality-metrics catalogue, 5 UN R157 emergency"),
        Measure("min_ttc", "shortest time to collision", "s", min_ttc, "lower", 3.0, 1.5,
                "Hayward 1972; 1.5 critical, 3.0 SUMO"),
        Measure("jerk", "longitudinal jerk", "m/s³", jerk, "higher", 4.13, 8.37, "nuPlan comfort"),
        collision.MEASURE,
        *following.MEASURES,
    )
}  # fmt: skip
"""Every measure of a merge by name."""


def violations(trace: Trace) -> list[Violation]:
    """Return what a viewer should look at, in order of time."""
    found = collision.violations(trace) + following.violations(trace)
    merge = find_merge(trace)
    if merge is not None and merge.follower is not None:
        text = "follower brakes {:.1f} m/s²"
        imposed = _imposed(trace, merge)
        found += stretches(trace, imposed, "imposed_deceleration", (2.0, 4.0), text, merge.follower)
        text = "needs braking to avoid a crash {:.1f} m/s²"
        found += stretches(trace, drac_over_time(trace), "drac", (3.4, 5.0), text, merge.follower)
    return sorted(found, key=lambda violation: violation.start)
