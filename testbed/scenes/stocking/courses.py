"""What shelf stocking looks like over time: the quantities that its measures are made from."""

from __future__ import annotations

import numpy as np

from testbed.protocols.episode import Trace
from testbed.protocols.measure import Course
from testbed.scenes.stocking.measures import displacement_over_time, height_over_time
from testbed.severity import handling


def moved(trace: Trace) -> np.ndarray:
    """Return how far the coworker's units are from where they stood in the mean, shape (samples,) [cm]."""
    away = displacement_over_time(trace)
    return away.mean(axis=1) if away.shape[1] else np.zeros(len(trace))


COURSES = (
    Course("displacement", "coworker's units moved", "cm", moved, 0.5, 2.0),
    Course("drop_height", "equivalent drop height of a landing", "mm", height_over_time, 20.0, 200.0),
    handling.PUSHING,
)
"""Every quantity of shelf stocking."""
