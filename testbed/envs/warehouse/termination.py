"""When an episode at the bench is over."""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.scene import DONE_AT_LIMIT, FAILED, OUT_OF_TIME, RUNNING, SUCCEEDED, TABLE_TOP, Memory, Seen

AT_HOME = 0.05
"""A grip this near to its home is at home [m]."""
RESTS = 5
"""For how many decisions the robot rests at home before an episode is over."""


def over(
    memory: Memory, seen: Seen, home: tuple[float, float, float], done: np.ndarray, served: np.ndarray, steps: int
) -> np.ndarray:
    """Write into a task's memory which episodes are over and how; return which ended now, shape (n,) bool.

    Args:
        memory: Changed in place.
        seen: What the worlds look like.
        home: Where the grip rests [m].
        done: Whether the robot's task is done, shape (n,) bool.
        served: Whether the coworker has what it needs, shape (n,) bool.
        steps: Longest episode, in decisions.
    """
    running = memory["ended"] == RUNNING
    memory["steps"] += running
    rests = done & ~seen.held.any(1) & (np.linalg.norm(seen.grip - np.array(home), axis=1) < AT_HOME)
    memory["rested"] = np.where(rests, memory["rested"] + running, 0)
    fell = (seen.units[..., 2] < TABLE_TOP - 0.02).any(1)
    late = memory["steps"] >= steps
    how = np.select(
        [fell, (memory["rested"] >= RESTS) & served, late & done, late],
        [FAILED, SUCCEEDED, DONE_AT_LIMIT, OUT_OF_TIME],
        RUNNING,
    )
    memory["ended"] = np.where(running, how, memory["ended"])
    return running & (memory["ended"] != RUNNING)
