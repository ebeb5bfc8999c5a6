"""What a policy sees of shelf stocking: its hand, the next unit, its slot, the neighbour there, counts, context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.warehouse.looking import near_places, next_unit
from testbed.envs.warehouse.scene import (
    COWORKER_TOTE,
    TABLE_TOP,
    TOTE,
    Seen,
    TaskState,
    owners_by_place,
)
from testbed.envs.warehouse.seeing import (
    HandView,
    hand_view,
    joined,
    label_names,
    label_part,
    robot_names,
    robot_part,
    thing_view,
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


def owners(seen: Seen) -> np.ndarray:
    """Return whose each unit is, shape (n, UNITS); see `WarehouseScene.owners`."""
    owner = owners_by_place(seen, ZONES)
    mine = np.arange(UNITS) < OWN
    stands = (seen.units[..., 2] < TABLE_TOP + 0.04) & (seen.units[..., 2] > TABLE_TOP) & ~seen.held
    owner[stands & mine & in_slots(seen).any(-1)] = TOTE
    owner[stands & ~mine] = COWORKER_TOTE
    return owner


def in_slots(seen: Seen) -> np.ndarray:
    """Return which units are in which slots, shape (n, UNITS, OWN) bool."""
    near = np.swapaxes(near_places(seen.units, SLOTS, IN_SLOT), 1, 2)
    return near & (seen.units[:, :, None, 2] < TABLE_TOP + 0.04) & ~seen.held[:, :, None]


def filled(seen: Seen) -> np.ndarray:
    """Return how many of the robot's slots are filled, in their order, without a gap, shape (n,)."""
    slots = in_slots(seen)[:, :OWN].any(1)
    return np.cumprod(slots, axis=1).sum(1)


def observe(state: TaskState, seen: Seen) -> np.ndarray:
    """Return observations, shape (n, len(NAMES)); see `WarehouseScene.observe`."""
    owner, rows = seen.owner, np.arange(len(state))
    mine = np.arange(UNITS) < OWN
    unit, there = next_unit(seen, mine & (owner != TOTE))
    place = np.where(there[:, None], seen.units[rows, unit], np.array(HOME))
    done = filled(seen)
    slot = SLOTS[np.minimum(done, OWN - 1)]
    last = np.clip(done - 1, 0, OTHERS - 1)
    neighbour = seen.units[rows, OWN + last]
    shift = neighbour[:, 0] - THEIRS[last, 0]
    own = robot_part(HOME, seen, place, slot, neighbour)
    counts = [(state["order"] - done) / MOST, there, done / MOST, shift / SHIFT]
    return joined([*own, *counts, *label_part(state)])


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
