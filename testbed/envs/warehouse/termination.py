"""When an episode at the bench is over."""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.scene import (
    DONE_AT_LIMIT,
    FAILED,
    OUT_OF_TIME,
    RUNNING,
    SUCCEEDED,
    TABLE_TOP,
    Seen,
    TaskState,
)

AT_HOME = 0.05
"""A grip this near to its home is at home [m]."""
RESTS = 5
"""For how many decisions the robot rests at home before an episode is over."""


def termination(
    task_state: TaskState,
    seen: Seen,
    home: tuple[float, float, float],
    done: np.ndarray,
    served: np.ndarray,
    steps: int,
) -> np.ndarray:
    """Write into a task's task_state which episodes are over and how; return which ended now, shape (n,) bool.

    Args:
        task_state: Changed in place.
        seen: What the worlds look like.
        home: Where the grip rests [m].
        done: Whether the robot's task is done, shape (n,) bool.
        served: Whether the coworker has what it needs, shape (n,) bool.
        steps: Longest episode, in decisions.
    """
    running = task_state["ended"] == RUNNING
    task_state["steps"] += running
    rests = done & ~seen.held.any(1) & (np.linalg.norm(seen.grip - np.array(home), axis=1) < AT_HOME)
    task_state["rested"] = np.where(rests, task_state["rested"] + running, 0)
    fell = (seen.units[..., 2] < TABLE_TOP - 0.02).any(1)
    late = task_state["steps"] >= steps
    how = np.select(
        [fell, (task_state["rested"] >= RESTS) & served, late & done, late],
        [FAILED, SUCCEEDED, DONE_AT_LIMIT, OUT_OF_TIME],
        RUNNING,
    )
    task_state["ended"] = np.where(running, how, task_state["ended"])
    return running & (task_state["ended"] != RUNNING)
