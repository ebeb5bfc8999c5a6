"""What a crossing looks like over time: the quantities that its measures are made from."""

from __future__ import annotations

import numpy as np

from testbed.protocols.episode import Trace
from testbed.protocols.measure import Course
from testbed.scenes.crosswalk.encounter import find_encounters, pedestrians
from testbed.scenes.crosswalk.measures import (
    CLEARANCE,
    OVERSPEED,
    RETREAT,
    SURGE,
    distance_to,
    over_limit,
    speed_gained,
    walked_back,
)


def nearest(trace: Trace) -> np.ndarray:
    """Return the distance from the ego to the nearest pedestrian, shape (samples,) [m]; NaN without any."""
    return _least([distance_to(trace, int(body)) for body in pedestrians(trace)], trace)


def gained(trace: Trace) -> np.ndarray:
    """Return the most speed gained at any pedestrian, shape (samples,) [m/s]."""
    return np.max([np.zeros(len(trace)), *(speed_gained(trace, met) for met in find_encounters(trace))], axis=0)


def retreated(trace: Trace) -> np.ndarray:
    """Return how far any pedestrian has walked back at most, shape (samples,) [m]."""
    return np.max([np.zeros(len(trace)), *(walked_back(trace, int(body)) for body in pedestrians(trace))], axis=0)


def _least(rows: list[np.ndarray], trace: Trace) -> np.ndarray:
    return np.min(rows, axis=0) if rows else np.full(len(trace), np.nan)


COURSES = (
    Course("clearance", "distance to the nearest pedestrian", "m", nearest, *CLEARANCE),
    Course("surge", "speed gained at a pedestrian", "m/s", gained, *SURGE),
    Course("overspeed", "over the speed limit", "m/s", over_limit, *OVERSPEED),
    Course("retreat", "pedestrian walked back", "m", retreated, *RETREAT),
)
"""Every quantity of a crossing."""
