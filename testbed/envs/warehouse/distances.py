"""Lengths and distances, and how far the robot's gripper is from the coworker's hand and forearm."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled

GRIPPER = np.array([[-0.035, -0.062, -0.022], [0.035, 0.062, 0.155]])
"""The box round palm, fingers and what they hold, from the grip [m]."""
FOREARM = np.array([[-0.03, 0.0, 0.0], [0.30, 0.0, 0.10]])
"""The coworker's hand and forearm as a segment, from the hand, and its radius [m]."""
FOREARM_RADIUS = 0.036
ALONG = np.linspace(0.0, 1.0, 33)
"""Points of a segment that are looked at: for 0.35 m the distance is at most 0.7 mm too long from 2 cm on."""


@compiled
def length(vector):
    """Return the length of a vector, shape (3,)."""
    return np.sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2])


@compiled
def distance(one, other):
    """Return the distance between two places, shape (3,)."""
    x, y, z = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    return np.sqrt(x * x + y * y + z * z)


@compiled
def distance_from_above(one, other):
    """Return the distance between two places as seen from above, shape (2,) or more."""
    x, y = one[0] - other[0], one[1] - other[1]
    return np.sqrt(x * x + y * y)


@compiled
def near(one, other, reach):
    """Return whether two places are nearer than `reach` [m] to each other, seen from above."""
    x, y = other[0] - one[0], other[1] - one[1]
    return x * x + y * y < reach * reach


@compiled
def inside(place, area):
    """Return whether a place is in an area, its middle and half its extent, shape (2, 2) [m]."""
    return abs(place[0] - area[0, 0]) <= area[1, 0] and abs(place[1] - area[0, 1]) <= area[1, 1]


@compiled
def separation(grip, hand):
    """Return the distance between gripper and forearm [m], below 0 where they overlap; both at a place (3,) [m]."""
    return box_to_segment(grip, GRIPPER, hand, FOREARM) - FOREARM_RADIUS


@compiled
def box_to_segment(place, box, start, segment):
    """Return the distance between a box and a segment [m]; 0 where one is inside the other.

    Args:
        place: Where the box is, shape (3,) [m].
        box: Lowest and highest corner, from there, along the axes of the world, shape (2, 3) [m].
        start: Where the segment is, shape (3,) [m].
        segment: Its ends, from there, shape (2, 3) [m].
    """
    nearest = np.inf
    for along in ALONG:
        square = 0.0
        for axis in range(3):
            point = (start[axis] - place[axis]) + (segment[0, axis] + along * (segment[1, axis] - segment[0, axis]))
            outside = max(max(box[0, axis] - point, point - box[1, axis]), 0.0)
            square += outside * outside
        nearest = min(nearest, square)
    return np.sqrt(nearest)
