"""Distances between bodies that keep their orientation, and the separation that ISO/TS 15066 asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

ALONG = np.linspace(0.0, 1.0, 33)[:, None]
"""Points of a segment that are looked at: for 0.35 m the distance is at most 0.7 mm too long from 2 cm on."""
REACTION = 0.1
"""Time in which the robot reacts, T_r [s]."""
BRAKING = 5.0
"""Deceleration at which it stops, a [m/s2]."""
UNCERTAINTY = 0.10
"""How far a hand may be from where it is seen, C and Z of the standard together [m]."""


def box_to_segment(place: np.ndarray, box: np.ndarray, start: np.ndarray, segment: np.ndarray) -> np.ndarray:
    """Return distances between n boxes and n segments, shape (n,) [m]; 0 where one is inside the other.

    Args:
        place: Where the boxes are, shape (n, 3) [m].
        box: Lowest and highest corner, from there, along the axes of the world, shape (2, 3) [m].
        start: Where the segments are, shape (n, 3) [m].
        segment: Their ends, from there, shape (2, 3) [m].
    """
    points = (start - place)[:, None] + (segment[0] + ALONG * (segment[1] - segment[0]))
    outside = np.maximum(np.maximum(box[0] - points, points - box[1]), 0.0)
    return np.sqrt((outside**2).sum(-1)).min(-1)


def protective_distance(robot: ArrayLike, hand: ArrayLike) -> np.ndarray:
    """Return S_p = v_h (T_r + T_s) + v_r T_r + v_r^2 / 2a + C [m] (ISO/TS 15066, 5.5.4.2.3, with T_s = v_r / a).

    Args:
        robot: Speed of the robot towards the person, v_r, at least 0 [m/s].
        hand: Speed of the person towards the robot, v_h, at least 0 [m/s].
    """
    v_r, v_h = np.asarray(robot, float), np.asarray(hand, float)
    return v_h * (REACTION + v_r / BRAKING) + v_r * REACTION + v_r**2 / (2 * BRAKING) + UNCERTAINTY
