"""The bench and its areas from above, as patches that a page draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from testbed.envs.warehouse.scene import TABLE_CENTRE, TABLE_HALF, Zone
from testbed.protocols.ground import Patch

PLACE = 0.04
"""An area no larger than this is a place of a single unit, and has no name written at it [m]."""


def ground(zones: Sequence[Zone]) -> list[Patch]:
    """Return the patches of a bench with its areas."""
    return [Patch("bench", _box(TABLE_CENTRE, TABLE_HALF)), *map(_patch, zones)]


def _patch(zone: Zone) -> Patch:
    small = max(zone.half) <= PLACE
    return Patch("place" if small else "area", _box(zone.centre, zone.half), "" if small else zone.name)


def _box(centre: tuple[float, float], half: tuple[float, float]) -> np.ndarray:
    return np.array(centre) + np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
