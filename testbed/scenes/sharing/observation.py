"""What a policy sees of the shared bench: its hand, the next unit, its slot, the coworker's hand, counts, context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.warehouse.looking import free_place, next_unit
from testbed.envs.warehouse.scene import BENCH, SUPPLY, TOTE, Seen, TaskState, owners_by_place
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
from testbed.scenes.sharing.layout import GOAL_SLOTS, HOME, SHARED, ZONES

CONTEXT = {"due": ("in-time", "late", "rush"), "load": ("light", "heavy")}
"""How the order stands, of which the last value is never drawn, and how busy the coworker is."""
COUNTS = ("order_left", "unit_left", "in_zone", "coworker_in_zone", "lane")
NAMES = (*robot_names("unit", "slot"), *COUNTS, *label_names(CONTEXT))
"""Name of every component of the observation, in order."""
MOST = 4.0
"""Scale of counts."""
LANE = 0.4
"""Scale of `lane`, how far the grip is beyond the middle of the zone along y [m]."""


def owners(seen: Seen) -> np.ndarray:
    """Return whose each unit is, shape (n, UNITS); see `WarehouseScene.owners`."""
    return owners_by_place(seen, ZONES)


def observe(state: TaskState, seen: Seen) -> np.ndarray:
    """Return observations, shape (n, len(NAMES)); see `WarehouseScene.observe`."""
    owner, rows = seen.owner, np.arange(len(state))
    unit, there = next_unit(seen, (owner == SUPPLY) | (owner == BENCH))
    place = np.where(there[:, None], seen.units[rows, unit], np.array(HOME))
    left = state["order"] - (owner == TOTE).sum(1)
    own = robot_part(HOME, seen, place, free_place(seen, GOAL_SLOTS))
    lane = (seen.grip[:, 1] - SHARED.centre[1]) / LANE
    counts = [left / MOST, there, SHARED.holds(seen.grip), SHARED.holds(seen.hand), lane]
    return joined([*own, *counts, *label_part(state)])


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
