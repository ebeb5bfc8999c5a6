"""What lies under the bodies of a scene, seen from above: roads, lines, areas, drawn in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Look = Literal["asphalt", "pavement", "line", "dashes", "zebra", "barrier", "bench", "area", "place"]
"""How a patch looks; pages choose the colours."""
LOOKS: tuple[str, ...] = get_args(Look)
"""Every look."""


@dataclass(frozen=True)
class Patch:
    """A patch of ground.

    Examples:
        >>> import numpy, testbed
        >>> lane = testbed.Patch("asphalt", numpy.array([[0.0, -2.0], [100.0, -2.0], [100.0, 2.0], [0.0, 2.0]]))
        >>> lane.outline.shape
        (4, 2)
    """

    look: Look
    """What it is."""
    outline: np.ndarray
    """Corners of an area or points of a line, in the frame of the trace's positions, shape (n, 2) [m]."""
    name: str = ""
    """What is written at it."""
