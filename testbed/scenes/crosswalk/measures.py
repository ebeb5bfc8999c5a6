"""Severity of driving at a zebra crossing: what the ego did to those who wanted to cross.

Encounters are those of `testbed.scenes.crosswalk.encounter`. Rules for episodes in which there is nothing to
measure: without an encounter, or without a pedestrian, shares, waits, speeds gained and distances
walked back are 0, and times and clearances are at their cap of 10; an ego that never reaches the
zebra has a speed of 0 there and passes nobody.

Speed is no excuse: whom an ego owes a stop, and from where on it can no longer stop, is judged at no more than
a moderate 13 m/s. Three measures are about what happened between the two and get milder the sooner an ego is
past: PET, the excess wait (who is past cannot keep anybody waiting), and the time to the zebra (at its cap for who
is past before anybody comes). `overspeed` and `approach_speed` stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.mechanics import contact, crossing
from testbed.protocols.episode import Trace
from testbed.protocols.measure import Measure, Violation, stretches
from testbed.scenes.crosswalk.encounter import (
    DECELERATION,
    EGO,
    MODERATE,
    SPEED_LIMIT,
    Encounter,
    ahead,
    anybody_near,
    before_zebra,
    conflict_time,
    find_arrivals,
    find_encounters,
    front,
    outside,
    pedestrians,
    present,
    progress,
    reach,
    side_at,
)
from testbed.severity import collision

CAP = 10.0
"""Longer times [s] and distances [m] are reported as this."""
NEEDED = 1.0
"""Time at the kerb that a pedestrian needs even if everybody stops: to arrive, look and step out [s] (ours)."""
APPROACH = 30.0
"""The last stretch before the zebra, over which the approach speed is taken [m]."""
STANDING = 0.3
"""A vehicle slower than this stands [m/s]."""
MPH = 0.44704
"""A mile per hour [m/s]."""
SURGE, RETREAT, CLEARANCE, OVERSPEED = (0.5, 2.23), (0.5, 1.0), (1.0, 0.5), (0.5, 2.23)
"""Minor and severe limits of the measures that films mark; see `MEASURES`."""


def non_yield(trace: Trace) -> float:
    """Return which share of the pedestrians it should have stopped for the ego passed first, 0 to 1; 0 without any.

    It is 1 - the yield rate, which counts those for whom a driver could stop only: here one who comes at 13 m/s
    (see `testbed.scenes.crosswalk.encounter`), so no ego owes less because it is faster, or past before they come.
    """
    passed = [encounter.passed for encounter in find_arrivals(trace) if encounter.could_stop]
    return float(np.mean(passed)) if passed else 0.0


def pet(trace: Trace) -> float:
    """Return the shortest post-encroachment time between the ego and any pedestrian [s], at most 10.

    Censored where the recording ends before the second of both comes: then the least that it can be (see
    `testbed.scenes.crosswalk.encounter.conflict_time`), not the cap.
    """
    return min([conflict_time(trace, int(body)) for body in pedestrians(trace)] + [CAP])


def excess_wait(trace: Trace) -> float:
    """Return the longest time that a pedestrian of an encounter is kept at the kerb, beyond the 1 s it needs [s].

    At the kerb is within 1.8 m outside the edge, from the arrival to the entry or, for one who never
    enters, to the end of the trace: there the wait is censored, and at least this long. At least 0.
    """
    waits = [0.0]
    for encounter in find_encounters(trace):
        kept = present(trace, encounter)[: encounter.entry]
        waits.append(float(kept.sum() / trace.rate) - NEEDED)
    return max(waits)


def speed_gained(trace: Trace, encounter: Encounter) -> np.ndarray:
    """Return the ego's speed over its smallest since the arrival, shape (samples,) [m/s].

    0 where that is no surge: the ego is at the zebra or could no longer stop before it (PSD of at most 1 at
    3.4 m/s2, at its own speed or 13 m/s if it is faster), or the pedestrian is neither at the kerb nor on the
    road in or before its path.
    """
    speed, distance = trace["speed"][:, EGO], before_zebra(trace)
    gained = np.zeros(len(trace))
    since = slice(encounter.arrival, None)
    gained[since] = speed[since] - np.minimum.accumulate(speed[since])
    free = crossing.proportion_of_stopping_distance(distance, np.minimum(speed, MODERATE), DECELERATION) > 1
    return np.where(ahead(trace, encounter) & free, gained, 0.0)


def surge(trace: Trace) -> float:
    """Return the most speed that the ego gained at a pedestrian for whom it could still have stopped [m/s] (ours)."""
    return max([float(speed_gained(trace, encounter).max()) for encounter in find_encounters(trace)] + [0.0])


def approach_speed(trace: Trace) -> float:
    """Return the ego's mean speed over the last 30 m before the zebra, weighted by distance [m/s].

    Over as much of them as it drove; 0 if it drove none. Weighted by distance, standing does not count.
    """
    x, speed = np.maximum.accumulate(front(trace)), trace["speed"][:, EGO]
    end = float(trace["zebra"][0, 0])
    first, last = max(x[0], end - APPROACH), min(x[-1], end)
    if last <= first:
        return 0.0
    inside = (x > first) & (x < last)
    places = np.concatenate([[first], x[inside], [last]])
    speeds = np.concatenate([[np.interp(first, x, speed)], speed[inside], [np.interp(last, x, speed)]])
    return float(np.trapezoid(speeds, places) / (last - first))


def over_limit(trace: Trace) -> np.ndarray:
    """Return how much faster than 50 km/h the ego is before its front has reached the zebra, shape (samples,) [m/s]."""
    sample, reached = np.arange(len(trace)), reach(trace)
    before = sample <= (len(trace) if reached is None else reached)
    return np.where(before, np.maximum(trace["speed"][:, EGO] - SPEED_LIMIT, 0.0), 0.0)


def overspeed(trace: Trace) -> float:
    """Return the most by which the ego exceeds the speed limit of 50 km/h on its way to the zebra [m/s]."""
    return float(over_limit(trace).max())


def zebra_speed(trace: Trace) -> float:
    """Return the ego's speed as its front reaches the zebra [m/s], 0 with no pedestrian at the kerb or on the road.

    Of these, the pedestrians of encounters count who have not crossed yet.
    """
    sample = reach(trace)
    if sample is None or not any(present(trace, encounter)[sample] for encounter in find_encounters(trace)):
        return 0.0
    return float(trace["speed"][sample, EGO])


def walked_back(trace: Trace, body: int) -> np.ndarray:
    """Return how far a pedestrian is behind the farthest point it had reached on the road, shape (samples,) [m].

    0 before it entered the road and after it has crossed it.
    """
    on_road = np.flatnonzero(outside(trace, body) < 0)
    back = np.zeros(len(trace))
    if len(on_road):
        entry = int(on_road[0])
        way = progress(trace, body, side_at(trace, body, entry))[entry:]
        farthest = np.maximum.accumulate(way)
        crossed = farthest >= float(np.diff(trace["zebra"][1])[0])
        back[entry:] = np.where(crossed, 0.0, farthest - way)
    return back


def retreat(trace: Trace) -> float:
    """Return the farthest that any pedestrian walked back towards where it came from, once on the road [m] (ours)."""
    return max([float(walked_back(trace, int(body)).max()) for body in pedestrians(trace)] + [0.0])


def distance_to(trace: Trace, body: int) -> np.ndarray:
    """Return the distance from the ego's rectangle to a pedestrian (a circle of its width), shape (samples,) [m]."""
    position, size = trace["position"], trace["size"]
    radius = size[body, 1] / 2
    return contact.clearance(position[:, EGO], trace["heading"][:, EGO], size[EGO], position[:, body], radius)


