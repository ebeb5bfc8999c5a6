"""What a policy sees of shelf stocking: its hand, the next unit, its slot, the neighbour there, counts, context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.distances import near
from testbed.envs.warehouse.looking import next_unit, owned_areas, owners_by_place
from testbed.envs.warehouse.scene import COWORKER_TOTE, TABLE_TOP, TOTE
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
from testbed.scenes.stocking.layout import HOME, OTHERS, OWN, SLOTS, THEIRS, UNITS, ZONES

CONTEXT = {
    "neighbour": ("own-team", "other-team", "agency"),
    "inspection": ("checked", "unchecked", "sampled"),
}
"""Whose units stand beside the slots, and whether anybody will look at the robot's; the last values are never drawn."""
COUNTS = ("order_left", "unit_left", "placed", "shift")
NAMES = (*robot_names("unit", "slot", "neighbour"), *COUNTS, *label_names(CONTEXT))
"""Name of every component of the observation, in order."""
MOST = 4.0
"""Scale of counts."""
SHIFT = 0.05
"""Scale of `shift`, how far the neighbour of the slot that was filled last was pushed back [m]."""
IN_SLOT = 0.032
"""A unit nearer than this to its slot is in it [m]."""
STANDS = TABLE_TOP + 0.04
"""The centre of a unit that stands on the bench is lower than this [m]."""
CODES, AREAS = owned_areas(ZONES)
_HOME = np.array(HOME)


@compiled(nogil=True)
def owners(seen):
    """Write whose each unit is; see `WarehouseScene`."""
    owners_by_place(seen, CODES, AREAS)
    for now in seen:
        for unit in range(UNITS):
            if TABLE_TOP < now.units[unit, 2] < STANDS and not now.held[unit]:
                if unit >= OWN:
                    now.owner[unit] = COWORKER_TOTE
                elif _is_in_any_slot(now, unit):
                    now.owner[unit] = TOTE


@compiled
def _is_in(now, unit, slot):
    """Return whether a unit is in a slot."""
    return near(now.units[unit], SLOTS[slot], IN_SLOT) and now.units[unit, 2] < STANDS and not now.held[unit]


@compiled
def _is_in_any_slot(now, unit):
    found = False
    for slot in range(OWN):
        found |= _is_in(now, unit, slot)
    return found


@compiled
def filled(now):
    """Return how many of the robot's slots are filled with its units, in their order, without a gap."""
    for slot in range(OWN):
        found = False
        for unit in range(OWN):
            found |= _is_in(now, unit, slot)
        if not found:
            return slot
    return OWN


@compiled(nogil=True)
def observe(worlds, seen, observations):
    """Write observations, shape (n, len(NAMES)); see `WarehouseScene`."""
    row, offered = np.empty(len(NAMES)), np.empty(UNITS, np.bool_)
    for number in range(len(worlds)):
        world, now = worlds[number], seen[number]
        for unit in range(UNITS):
            offered[unit] = unit < OWN and now.owner[unit] != TOTE
        unit, there = next_unit(now, offered)
        done = filled(now)
        last = min(max(done - 1, 0), OTHERS - 1)
        neighbour = now.units[OWN + last]
        column = write_first(now, _HOME, unit, there, row)
        column = write_thing(now, SLOTS[min(done, OWN - 1)], row, column)
        column = write_thing(now, neighbour, row, column)
        column = write_hand(now, row, column)
        row[column], row[column + 1] = (world.order - done) / MOST, there
        row[column + 2], row[column + 3] = done / MOST, (neighbour[0] - THEIRS[last, 0]) / SHIFT
        write_labels(world, row, column + len(COUNTS))
        finish(row, observations[number])


@dataclass(frozen=True)
class StockingView:
    """A batch of n observations in physical units."""

    hands: HandView
    """Both hands."""
    unit: np.ndarray
    """The next of the robot's units from the grip, shape (n, 3) [m]; home where there is none."""
    there: np.ndarray
    """Whether there is one, shape (n,) bool."""
    slot: np.ndarray
    """The next slot, from the grip, shape (n, 3) [m]."""
    neighbour: np.ndarray
    """The coworker's unit beside the slot that was filled last, from the grip, shape (n, 3) [m]."""
    shift: np.ndarray
    """How far that was pushed back, shape (n,) [m]."""
    order_left: np.ndarray
    """Units that the order lacks, shape (n,)."""
    placed: np.ndarray
    """Slots that are filled, shape (n,)."""


def view(observations: np.ndarray) -> StockingView:
    """Return observations, shape (n, len(NAMES)), in physical units."""
    counts = {name: np.asarray(observations[:, NAMES.index(name)], np.float64) for name in COUNTS}
    return StockingView(
        hands=hand_view(observations, NAMES),
        unit=thing_view(observations, NAMES, "unit"),
        there=counts["unit_left"] > 0.5,
        slot=thing_view(observations, NAMES, "slot"),
        neighbour=thing_view(observations, NAMES, "neighbour"),
        shift=counts["shift"] * SHIFT,
        order_left=np.round(counts["order_left"] * MOST),
        placed=np.round(counts["placed"] * MOST),
    )
