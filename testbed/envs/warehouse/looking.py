"""Choices that the scenes offer a policy: the unit it could take next, the first place that is free."""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.scene import Seen

SHY = 0.15
"""A unit nearer than this to the coworker's hand, seen from above, is not offered [m]."""
TAKEN = 0.035
"""A place with a unit nearer than this is taken [m]."""


def next_unit(seen: Seen, offered: np.ndarray, shy: float = SHY) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit that is held or else the nearest of those offered, and whether there is one, each shape (n,).

    Args:
        seen: What the worlds look like.
        offered: Which units may be taken, shape (n, units) bool.
        shy: Units nearer than this to the coworker's hand are not offered [m].
    """
    rows = np.arange(len(offered))
    hand = np.linalg.norm(seen.units[..., :2] - seen.hand[:, None, :2], axis=-1)
    offered = offered & (hand > shy)
    distance = np.linalg.norm(seen.units - seen.grip[:, None], axis=-1)
    unit = np.where(seen.held, -1.0, np.where(offered, distance, 10.0 + distance)).argmin(1)
    return unit, seen.held[rows, unit] | offered[rows, unit]


def free_place(seen: Seen, places: np.ndarray) -> np.ndarray:
    """Return the first of some places that has no unit but a held one, shape (n, 3) [m]; the last where all do."""
    free = ~(near_places(seen.units, places, TAKEN) & ~seen.held[:, None]).any(-1)
    free[:, -1] = True
    return places[free.argmax(1)]


def near_places(units: np.ndarray, places: np.ndarray, distance: float) -> np.ndarray:
    """Return which units are near which places, seen from above, shape (n, places, units) bool.

    Args:
        units: Shape (n, units, 3) [m].
        places: Shape (places, 3) [m].
        distance: What is near [m].
    """
    x = places[:, 0, None] - units[:, None, :, 0]
    y = places[:, 1, None] - units[:, None, :, 1]
    return x * x + y * y < distance**2
