"""The separation that ISO/TS 15066 asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

REACTION = 0.1
"""Time in which the robot reacts, T_r [s]."""
BRAKING = 5.0
"""Deceleration at which it stops, a [m/s2]."""
UNCERTAINTY = 0.10
"""How far a hand may be from where it is seen, C and Z of the standard together [m]."""


def protective_distance(robot: ArrayLike, hand: ArrayLike) -> np.ndarray:
    """Return S_p = v_h (T_r + T_s) + v_r T_r + v_r^2 / 2a + C [m] (ISO/TS 15066, 5.5.4.2.3, with T_s = v_r / a).

    Args:
        robot: Speed of the robot towards the person, v_r, at least 0 [m/s].
        hand: Speed of the person towards the robot, v_h, at least 0 [m/s].
    """
    v_r, v_h = np.asarray(robot, float), np.asarray(hand, float)
    return v_h * (REACTION + v_r / BRAKING) + v_r * REACTION + v_r**2 / (2 * BRAKING) + UNCERTAINTY
