"""What worlds look like, read from MuJoCo's state."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.distances import length, separation
from testbed.envs.warehouse.fetch import FINGER_GAP
from testbed.envs.warehouse.kinematics import grip_of
from testbed.envs.warehouse.leading import LINK
from testbed.envs.warehouse.scene import DECISION_HZ

CLOSED_ON = (0.036, 0.052)
"""Between these distances of the fingers' faces a unit is between them, if it is there at all [m]."""
IN_GRASP = np.array([0.016, 0.016, 0.020])
"""How far from the grip a unit may be that is held [m]."""


@compiled(nogil=True)
def read(worlds, sensed, cosine, sine, places, axes, tip, seen):
    """Write what worlds look like into `seen`, all but the owners of units.

    Args:
        worlds: Records of `world_type`, shape (n,).
        sensed: Records of `sensor_type`, shape (n,).
        cosine: Cosines of the arm's hinges, shape (n, links).
        sine: Their sines, likewise.
        places: The links of the arm; see `Arm`.
        axes: Their axes.
        tip: The grip in the last link's frame.
        seen: Records of `seen_type`, shape (n,).
    """
    for number in range(len(worlds)):
        world, now = worlds[number], seen[number]
        grip_of(cosine[number], sine[number], places, axes, tip, now.grip)
        for axis in range(3):
            now.speed[axis] = (now.grip[axis] - world.before[axis]) * DECISION_HZ
            now.lead[axis] = world.leads_to[axis] - LINK[axis] - now.grip[axis]
            now.hand[axis], now.hand_speed[axis] = world.hand[axis], world.hand_speed[axis]
        now.width = world.fingers[0] + world.fingers[1] + FINGER_GAP
        for side in range(2):
            now.touch[side] = length(sensed[number].touch[side])
        now.separation = separation(now.grip, now.hand)
        _read_units(world, now, CLOSED_ON[0] < now.width < CLOSED_ON[1])


@compiled
def _read_units(world, now, closed):
    for unit in range(len(now.units)):
        inside = True
        for axis in range(3):
            now.units[unit, axis] = world.poses[unit, axis]
            inside &= abs(now.units[unit, axis] - now.grip[axis]) < IN_GRASP[axis]
        now.held[unit] = inside and closed
        now.carried[unit] = world.carries[unit] > 0
