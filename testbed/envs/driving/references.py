"""Reference drivers on every road, and what those of one road are made from."""

from __future__ import annotations

import numpy as np

from testbed.envs.driving.scene import ACTIONS
from testbed.protocols.policy import Constant, Reference

FASTER, SLOWER, IDLE, LANE_LEFT = (ACTIONS.index(name) for name in ("FASTER", "SLOWER", "IDLE", "LANE_LEFT"))
STEP = 1.0
"""Set speeds are 2 m/s apart: one within this of what is wanted is the nearest [m/s]."""
ALWAYS = (
    Reference("always IDLE", Constant(IDLE), "keeps lane and speed"),
    Reference("always FASTER", Constant(FASTER), "speeds up as far as it goes"),
)


def keep_speed(speed: float | np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the actions that bring set speeds, shape (n,), to one or n speeds [m/s]."""
    return np.where(target < speed - STEP, FASTER, np.where(target > speed + STEP, SLOWER, IDLE))