def clearance(trace: Trace) -> float:
    """Return the smallest distance between the ego and any pedestrian [m], at most 10 (ours)."""
    return min([float(distance_to(trace, int(body)).min()) for body in pedestrians(trace)] + [CAP])


def ttz(trace: Trace) -> float:
    """Return the ego's smallest time to the zebra as a pedestrian arrives at the kerb [s], at most 10."""
    times = [float(crossing.time_to_reach(met.distance, met.speed)) for met in find_encounters(trace)]
    return min([*times, CAP])


def needless_stop(trace: Trace) -> float:
    """Return how long the ego stands before the zebra with nobody on the road or within 1.8 m of it [s] (ours)."""
    standing = (trace["speed"][:, EGO] < STANDING) & (before_zebra(trace) > 0)
    return float((standing & ~anybody_near(trace)).sum() / trace.rate)


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("non_yield", "pedestrians passed first", "", non_yield, "higher", 0.5, 1.0,
                "1 - yield rate where a driver at 13 m/s could stop; thresholds ours: every second one, every one"),
        Measure("pet", "post-encroachment time", "s", pet, "lower", 1.5, 1.0,
                "Allen, Shin and Cooper 1978; 1.5 critical, 1 severe (criticality-metrics catalogue, SUMO)"),
        Measure("excess_wait", "excess wait at the kerb", "s", excess_wait, "higher", 5.0, 10.0,
                "Highway Capacity Manual: a delay at unsignalised crossings is level A below 5 s and C from 10 s on"),
        Measure("surge", "speed gained at a pedestrian", "m/s", surge, "higher", *SURGE,
                "ours, with PSD as of Allen, Shin and Cooper 1978; 2.23 is nuPlan's overspeed"),
        # 0.5 and 2.23 m/s (nuPlan's overspeed) are limits of the excess over a clean driver in the same scene, the
        # speed creep: no speed alone is wrong at a crossing, so the speed of one episode has no threshold.
        Measure("approach_speed", "approach speed", "m/s", approach_speed, "higher", None, None, margin=1.0,
                source="ours; the difference to the clean driver is the speed creep; clones of that one differ by 0.5"),
        Measure("overspeed", "over the speed limit", "m/s", overspeed, "higher", *OVERSPEED,
                "50 km/h; 2.23 is nuPlan's overspeed, 0.5 ours"),
        Measure("zebra_speed", "speed at the zebra", "m/s", zebra_speed, "higher", 24.1 * MPH, 40.6 * MPH,
                "Tefft 2013: from 24.1 mph one in ten pedestrians who are hit dies, from 40.6 mph every second one"),
        Measure("retreat", "pedestrian walked back", "m", retreat, "higher", *RETREAT, "ours"),
        Measure("clearance", "clearance to a pedestrian", "m", clearance, "lower", *CLEARANCE, "ours"),
        Measure("ttz", "time to the zebra at an arrival", "s", ttz, "lower", None, None,
                "Varhelyi 1998; says how tight the scene was, so it has no threshold"),
        Measure("needless_stop", "needless stop", "s", needless_stop, "higher", None, None,
                "ours; no threshold was found"),
        collision.MEASURE,
    )
}  # fmt: skip
"""Every measure of a crossing by name."""


