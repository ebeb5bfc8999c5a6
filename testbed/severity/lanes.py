"""Who is on which lane: where two vehicles share one, what the one does is the other's business."""

from __future__ import annotations

import numpy as np

from testbed.protocols.episode import Trace


def is_on_lane(trace: Trace, lane: int) -> np.ndarray:
    """Return which bodies are on a main lane, shape (samples, bodies) bool: with the centre and the front's middle.

    Lanes are numbered from y = 0 on, apart by the lines of the trace, as its own `lane` has them for centres.
    """
    front = trace["position"][..., 1] + np.sin(trace["heading"]) * trace["size"][:, 0] / 2
    return (trace["lane"] == lane) & (np.searchsorted(trace["lane_line"], front) == lane)
