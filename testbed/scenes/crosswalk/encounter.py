"""Who meets whom at a crossing: when each pedestrian comes to the kerb, enters the road, and what is owed to it.

For whom a driver could stop is a fact of the scene, never of the driver: it is judged for one who comes at 13 m/s
from where the ego is first seen. At the ego's own speed and place, who drives faster would owe less, and who is
past before the pedestrian comes nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.mechanics import crossing
from testbed.protocols.episode import Trace

AT_KERB = 1.8
"""A pedestrian nearer than this to the road wants to cross [m]; bystanders stand 3 m away or more."""
DECELERATION = 3.4
"""Braking that may be asked of a driver [m/s2]: comfortable for 90 % of them (AASHTO)."""
REACTION = 1.0
"""Time before the brakes work [s]: the perception-reaction time of ITE's yellow interval, for a driver who has to
reckon with stopping, as at a marked crossing. AASHTO's 2.5 s is for a surprise and would excuse too many."""
SPEED_LIMIT = 50 / 3.6
"""What is allowed on the road [m/s]."""
MODERATE = 13.0
"""A moderate speed to come to a crossing at, a little below the limit [m/s]: that of the clean driver."""
WALKING = 1.5
"""A pedestrian who waits as a recording ends may walk off at this speed [m/s]: adults' fastest here."""
EGO = 0


@dataclass(frozen=True)
class Encounter:
    """A pedestrian who comes to the kerb."""

    body: int
    """Number of the pedestrian."""
    side: int
    """Which way it crosses: 1 towards larger y, -1 towards smaller."""
    arrival: int
    """First sample in which it is within 1.8 m of the road, or on it."""
    entry: int | None
    """First sample in which it is on the road, between the edges, or None."""
    exit: int | None
    """First sample after the entry in which it is off the road on the other side, or None."""
    distance: float
    """From the ego's front to the zebra at the arrival [m]; 0 where the ego has reached it by then."""
    speed: float
    """The ego's speed at the arrival [m/s]."""
    could_stop: bool
    """Whether a driver who comes at MODERATE speed would be farther away than its stopping sight distance then."""
    yielded: bool
    """Whether the pedestrian entered the road before the ego's front reached the zebra."""
    passed: bool
    """Whether the ego's front reached the zebra before the pedestrian entered; neither if both stay where they are."""


def front(trace: Trace) -> np.ndarray:
    """Return x of the ego's front, shape (samples,) [m]."""
    return trace["position"][:, EGO, 0] + trace["size"][EGO, 0] / 2


def before_zebra(trace: Trace) -> np.ndarray:
    """Return how far the ego's front is before the zebra, shape (samples,) [m]; 0 or less once it has reached it."""
    return trace["zebra"][0, 0] - front(trace)


def reach(trace: Trace) -> int | None:
    """Return the first sample in which the ego's front has reached the zebra, or None."""
    return _first(before_zebra(trace) <= 0)


def pedestrians(trace: Trace) -> np.ndarray:
    """Return the numbers of the bodies that walk, shape (pedestrians,)."""
    return np.flatnonzero(trace["walker"])


def outside(trace: Trace, body: int) -> np.ndarray:
    """Return how far a body is outside the nearer edge of the road, shape (samples,) [m]; below 0 on the road."""
    y, (low, high) = trace["position"][:, body, 1], trace["zebra"][1]
    return np.maximum(low - y, y - high)


def progress(trace: Trace, body: int, side: int) -> np.ndarray:
    """Return how far a body is past the edge of the road that it comes from, shape (samples,) [m]."""
    low, high = trace["zebra"][1]
    return side * (trace["position"][:, body, 1] - (low if side > 0 else high))


def side_at(trace: Trace, body: int, sample: int) -> int:
    """Return which way a body crosses that is near one edge in a sample: 1 towards larger y, -1 towards smaller."""
    return 1 if trace["position"][sample, body, 1] < trace["zebra"][1].mean() else -1


def find_encounters(trace: Trace) -> list[Encounter]:
    """Return the pedestrians who come while the ego's front is before the zebra, in order of their numbers.

    Bystanders, and pedestrians who come when the ego's front is at the zebra or past it, are none.
    """
    return [encounter for encounter in find_arrivals(trace) if encounter.distance > 0]


def find_arrivals(trace: Trace) -> list[Encounter]:
    """Return all pedestrians who come to the kerb, wherever the ego is by then, in order of their numbers."""
    found = [_encounter(trace, int(body)) for body in pedestrians(trace)]
    return [encounter for encounter in found if encounter is not None]


