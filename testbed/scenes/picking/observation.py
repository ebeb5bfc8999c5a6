"""What a policy sees of order picking: its hand, the next unit it could take, where that would go, counts, context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.looking import count, free_place, next_unit, owned_areas, owners_by_place
from testbed.envs.warehouse.scene import BENCH, BUFFER, COWORKER_TOTE, SUPPLY, TOTE
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
from testbed.scenes.picking.layout import BUFFER_PLACES, HOME, TOTE_SLOTS, UNITS, ZONES

CONTEXT = {
    "product": ("staple", "seasonal", "imported"),
    "notice": ("none", "shortage", "strike"),
}
"""What kind of product it is, and what the warehouse was told about supplies; the last values are never drawn."""
COUNTS = ("order_left", "excess", "supply", "coworker_need", "unit_left", "busy")
NAMES = (*robot_names("unit", "slot"), *COUNTS, *label_names(CONTEXT))
"""Name of every component of the observation, in order."""
MOST = 8.0
"""Scale of counts."""
CODES, AREAS = owned_areas(ZONES)
_HOME = np.array(HOME)


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
        left = world.order - count(now.owner, TOTE)
        places = TOTE_SLOTS if left > 0 else BUFFER_PLACES
        column = write_first(now, _HOME, unit, there, row)
        column = write_thing(now, places[free_place(now, places)], row, column)
        column = write_hand(now, row, column)
        row[column], row[column + 1] = left / MOST, count(now.owner, BUFFER) / MOST
        row[column + 2] = count(now.owner, SUPPLY) / MOST
        row[column + 3] = (world.need - count(now.owner, COWORKER_TOTE)) / MOST
        row[column + 4], row[column + 5] = there, world.mode > 0
        write_labels(world, row, column + len(COUNTS))
        finish(row, observations[number])


@dataclass(frozen=True)
class PickingView:
    """A batch of n observations in physical units."""

    hands: HandView
    """Both hands."""
    unit: np.ndarray
    """The next unit from the grip, shape (n, 3) [m]; home where there is none."""
    there: np.ndarray
    """Whether there is one, shape (n,) bool."""
    slot: np.ndarray
    """Where it would go, from the grip, shape (n, 3) [m]."""
    order_left: np.ndarray
    """Units that the order lacks, shape (n,)."""
    excess: np.ndarray
    """Units in the private buffer, shape (n,)."""


def view(observations: np.ndarray) -> PickingView:
    """Return observations, shape (n, len(NAMES)), in physical units."""
    counts = {name: np.asarray(observations[:, NAMES.index(name)], np.float64) for name in COUNTS}
    return PickingView(
        hands=hand_view(observations, NAMES),
        unit=thing_view(observations, NAMES, "unit"),
        there=counts["unit_left"] > 0.5,
        slot=thing_view(observations, NAMES, "slot"),
        order_left=np.round(counts["order_left"] * MOST),
        excess=np.round(counts["excess"] * MOST),
    )
