"""Lanes along x, straight or sinusoidal: highway-env's `road/lane.py` and `road/road.py`."""

from __future__ import annotations

import math

from testbed.envs.kernel.compiling import compiled
from testbed.envs.kernel.records import NOBODY

VEHICLE_LENGTH = 5.0
"""What highway-env's lanes take for the length of any vehicle [m]."""


@compiled
def wrap_to_pi(angle):
    """Return an angle [rad] as one from -pi to pi."""
    return ((angle + math.pi) % (2 * math.pi)) - math.pi


@compiled
def clip(value, low, high):
    """Return `numpy.clip` of a number."""
    return min(max(value, low), high)


@compiled
def swing(lane, longitudinal):
    """Return how far the centre of a sinusoidal lane is from its axis [m]."""
    if lane.amplitude == 0.0:
        return 0.0
    return lane.amplitude * math.sin(lane.pulsation * longitudinal + lane.phase)


@compiled
def local_coordinates(lane, x, y):
    """Return the longitudinal and lateral coordinates [m] of a point."""
    longitudinal = x - lane.start
    return longitudinal, y - lane.y - swing(lane, longitudinal)


@compiled
def heading_at(lane, longitudinal):
    """Return the heading of a lane [rad]."""
    if lane.amplitude == 0.0:
        return 0.0
    return math.atan(lane.amplitude * lane.pulsation * math.cos(lane.pulsation * longitudinal + lane.phase))


@compiled
def distance(lane, x, y):
    """Return highway-env's distance of a point to a lane [m]."""
    along, across = local_coordinates(lane, x, y)
    return abs(across) + max(along - lane.length, 0.0) + max(0.0 - along, 0.0)


@compiled
def after_end(lane, x):
    """Return whether a vehicle at x is about to leave the lane at its end."""
    return x - lane.start > lane.length - VEHICLE_LENGTH / 2


@compiled
def is_reachable_from(lane, x, y):
    """Return whether a vehicle at a point may change to a lane."""
    if lane.forbidden:
        return False
    along, across = local_coordinates(lane, x, y)
    return abs(across) <= 2 * lane.width and 0 <= along < lane.length + VEHICLE_LENGTH


@compiled
def on_lane(lane, x, y, margin):
    """Return the longitudinal coordinate [m] and whether a point is on the lane widened by `margin` [m]."""
    along = x - lane.start
    if not -VEHICLE_LENGTH <= along < lane.length + VEHICLE_LENGTH:
        return along, False
    return along, abs(y - lane.y - swing(lane, along)) <= lane.width / 2 + margin


@compiled
def closest_lane(lanes, x, y, heading):
    """Return the lane closest to a point and heading, the first of equals."""
    best, found = math.inf, 0
    for number in range(len(lanes)):
        lane = lanes[number]
        along, across = local_coordinates(lane, x, y)
        away = abs(across) + max(along - lane.length, 0.0) + max(0.0 - along, 0.0)
        # The angle only adds to it, so a lane that is too far already needs no arc tangent.
        if away < best:
            away += abs(wrap_to_pi(heading - heading_at(lane, along)))
            if away < best:
                best, found = away, number
    return found


@compiled
def next_lane(lanes, current, x):
    """Return the lane to follow after one that ends: the same number, or the closest where their counts differ."""
    lane = lanes[current]
    if lane.next_first == NOBODY:
        return current
    if lane.next_count == lane.count:
        return lane.next_first + lane.number
    y = lane.y + swing(lane, x - lane.start)
    best, found = math.inf, lane.next_first
    for number in range(lane.next_first, lane.next_first + lane.next_count):
        away = distance(lanes[number], x, y)
        if away < best:
            best, found = away, number
    return found