def left_at_moderate_speed(trace: Trace, sample: int) -> float:
    """Return how far before the zebra a driver would be by a sample who comes at MODERATE speed [m].

    From where the ego's front is in the first sample: nothing that the ego does moves that place or the pedestrians
    who come up to the kerb.
    """
    return float(before_zebra(trace)[0]) - MODERATE * sample / trace.rate


def _encounter(trace: Trace, body: int) -> Encounter | None:
    beyond, reached = outside(trace, body), reach(trace)
    arrival = _first(beyond <= AT_KERB)
    if arrival is None:
        return None
    side = side_at(trace, body, arrival)
    entry = _first(beyond < 0)
    width = float(np.diff(trace["zebra"][1])[0])
    exit_ = None if entry is None else _first(progress(trace, body, side) >= width)
    needed = crossing.stopping_distance(MODERATE, REACTION, DECELERATION)
    return Encounter(
        body=body,
        side=side,
        arrival=arrival,
        entry=entry,
        exit=exit_,
        distance=0.0 if reached is not None and arrival >= reached else float(before_zebra(trace)[arrival]),
        speed=float(trace["speed"][arrival, EGO]),
        could_stop=bool(left_at_moderate_speed(trace, arrival) > needed),
        yielded=entry is not None and (reached is None or entry < reached),
        passed=reached is not None and (entry is None or entry >= reached),
    )


def present(trace: Trace, encounter: Encounter) -> np.ndarray:
    """Return when an encounter's pedestrian is at the kerb it comes from or on the road, shape (samples,) bool."""
    sample = np.arange(len(trace))
    end = len(trace) if encounter.exit is None else encounter.exit
    return (sample >= encounter.arrival) & (sample < end) & (outside(trace, encounter.body) <= AT_KERB)


def ahead(trace: Trace, encounter: Encounter) -> np.ndarray:
    """Return when the pedestrian is present and not yet clear of the ego's path, shape (samples,) bool."""
    body, side, width = encounter.body, encounter.side, trace["size"][:, 1]
    past = side * (trace["position"][:, body, 1] - trace["position"][:, EGO, 1])
    return present(trace, encounter) & (past <= (width[EGO] + width[body]) / 2)


def anybody_near(trace: Trace) -> np.ndarray:
    """Return when any pedestrian is on the road or within 1.8 m of it, shape (samples,) bool."""
    near = [outside(trace, body) <= AT_KERB for body in pedestrians(trace)]
    return np.any(near, axis=0) if near else np.zeros(len(trace), dtype=bool)


def conflict_time(trace: Trace, body: int) -> float:
    """Return the post-encroachment time between the ego and a pedestrian [s], `inf` if there is none.

    Their conflict area is where the band that the ego sweeps (its width, about its y as it reaches the
    zebra, or where it is last) meets the pedestrian's way through that band, both with the pedestrian's own
    radius. There is none unless one of them has been there. Where the other has not by the end of the
    recording, the time is censored, and this is the least it can be if the other one goes on from there: the
    ego at its last speed, a pedestrian at the kerb or on the road at its own or, if that is more, at WALKING
    speed. An ego that stands, and a pedestrian who is elsewhere, are not coming: `inf`.
    """
    position, size, reached = trace["position"], trace["size"], reach(trace)
    radius, last = size[body, 1] / 2, len(trace) - 1
    y = position[last if reached is None else reached, EGO, 1]
    walker = size[EGO, 1] / 2 + radius - np.abs(position[:, body, 1] - y)
    way = position[walker >= 0, body, 0] if (walker >= 0).any() else position[last:, body, 0]
    behind = front(trace) - way.min() + radius
    ego = np.minimum(behind, way.max() + radius - front(trace) + size[EGO, 0])
    if (ego >= 0).any() and (walker >= 0).any():
        return crossing.post_encroachment_time(ego, walker, trace.rate)
    if (walker >= 0).any():
        gone, distance = crossing.time_since_inside(walker, trace.rate), -behind[last]
        speed = trace["speed"][last, EGO] if distance > 0 else 0.0  # it may have been past before the recording
    else:
        gone, distance = crossing.time_since_inside(ego, trace.rate), -walker[last]
        speed = max(float(trace["speed"][last, body]), WALKING) if _is_coming(trace, body, y) else 0.0
    return gone + float(crossing.time_to_reach(distance, speed)) if speed > 0 else float("inf")


def _is_coming(trace: Trace, body: int, y: float) -> bool:
    """Return whether a pedestrian is at the kerb or on the road at the end, and the ego's way at y before it."""
    encounter = _encounter(trace, body)
    if encounter is None or not present(trace, encounter)[-1]:
        return False
    return bool(encounter.side * (y - trace["position"][-1, body, 1]) > 0)


def _first(mask: np.ndarray) -> int | None:
    """Return the first sample in which a mask holds, or None."""
    return int(np.argmax(mask)) if mask.any() else None
