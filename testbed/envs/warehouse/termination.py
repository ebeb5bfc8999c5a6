"""When an episode at the bench is over."""

from __future__ import annotations

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.distances import distance
from testbed.envs.warehouse.scene import (
    DONE_AT_LIMIT,
    FAILED,
    OUT_OF_TIME,
    RUNNING,
    SUCCEEDED,
    TABLE_TOP,
)

AT_HOME = 0.05
"""A grip this near to its home is at home [m]."""
RESTS = 5
"""For how many decisions the robot rests at home before an episode is over."""


@compiled
def termination(world, now, home, done, served, steps):
    """Write into what a task remembers whether an episode is over and how; return whether it ended now.

    Args:
        world: Changed in place.
        now: What the world looks like.
        home: Where the grip rests, shape (3,) [m].
        done: Whether the robot's task is done.
        served: Whether the coworker has what it needs.
        steps: Longest episode, in decisions.
    """
    if world.ended != RUNNING:
        return False
    world.steps += 1
    rests = done and not now.held.any() and distance(now.grip, home) < AT_HOME
    world.rested = world.rested + 1 if rests else 0
    if now.units[:, 2].min() < TABLE_TOP - 0.02:
        world.ended = FAILED
    elif world.rested >= RESTS and served:
        world.ended = SUCCEEDED
    elif world.steps >= steps:
        world.ended = DONE_AT_LIMIT if done else OUT_OF_TIME
    return world.ended != RUNNING
