"""The coworker at the picking bench: takes units for its own order and fills the supply up again.

It reaches in where the robot's gripper is not, carries one unit at a time and waits where there is none.
"""

from __future__ import annotations

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.distances import distance, distance_from_above, inside, near
from testbed.envs.warehouse.furniture import GRASP
from testbed.envs.warehouse.scene import COWORKER_TOTE, DECISION_HZ, RESERVE, RESTING, SUPPLY
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
_SUPPLY, _RESERVE = ZONES[SUPPLY].area, ZONES[RESERVE].area


@compiled(nogil=True)
def step_coworker(worlds, seen, ids, goals, holds):
    """Write where the hand is to go and which unit it holds; see `WarehouseScene`."""
    for number in ids:
        world, now, goal = worlds[number], seen[number], goals[number]
        if world.mode == WAITING:
            _choose(world, now)
        chosen = int(world.unit)
        _set_goal(world, now.units[chosen], goal)
        _advance(world, now, goal, chosen)
        _set_goal(world, now.units[chosen], goal)
        if world.mode in (WAITING, TO_UNIT, TO_PLACE, LEAVE):
            _stay_on_its_side(now.hand, goal)
        for unit in range(UNITS):
            holds[number, unit] = unit == chosen and UP <= world.mode <= LOWER


@compiled
def _set_goal(world, unit, goal):
    """Write where the hand wants to be in its mode, shape (3,) [m]."""
    if world.mode == WAITING:
        goal[0], goal[1], goal[2] = HAND_HOME
    elif world.mode in (TO_UNIT, DOWN, UP):
        goal[0], goal[1] = unit[0], unit[1]
        goal[2] = unit[2] + GRASP if world.mode == DOWN else ABOVE
    else:
        goal[0], goal[1] = world.place_x, world.place_y
        goal[2] = RESTING + (GRASP + 0.002) if world.mode == LOWER else ABOVE


@compiled
def _stay_on_its_side(hand, goal):
    """Change a goal to where a hand goes first that wants to be there.

    It draws back to the coworker's side, goes along it, and reaches straight in: nothing sweeps over the robot's work.
    """
    if abs(hand[1] - goal[1]) > STRAIGHT:
        if hand[0] < SIDE - 0.03:
            goal[1] = hand[1]
        goal[0] = SIDE


@compiled
def _advance(world, now, goal, unit):
    """Go on to the next thing if the hand has reached its goal; give a unit up that the robot goes for."""
    if world.mode in (TO_UNIT, DOWN):
        near = distance_from_above(now.grip, now.units[unit]) < ABORT
        if near or now.held[unit] or now.separation < TOUCHED:
            world.mode = WAITING
            return
    there = distance(now.hand, goal) < THERE or (world.mode == UP and now.hand[2] > ABOVE - 0.02)
    if not there or world.mode == WAITING:
        return
    if world.mode == LOWER:
        world.taken += world.job == COWORKER_TOTE
        world.restock -= world.job == SUPPLY
    world.mode = WAITING if world.mode == LEAVE else world.mode + 1


@compiled
def _choose(world, now):
    """Give a hand that waits something to do, if there is anything."""
    time = world.steps / DECISION_HZ
    if time >= world.opens and world.taken < world.need:
        unit = _farthest(now, _SUPPLY)
        if unit >= 0:
            place = max(_gap(now, COWORKER_SLOTS, 0.0), 0)
            _begin(world, unit, COWORKER_TOTE, COWORKER_SLOTS[place])
            return
    if time >= world.refills and world.restock > 0:
        unit, place = _last(now, _RESERVE), _gap(now, SUPPLY_PLACES, ROOM)
        if unit >= 0 and place >= 0:
            _begin(world, unit, SUPPLY, SUPPLY_PLACES[place])


@compiled
def _begin(world, unit, job, place):
    """Let a hand reach for a unit and remember the place for it."""
    world.unit, world.job, world.mode = unit, job, TO_UNIT
    world.place_x, world.place_y = place[0], place[1]


@compiled
def _is_loose(now, unit, area):
    """Return whether a unit is in an area, nobody holds it, and the robot is not near."""
    apart = distance_from_above(now.units[unit], now.grip) > ROOM
    return apart and not now.held[unit] and not now.carried[unit] and inside(now.units[unit], area)


@compiled
def _farthest(now, area):
    """Return the loose unit in an area that is farthest from the robot; -1 where there is none."""
    best, most = -1, -1.0
    for unit in range(UNITS):
        far = distance_from_above(now.units[unit], now.grip)
        if far > most and _is_loose(now, unit, area):
            best, most = unit, far
    return best


@compiled
def _last(now, area):
    """Return the last loose unit in an area; -1 where there is none."""
    for unit in range(UNITS - 1, -1, -1):
        if _is_loose(now, unit, area):
            return unit
    return -1


@compiled
def _gap(now, places, room):
    """Return the first of some places that is not OCCUPIED and at least `room` [m] from the robot; -1 if none is."""
    for place in range(len(places)):
        free = room == 0.0 or distance_from_above(places[place], now.grip) > room
        for unit in range(UNITS):
            free = free and not near(now.units[unit], places[place], OCCUPIED)
        if free:
            return place
    return -1
