"""Whose a unit is, and the choices that scenes offer a policy: the unit it could take next, the first free place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.distances import distance, distance_from_above, inside, near
from testbed.envs.warehouse.scene import BENCH, FLOOR, IN_COWORKER, IN_ROBOT, TABLE_TOP, Zone

SHY = 0.15
"""A unit nearer than this to the coworker's hand, seen from above, is not offered [m]."""
TAKEN = 0.035
"""A place with a unit nearer than this is taken [m]."""
FAR = 10.0
"""Farther than the bench is long [m]."""


def owned_areas(places: Mapping[int, Zone]) -> tuple[np.ndarray, np.ndarray]:
    """Return of zones whose they are, positions in OWNERS, shape (zones,), and where, shape (zones, 2, 2) [m]."""
    return np.array(list(places), np.int8), np.array([zone.area for zone in places.values()])


@compiled
def owner_by_place(now, unit, codes, areas):
    """Return whose a unit is by where it is and who holds it, a position in OWNERS; see `owned_areas`."""
    if now.held[unit]:
        return IN_ROBOT
    if now.carried[unit]:
        return IN_COWORKER
    if now.units[unit, 2] < TABLE_TOP - 0.01:
        return FLOOR
    for zone in range(len(codes) - 1, -1, -1):
        if inside(now.units[unit], areas[zone]):
            return codes[zone]
    return BENCH


@compiled
def owners_by_place(seen, codes, areas):
    """Write whose each unit of n worlds is by where it is and who holds it; see `owned_areas`."""
    for now in seen:
        for unit in range(len(now.units)):
            now.owner[unit] = owner_by_place(now, unit, codes, areas)


@compiled
def count(owners, owner):
    """Return how many units are somebody's; owners of shape (units,)."""
    return (owners == owner).sum()


@compiled
def next_unit(now, offered):
    """Return the unit that is held or else the nearest of those offered, and whether there is one.

    Args:
        now: What a world looks like.
        offered: Which units may be taken, shape (units,) bool; those near the coworker's hand are struck out.
    """
    best, least = 0, np.inf
    for unit in range(len(offered)):
        offered[unit] &= distance_from_above(now.units[unit], now.hand) > SHY
        way = distance(now.units[unit], now.grip)
        way = -1.0 if now.held[unit] else way if offered[unit] else FAR + way
        if way < least:
            best, least = unit, way
    return best, now.held[best] > 0 or offered[best]


@compiled
def free_place(now, places):
    """Return the number of the first of some places, shape (places, 3) [m], that has no unit but a held one.

    It is the last where all do.
    """
    for number in range(len(places) - 1):
        free = True
        for unit in range(len(now.units)):
            free = free and (now.held[unit] > 0 or not near(now.units[unit], places[number], TAKEN))
        if free:
            return number
    return len(places) - 1
