"""The coworker at the picking bench: takes units for its own order and fills the supply up again.

It reaches in where the robot's gripper is not, carries one unit at a time and waits where there is none.
"""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.furniture import GRASP
from testbed.envs.warehouse.looking import near_places
from testbed.envs.warehouse.scene import COWORKER_TOTE, DECISION_HZ, RESERVE, RESTING, SUPPLY, Seen, TaskState
from testbed.scenes.picking.layout import (
    COWORKER_SLOTS,
    HAND_HOME,
    SUPPLY_PLACES,
    UNITS,
    ZONES,
)

WAITING, TO_UNIT, DOWN, UP, TO_PLACE, LOWER, LEAVE = range(7)
"""What its hand is doing (`state["mode"]`)."""
ROOM = 0.18
"""It begins to reach for nothing nearer to the robot's grip than this, seen from above [m]."""
ABORT = 0.14
"""It gives up on a unit to which the robot's grip comes nearer than this [m]."""
TOUCHED = 0.004
"""It gives up where the robot's gripper is nearer to its arm than this [m]."""
ABOVE = 0.60
"""Height at which its hand travels [m]."""
SIDE = 1.60
"""x of the coworker's side, along which its hand travels [m]."""
STRAIGHT = 0.03
"""A hand this near to the line of its goal reaches straight in [m]."""
THERE = 0.012
"""A hand this near is there [m]."""
OCCUPIED = 0.05
"""A place with a unit nearer than this is occupied [m]."""


def step_coworker(state: TaskState, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Return the goal of the hand, shape (n, 3) [m], and what it holds, shape (n, UNITS) bool; see `WarehouseScene`."""
    _choose(state, seen)
    rows = np.arange(len(state))
    unit = seen.units[rows, state["unit"].astype(int)]
    place = np.stack([state["place_x"], state["place_y"], np.full(len(rows), RESTING)], axis=1)
    _advance(state, seen, _goal(state["mode"], unit, place), unit)
    mode = state["mode"]
    goal = _goal(mode, unit, place)
    travels = np.isin(mode, (WAITING, TO_UNIT, TO_PLACE, LEAVE))[:, None]
    holds = ((mode >= UP) & (mode <= LOWER))[:, None] & (np.arange(UNITS) == state["unit"][:, None])
    return np.where(travels, _by_its_side(seen.hand, goal), goal), holds


def _goal(mode: np.ndarray, unit: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return where the hand wants to be in each mode, shape (n, 3) [m]."""
    up = np.array([0.0, 0.0, 1.0])
    over_unit, over_place = unit * (1, 1, 0) + ABOVE * up, place * (1, 1, 0) + ABOVE * up
    on_unit, on_place = unit + GRASP * up, place + (GRASP + 0.002) * up
    choices = [np.broadcast_to(HAND_HOME, unit.shape), over_unit, on_unit, over_unit, over_place, on_place, over_place]
    return np.choose(mode.astype(int)[:, None], choices)


def _by_its_side(hand: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Return where hands go first that want to be at a goal, each shape (n, 3) [m].

    They draw back to the coworker's side, go along it, and reach straight in: nothing sweeps over the robot's work.
    """
    beside = np.abs(hand[:, 1] - goal[:, 1]) > STRAIGHT
    inside = hand[:, 0] < SIDE - 0.03
    height = goal[:, 2]
    back = np.column_stack([np.full(len(hand), SIDE), hand[:, 1], height])
    along = np.column_stack([np.full(len(hand), SIDE), goal[:, 1], height])
    return np.where((beside & inside)[:, None], back, np.where(beside[:, None], along, goal))


def _advance(state: TaskState, seen: Seen, goal: np.ndarray, unit: np.ndarray) -> None:
    """Go on to the next thing where the hand has reached its goal; give a unit up that the robot goes for."""
    mode = state["mode"]
    there = np.linalg.norm(seen.hand - goal, axis=1) < THERE
    there |= (mode == UP) & (seen.hand[:, 2] > ABOVE - 0.02)
    reaching = (mode == TO_UNIT) | (mode == DOWN)
    robot = np.linalg.norm(seen.grip[:, :2] - unit[:, :2], axis=1)
    rows, number = np.arange(len(state)), state["unit"].astype(int)
    lost = reaching & ((robot < ABORT) | seen.held[rows, number] | (seen.separation < TOUCHED))
    placed = there & (mode == LOWER)
    state["taken"] += placed & (state["job"] == COWORKER_TOTE)
    state["restock"] -= placed & (state["job"] == SUPPLY)
    after = np.where(mode == LEAVE, WAITING, mode + 1)
    state["mode"] = np.where(lost, WAITING, np.where(there & (mode > WAITING), after, mode))


def _choose(state: TaskState, seen: Seen) -> None:
    """Give every hand that waits something to do, if there is anything."""
    free = state["mode"] == WAITING
    time = state["steps"] / DECISION_HZ
    far = np.linalg.norm(seen.units[..., :2] - seen.grip[:, None, :2], axis=-1)
    loose = ~seen.held & ~seen.carried & (far > ROOM)
    takes = free & (time >= state["opens"]) & (state["taken"] < state["need"])
    offered = loose & ZONES[SUPPLY].holds(seen.units)
    fills = free & (time >= state["refills"]) & (state["restock"] > 0)
    stored = loose & ZONES[RESERVE].holds(seen.units)
    gaps = ~near_places(seen.units, SUPPLY_PLACES, OCCUPIED).any(-1) & (
        np.linalg.norm(SUPPLY_PLACES[None, :, :2] - seen.grip[:, None, :2], axis=-1) > ROOM
    )
    room = ~np.any(near_places(seen.units, COWORKER_SLOTS, OCCUPIED), axis=-1)
    _begin(state, takes & offered.any(1), np.where(offered, far, -1.0), COWORKER_TOTE, room, COWORKER_SLOTS)
    fills &= (state["mode"] == WAITING) & stored.any(1) & gaps.any(1)
    _begin(state, fills, np.where(stored, 1.0 + np.arange(UNITS), -1.0), SUPPLY, gaps, SUPPLY_PLACES)


def _begin(
    state: TaskState, who: np.ndarray, liking: np.ndarray, job: int, gaps: np.ndarray, places: np.ndarray
) -> None:
    """Let hands reach for the unit they like best and remember the first free place for it."""
    place = places[gaps.argmax(1)]
    state["unit"] = np.where(who, liking.argmax(1), state["unit"])
    state["place_x"] = np.where(who, place[:, 0], state["place_x"])
    state["place_y"] = np.where(who, place[:, 1], state["place_y"])
    state["job"] = np.where(who, job, state["job"])
    state["mode"] = np.where(who, TO_UNIT, state["mode"])
