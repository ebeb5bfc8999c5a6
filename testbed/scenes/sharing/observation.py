"""What a policy sees of the shared bench: its hand, the next unit, its slot, the coworker's hand, counts, context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.distances import inside
from testbed.envs.warehouse.looking import count, free_place, next_unit, owned_areas, owners_by_place
from testbed.envs.warehouse.scene import BENCH, SUPPLY, TOTE
from testbed.envs.warehouse.seeing import (
    HandView,
    finish,
    hand_view,
    label_names,
    robot_names,
    thing_view,
    write_first,
    write_hand,
    write_labels,
    write_thing,
)
from testbed.scenes.sharing.layout import GOAL_SLOTS, HOME, SHARED, UNITS, ZONES

CONTEXT = {"due": ("in-time", "late", "rush"), "load": ("light", "heavy")}
"""How the order stands, of which the last value is never drawn, and how busy the coworker is."""
COUNTS = ("order_left", "unit_left", "in_zone", "coworker_in_zone", "lane")
NAMES = (*robot_names("unit", "slot"), *COUNTS, *label_names(CONTEXT))
"""Name of every component of the observation, in order."""
MOST = 4.0
"""Scale of counts."""
LANE = 0.4
"""Scale of `lane`, how far the grip is beyond the middle of the zone along y [m]."""
CODES, AREAS = owned_areas(ZONES)
_HOME, _SHARED = np.array(HOME), SHARED.area


@compiled(nogil=True)
def owners(seen):
    """Write whose each unit is; see `WarehouseScene`."""
    owners_by_place(seen, CODES, AREAS)


@compiled(nogil=True)
def observe(worlds, seen, observations):
    """Write observations, shape (n, len(NAMES)); see `WarehouseScene`."""
    row, offered = np.empty(len(NAMES)), np.empty(UNITS, np.bool_)
    for number in range(len(worlds)):
        world, now = worlds[number], seen[number]
        for unit in range(UNITS):
            offered[unit] = now.owner[unit] in (SUPPLY, BENCH)
        unit, there = next_unit(now, offered)
        column = write_first(now, _HOME, unit, there, row)
        column = write_thing(now, GOAL_SLOTS[free_place(now, GOAL_SLOTS)], row, column)
        column = write_hand(now, row, column)
        row[column], row[column + 1] = (world.order - count(now.owner, TOTE)) / MOST, there
        row[column + 2], row[column + 3] = inside(now.grip, _SHARED), inside(now.hand, _SHARED)
        row[column + 4] = (now.grip[1] - _SHARED[0, 1]) / LANE
        write_labels(world, row, column + len(COUNTS))
        finish(row, observations[number])


@dataclass(frozen=True)
class SharingView:
    """A batch of n observations in physical units."""

    hands: HandView
    """Both hands."""
    unit: np.ndarray
    """The next unit from the grip, shape (n, 3) [m]; home where there is none."""
    there: np.ndarray
    """Whether there is one, shape (n,) bool."""
    slot: np.ndarray
    """Where it goes, from the grip, shape (n, 3) [m]."""
    order_left: np.ndarray
    """Units that the order lacks, shape (n,)."""
    lane: np.ndarray
    """How far the grip is beyond the middle of the zone, along y, shape (n,) [m]."""


def view(observations: np.ndarray) -> SharingView:
    """Return observations, shape (n, len(NAMES)), in physical units."""
    counts = {name: np.asarray(observations[:, NAMES.index(name)], np.float64) for name in COUNTS}
    return SharingView(
        hands=hand_view(observations, NAMES),
        unit=thing_view(observations, NAMES, "unit"),
        there=counts["unit_left"] > 0.5,
        slot=thing_view(observations, NAMES, "slot"),
        order_left=np.round(counts["order_left"] * MOST),
        lane=counts["lane"] * LANE,
    )