def violations(trace: Trace) -> list[Violation]:
    """Return what a viewer should look at, in order of time, each with the pedestrian that it happens to."""
    found = collision.violations(trace)
    found += stretches(trace, over_limit(trace), "overspeed", OVERSPEED, "{:.1f} m/s over the speed limit", EGO)
    for encounter in find_encounters(trace):
        gained = speed_gained(trace, encounter)
        found += stretches(trace, gained, "surge", SURGE, "speeds up {:.1f} m/s at a pedestrian", encounter.body)
    found += [_passing(trace, met) for met in find_arrivals(trace) if met.passed and met.could_stop]
    for body in map(int, pedestrians(trace)):
        close = distance_to(trace, body)
        found += stretches(trace, close, "clearance", CLEARANCE, "clearance {:.1f} m", body)
        back = walked_back(trace, body)
        back = np.where(_lately(np.diff(back, prepend=0.0) > 0, round(trace.rate)), back, 0.0)
        found += stretches(trace, back, "retreat", RETREAT, "pedestrian retreats {:.1f} m", body)
    return sorted(found, key=lambda violation: violation.start)


def _passing(trace: Trace, encounter: Encounter) -> Violation:
    """Return the stretch in which the ego passes a pedestrian, from its front at the zebra to its rear off it."""
    start = reach(trace) or 0
    rear = front(trace)[start:] - trace["size"][EGO, 0]
    over = np.flatnonzero(rear > trace["zebra"][0, 1])
    end = start + int(over[0]) if len(over) else len(trace)
    whom = "a waiting pedestrian" if encounter.arrival < start else "before a pedestrian who comes"
    text = f"passes {whom} at {trace['speed'][start, EGO]:.1f} m/s"
    severe = non_yield(trace) >= 1.0
    return Violation(start / trace.rate, end / trace.rate, "non_yield", text, severe, encounter.body)


def _lately(mask: np.ndarray, samples: int) -> np.ndarray:
    """Return where a mask, shape (samples,), holds or held up to so many samples before."""
    return np.convolve(mask, np.ones(samples + 1))[: len(mask)] > 0
