"""What a policy sees of order picking: its hand, the next unit it could take, where that would go, counts, context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.warehouse.looking import free_place, next_unit
from testbed.envs.warehouse.scene import (
    BENCH,
    BUFFER,
    COWORKER_TOTE,
    SUPPLY,
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
from testbed.scenes.picking.layout import BUFFER_PLACES, HOME, TOTE_SLOTS, ZONES

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


def owners(seen: Seen) -> np.ndarray:
    """Return whose each unit is, shape (n, UNITS); see `WarehouseScene.owners`."""
    return owners_by_place(seen, ZONES)


def observe(state: TaskState, seen: Seen) -> np.ndarray:
    """Return observations, shape (n, len(NAMES)); see `WarehouseScene.observe`."""
    owner, rows = seen.owner, np.arange(len(state))
    unit, there = next_unit(seen, (owner == SUPPLY) | (owner == BENCH))
    place = np.where(there[:, None], seen.units[rows, unit], np.array(HOME))
    left = state["order"] - (owner == TOTE).sum(1)
    slot = np.where((left > 0)[:, None], free_place(seen, TOTE_SLOTS), free_place(seen, BUFFER_PLACES))
    excess = (owner == BUFFER).sum(1)
    supply = (owner == SUPPLY).sum(1)
    need = state["need"] - (owner == COWORKER_TOTE).sum(1)
    own = robot_part(HOME, seen, place, slot)
    counts = [left / MOST, excess / MOST, supply / MOST, need / MOST, there, state["mode"] > 0]
    return joined([*own, *counts, *label_part(state)])


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
