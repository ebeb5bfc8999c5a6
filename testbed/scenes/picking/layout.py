"""Where things are on the picking bench. The robot stands at small x, the coworker at large x."""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.scene import (
    BUFFER,
    COWORKER_TOTE,
    RESERVE,
    RESTING,
    SUPPLY,
    TOTE,
    Zone,
)

UNITS = 10
"""Units in every scene, on the supply tray or in reserve."""


def _grid(x: tuple[float, ...], y: tuple[float, ...]) -> np.ndarray:
    """Return places of units, row by row, shape (len(x) * len(y), 3) [m]."""
    return np.array([(a, b, RESTING) for b in y for a in x])


SUPPLY_PLACES = _grid((1.25, 1.36), (0.56, 0.66, 0.76, 0.86, 0.96))
TOTE_SLOTS = _grid((1.15, 1.24, 1.33, 1.42), (0.42,))
BUFFER_PLACES = _grid((1.15, 1.24, 1.33, 1.42), (1.09, 1.19))
COWORKER_SLOTS = _grid((1.60,), (0.40, 0.50, 0.60, 0.70))
RESERVE_PLACES = _grid((1.57, 1.67), (0.86, 0.95, 1.04, 1.13))

HOME = (1.10, 0.42, 0.56)
HAND_HOME = (1.64, 0.78, 0.62)

ZONES = {
    SUPPLY: Zone("supply", (1.305, 0.76), (0.105, 0.26), (0.86, 0.80, 0.66)),
    TOTE: Zone("order", (1.285, 0.42), (0.19, 0.055), (0.35, 0.55, 0.85)),
    BUFFER: Zone("buffer", (1.285, 1.14), (0.19, 0.105), (0.75, 0.42, 0.62)),
    COWORKER_TOTE: Zone("coworker", (1.60, 0.55), (0.06, 0.21), (0.95, 0.60, 0.25)),
    RESERVE: Zone("reserve", (1.62, 0.995), (0.10, 0.185), (0.66, 0.68, 0.68)),
}
"""Areas by whose units they hold."""
