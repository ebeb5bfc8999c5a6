"""What an action does: it leads the robot's hand and fingers; and how the coworker's hand is led to its goal."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.fetch import FINGER_OPEN
from testbed.envs.warehouse.furniture import GRIP_DROP
from testbed.envs.warehouse.scene import DECISION_HZ, TABLE_TOP

LINK = np.array([0.0, 0.0, GRIP_DROP])
"""From the grip to the gripper link's origin, which the mocap body leads [m]."""
REACH = 0.04
"""How far an action leads the hand at most, along each axis [m]."""
LEASH = 0.06
"""How far ahead of the hand it is led at most [m]."""
WORKSPACE = np.array([[1.08, 0.30, TABLE_TOP + 0.0205], [1.50, 1.26, 0.66]])
"""Where the grip can be led to, lowest and highest corner [m]; fingertips are 18.5 mm below the grip."""
HAND_PACE = 1.0
"""Speed at which the coworker's hand is led [m/s]."""


@compiled(nogil=True)
def lead(worlds, seen, ids, actions, goals, holds):
    """Move in the worlds `ids`, shape (k,), the points that both hands are led to, and what they hold.

    Args:
        worlds: Records of `world_type`, shape (n,).
        seen: What they look like, records of `seen_type`, shape (n,).
        ids: Numbers of worlds.
        actions: Shape (n, 4); cut off at -1 and 1.
        goals: Where the coworker's hand is to go, shape (n, 3) [m].
        holds: Which units it is to hold, shape (n, units) bool.
    """
    for number in ids:
        world, now, action = worlds[number], seen[number], actions[number]
        for axis in range(3):
            world.before[axis] = now.grip[axis]
            ahead = _clipped(now.lead[axis] + REACH * _clipped(action[axis], -1.0, 1.0), -LEASH, LEASH)
            wish = _clipped(now.grip[axis] + ahead, WORKSPACE[0, axis], WORKSPACE[1, axis])
            world.leads_to[axis] = wish + LINK[axis]
        world.finger_targets[:] = FINGER_OPEN / 2 * (1 + _clipped(action[3], -1.0, 1.0))
        _lead_coworker(world, goals[number])
        for unit in range(len(world.carries)):
            world.carries[unit] = holds[number, unit]


@compiled
def _lead_coworker(world, goal):
    square = 0.0
    for axis in range(3):
        way = goal[axis] - world.hand_target[axis]
        square += way * way
    share = min(HAND_PACE / DECISION_HZ / max(np.sqrt(square), 1e-9), 1.0)
    for axis in range(3):
        world.hand_target[axis] += (goal[axis] - world.hand_target[axis]) * share


@compiled
def _clipped(value, low, high):
    return min(max(value, low), high)
