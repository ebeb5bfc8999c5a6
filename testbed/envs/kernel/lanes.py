"""Lanes along x, straight or sinusoidal: highway-env's `road/lane.py` and `road/road.py`."""

from __future__ import annotations

import math

from testbed.envs.compiling import compiled
from testbed.envs.kernel.records import NOBODY

VEHICLE_LENGTH = 5.0
"""What highway-env's lanes take for the length of any vehicle [m]."""


@compiled
def wrap_to_pi(angle):
    """Return an angle [rad] as one from -pi to pi."""
    turned = angle + math.pi
    if not 0.0 <= turned < 2 * math.pi:  # a division is slow, and most angles need none
        turned %= 2 * math.pi
    return turned - math.pi


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
    """Return whether a point is on the lane widened by `margin` [m]."""
    along = x - lane.start
    if not -VEHICLE_LENGTH <= along < lane.length + VEHICLE_LENGTH:
        return False
    return abs(y - lane.y - swing(lane, along)) <= lane.width / 2 + margin


@compiled
def lanes_at(lanes, x, y, margin):
    """Return the lanes, widened by `margin` [m], that a point is on, as bits."""
    bits = 0
    for number in range(len(lanes)):
        lane = lanes[number]
        if abs(y - lane.y) - abs(lane.amplitude) - 1e-6 <= lane.width / 2 + margin and on_lane(lane, x, y, margin):
            bits |= 1 << number
    return bits


@compiled
def locate(lanes, x, y, heading, margin):
    """Return the lane closest to a point and heading, the first of equals, and `lanes_at`."""
    best, found, bits = math.inf, 0, 0
    for number in range(len(lanes)):
        lane = lanes[number]
        along = x - lane.start
        beyond = max(along - lane.length, 0.0) + max(0.0 - along, 0.0)
        aside = abs(y - lane.y) - abs(lane.amplitude) - 1e-6
        # Each part only adds to the distance: most lanes are too far already, and need neither sine nor arc tangent.
        may_be_on = beyond <= VEHICLE_LENGTH and aside <= lane.width / 2 + margin
        if not may_be_on and (beyond >= best or aside >= best):
            continue
        across = abs(y - lane.y - swing(lane, along))
        if -VEHICLE_LENGTH <= along < lane.length + VEHICLE_LENGTH and across <= lane.width / 2 + margin:
            bits |= 1 << number
        away = across + beyond
        if away < best:
            away += abs(wrap_to_pi(heading - heading_at(lane, along)))
            if away < best:
                best, found = away, number
    return found, bits


@compiled
def closest_lane(lanes, x, y, heading):
    """Return the lane closest to a point and heading, the first of equals."""
    return locate(lanes, x, y, heading, 0.0)[0]


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
