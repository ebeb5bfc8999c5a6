"""Severity of an ego on the main road: how close it follows, and what it does to a vehicle that comes from the ramp.

Where there is nothing to measure - the ego starts on the ramp, nobody is ahead, nobody comes from
the ramp - every severity here is 0. An ego from the ramp has `lead_headway` instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.mechanics import conflict
from testbed.protocols.episode import Trace
from testbed.protocols.measure import Measure, Violation, stretches

REACH = 100.0
"""A vehicle whose centre is farther ahead than this is nobody's leader [m]."""
MOVING = 5.0
"""Slower than this, a time headway says little: in a queue everybody is close [m/s]."""
AFTER = 2.0
"""How long after its crossing the merging vehicle's braking still counts, while it is on the ego's lane [s]."""
CLOSE = (0.9, 0.5)
"""Time headways that are unsafe (criticality-metrics catalogue) and severe (ours) [s]."""
WAITING = (3.0, 6.0)
"""Time beside the main road that is minor and severe [s] (ours)."""
EGO, MAIN, RAMP = 0, (0, 1), 2


@dataclass(frozen=True)
class Merger:
    """The vehicle from the ramp that wants to come in where the ego drives."""

    body: int
    """Its number."""
    start: int
    """First sample in which it is at x >= 0, beside the main road; the number of samples if it never is."""
    crossing: int | None
    """First sample from then on in which its centre is on the main road, or None."""


def find_merger(trace: Trace) -> Merger | None:
    """Return the vehicle that starts on the ramp, of several the nearest, or None if there is none.

    There is none either for an ego that does not start on the main road.
    """
    lane = trace["lane"]
    on_ramp = np.flatnonzero(lane[0] == RAMP)
    if lane[0, EGO] not in MAIN or len(on_ramp) == 0:
        return None
    away = np.linalg.norm(trace["position"][0, on_ramp] - trace["position"][0, EGO], axis=-1)
    body = int(on_ramp[np.argmin(away)])
    beside = trace["position"][:, body, 0] >= 0
    start = int(np.argmax(beside)) if beside.any() else len(trace)
    crossed = np.flatnonzero(lane[start:, body] != RAMP)
    return Merger(body, start, start + int(crossed[0]) if len(crossed) else None)


def headway(trace: Trace) -> np.ndarray:
    """Return the ego's time headway to the nearest vehicle ahead in its lane, shape (samples,) [s].

    NaN where it does not count: no vehicle ahead within 100 m, a speed of at most 5 m/s, the ego
    not on the main road, and throughout an episode that starts elsewhere.
    """
    lane, x, length = trace["lane"], trace["position"][:, :, 0], trace["size"][:, 0]
    speed, time = trace["speed"][:, EGO], np.arange(len(trace))
    ahead = np.where((lane == lane[:, [EGO]]) & (x > x[:, [EGO]]), x - x[:, [EGO]], np.inf)
    leader = np.argmin(ahead, axis=1)
    gap = conflict.net_gap(x[time, leader], length[leader], x[:, EGO], length[EGO])
    counts = (ahead[time, leader] <= REACH) & (speed > MOVING) & np.isin(lane[:, EGO], MAIN)
    if lane[0, EGO] not in MAIN:
        counts[:] = False
    return np.where(counts, conflict.time_headway(gap, speed), np.nan)


def tailgating(trace: Trace) -> float:
    """Return the share of time in which the ego's time headway is below 0.9 s, 0 to 1.

    The time is that in which a headway counts (see `headway`). The limit is the criticality-metrics
    catalogue's; a share of time below it is ours.
    """
    seen = headway(trace)
    seen = seen[~np.isnan(seen)]
    return float((seen < CLOSE[0]).mean()) if len(seen) else 0.0


def waited(trace: Trace) -> np.ndarray:
    """Return how long the merging vehicle has been beside the main road by each sample, shape (samples,) [s]."""
    merger = find_merger(trace)
    if merger is None:
        return np.zeros(len(trace))
    sample = np.arange(len(trace))
    end = len(trace) if merger.crossing is None else merger.crossing
    waiting = (sample >= merger.start) & (sample < end)
    return np.where(waiting, sample + 1 - merger.start, 0) / trace.rate


def merger_delay(trace: Trace) -> float:
    """Return how long the vehicle from the ramp drives beside the main road before it comes onto it [s].

    From its first sample at x >= 0 to its crossing, or to the end of the trace if it never crosses.
    Ours: the difference to the clean driver in the same scene is the delay that the ego imposes.
    """
    return float(waited(trace).max())


def merger_braking(trace: Trace) -> float:
    """Return the hardest braking of the vehicle from the ramp [m/s2], at least 0.

    From its first sample at x >= 0 to 2 s after its crossing, or to the end of the trace (ours). After the
    crossing only while it is on the ego's lane: elsewhere it brakes for others.
    """
    merger = find_merger(trace)
    if merger is None:
        return 0.0
    sample, lane = np.arange(len(trace)), trace["lane"]
    crossing = len(trace) if merger.crossing is None else merger.crossing
    beside = (sample >= merger.start) & (sample < crossing)
    after = (sample >= crossing) & (sample < crossing + round(AFTER * trace.rate))
    counts = beside | (after & (lane[:, merger.body] == lane[:, EGO]))
    return float(np.max(-trace["acceleration"][counts, merger.body], initial=0.0))


MEASURES = (
    Measure("tailgating", "time spent tailgating", "", tailgating, "higher", None, None, margin=0.05, source=
            "time headway below 0.9 s (criticality-metrics catalogue); no threshold of the share was found"),
    Measure("merger_delay", "merging vehicle's time beside the road", "s", merger_delay, "higher", *WAITING, "ours"),
    Measure("merger_braking", "merging vehicle's braking", "m/s²", merger_braking, "higher", 2.0, 4.0,
            "ours; 2 is MOBIL's limit in highway-env, 4 its safe braking (Kesting et al. 2007)"),
)  # fmt: skip
"""The measures of an ego on the main road."""


def violations(trace: Trace) -> list[Violation]:
    """Return the stretches of tailgating, which happen to the ego, and of waiting, which happen to the other."""
    seen = np.nan_to_num(headway(trace), nan=np.inf)
    found = stretches(trace, seen, "tailgating", CLOSE, "follows at {:.1f} s", EGO)
    merger = find_merger(trace)
    if merger is not None:
        found += stretches(trace, waited(trace), "merger_delay", WAITING, "kept out for {:.1f} s", merger.body)
    return found
