"""Severity of driving at a merge: what it did to the vehicle behind, to its own passengers, to anybody.

`testbed.measures.following` adds what an ego on the main road does to the one that wants to come in.

Rules for episodes in which there is nothing to measure, so that every severity is always defined:
an episode without a merge, or without a vehicle behind in the new lane, imposes nothing (0), and
its headways, TTC and margins are at their cap of 10 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import savgol_filter

from testbed.episode import Trace
from testbed.measures import collision, following
from testbed.measures.measure import Measure, Violation, stretches
from testbed.mechanics import conflict
from testbed.mechanics.contact import corners

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
    follower: int | None
    """Number of the first vehicle behind in the new lane at the intrusion, if within REACH."""
    leader: int | None
    """Number of the first vehicle ahead in the new lane at the intrusion."""


def find_merge(trace: Trace) -> Merge | None:
    """Return the merge of an episode, or None if the ego never left the ramp."""
    on_main = np.flatnonzero(trace["lane"][:, EGO] != RAMP)
    if len(on_main) == 0 or trace["lane"][0, EGO] != RAMP:
        return None
    crossing = int(on_main[0])
    shape = corners(trace["position"][:, EGO], trace["heading"][:, EGO], trace["size"][EGO])
    over = np.flatnonzero(shape[: crossing + 1, :, 1].min(axis=1) < trace["lane_line"][-1])
    intrusion = int(over[0]) if len(over) else crossing
    new_lane = int(trace["lane"][crossing, EGO])
    x = trace["position"][intrusion, :, 0]
    others = np.flatnonzero(trace["lane"][intrusion] == new_lane)
    others = others[others != EGO]
    behind = others[(x[others] < x[EGO]) & (x[others] > x[EGO] - REACH)]
    ahead = others[x[others] >= x[EGO]]
    end = min(crossing + round(WINDOW * trace.rate), len(trace))
    return Merge(
        intrusion=intrusion,
        crossing=crossing,
        end=end,
        follower=int(behind[np.argmax(x[behind])]) if len(behind) else None,
        leader=int(ahead[np.argmin(x[ahead])]) if len(ahead) else None,
    )


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

    The hardest braking of that vehicle from the intrusion to 5 s after the crossing, minus its
    hardest braking in the second before, at least 0. (Ours. The braking before stands for what it
    would have done without the merge: that needs no second simulation and works on recorded traffic.)
    """
    merge = find_merge(trace)
    if merge is None or merge.follower is None:
        return 0.0
    peak = float(-trace["acceleration"][merge.intrusion : merge.end, merge.follower].min())
    return max(peak - _deceleration_before(trace, merge), 0.0)


def cut_in_margin(trace: Trace) -> float:
    """Return the new follower's TTC at the intrusion minus what UN R157 expects to be avoidable [s], at most 10."""
    merge = find_merge(trace)
    if merge is None or merge.follower is None:
        return CAP
    values = [column[merge.intrusion] for column in _pair(trace, EGO, merge.follower)]
    return min(float(conflict.cut_in_margin(*values)), CAP)


def lag_headway(trace: Trace) -> float:
    """Return the time headway of the new follower when the ego crosses the line [s], at most 10."""
    merge = find_merge(trace)
    if merge is None or merge.follower is None:
        return CAP
    gap, speed, _ = (column[merge.crossing] for column in _pair(trace, EGO, merge.follower))
    return min(float(conflict.time_headway(gap, speed)), CAP)


def lead_headway(trace: Trace) -> float:
    """Return the ego's time headway to its new leader when it crosses the line [s], at most 10."""
    merge = find_merge(trace)
    if merge is None or merge.leader is None:
        return CAP
    gap, speed, _ = (column[merge.crossing] for column in _pair(trace, merge.leader, EGO))
    return min(float(conflict.time_headway(gap, speed)), CAP)


def _follower_conflict(trace: Trace, quantity, fallback: float) -> np.ndarray:
    """Return a conflict quantity of the new follower behind the ego over the window, or the fallback."""
    merge = find_merge(trace)
    if merge is None or merge.follower is None:
        return np.array([fallback])
    window = slice(merge.intrusion, merge.end)
    return quantity(*(column[window] for column in _pair(trace, EGO, merge.follower)))


def drac(trace: Trace) -> float:
    """Return the largest deceleration that the new follower needed to avoid a crash [m/s2], at most 20."""
    return min(float(_follower_conflict(trace, conflict.deceleration_to_avoid_crash, 0.0).max()), 20.0)


def min_ttc(trace: Trace) -> float:
    """Return the shortest time to collision of the new follower with the ego [s], at most 10."""
    return min(float(_follower_conflict(trace, conflict.time_to_collision, CAP).min()), CAP)


def jerk(trace: Trace) -> float:
    """Return the ego's largest longitudinal jerk [m/s3].

    The speed is smoothed and differentiated twice by a Savitzky-Golay filter (Savitzky and Golay
    1964; a quadratic over 15 samples, 1 s), so that single simulation steps do not count.
    """
    speed = trace["speed"][:, EGO]
    if len(speed) < 15:
        return 0.0
    second = savgol_filter(speed, window_length=15, polyorder=2, deriv=2, delta=1 / trace.rate)
    return float(np.abs(second).max())


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
        window = np.zeros(len(trace), dtype=bool)
        window[merge.intrusion : merge.end] = True
        braking = -trace["acceleration"][:, merge.follower] - _deceleration_before(trace, merge)
        braking = np.where(window, braking, 0.0)
        text = "follower brakes {:.1f} m/s²"
        found += stretches(trace, braking, "imposed_deceleration", (2.0, 4.0), text, merge.follower)
        need = conflict.deceleration_to_avoid_crash(*_pair(trace, EGO, merge.follower))
        need = np.where(window, np.minimum(need, 20.0), 0.0)
        text = "needs braking to avoid a crash {:.1f} m/s²"
        found += stretches(trace, need, "drac", (3.4, 5.0), text, merge.follower)
    return sorted(found, key=lambda violation: violation.start)
