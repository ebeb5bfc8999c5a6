"""The shared bench, declared: how a scene is drawn, what the coworker does, when it is over, what it is worth.

An episode ends when the ordered units are in the goal tote and the robot rests at home; when a unit falls off the
bench; or at the time limit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.envs.asking import chosen
from testbed.envs.compiling import compiled
from testbed.envs.warehouse.labels import light_of
from testbed.envs.warehouse.looking import count
from testbed.envs.warehouse.scene import (
    DECISION_HZ,
    TOTE,
    Start,
    WarehouseScene,
    Zone,
    task_state_type,
)
from testbed.envs.warehouse.termination import termination
from testbed.protocols.number import Number
from testbed.scenes.sharing.layout import GOAL_SLOTS, HAND_HOME, HOME, SHARED, SOURCE, UNITS, ZONES
from testbed.scenes.sharing.observation import CONTEXT, NAMES, observe, owners
from testbed.seeding import Draws

TIME_LIMIT = 20.0
"""Longest episode [s]."""
VISITS = 6
"""How often the coworker reaches in."""
NUMBERS = {"first_visit": Number(0.2, 2.0, "s", "when the coworker reaches in for the first time")}
"""What can be fixed of a scene beside its factors."""
TASK_STATE = task_state_type(
    CONTEXT, ("order", 1), ("comes", VISITS), ("leaves", VISITS), ("work_x", VISITS), ("work_y", VISITS)
)
"""What a world remembers: units ordered; when the coworker comes and leaves [s] and where it works [m]."""
WORK_HEIGHT = 0.50
"""Height of the coworker's hand at work [m]."""
TOUCHED = 0.004
"""A gripper nearer than this is felt [m]."""
STAYS, PAUSES = ((0.8, 1.8), (1.0, 2.0)), ((1.6, 3.2), (0.8, 1.6))
"""Shortest and longest visit and pause between visits, for a light and a heavy load [s]."""


def sample_initial(seeds: np.ndarray, fixed: np.ndarray) -> Start:
    """Return scenes. The same seed with another `due` gives the same scene but for that."""
    draws, n = Draws(seeds, NUMBERS, fixed[:, len(CONTEXT) :]), len(seeds)
    context = np.stack([draws.choice((0.5, 0.5)), draws.choice((0.5, 0.5))], 1)
    context = chosen(fixed, context)
    state = np.zeros(n, TASK_STATE)
    state["context"], state["light"] = context, light_of(seeds)
    state["order"] = 2 + draws.choice((0.5, 0.5))
    stay, pause = (_spans(draws, np.array(table)[context[:, 1]]) for table in (STAYS, PAUSES))
    pause[:, 0] = draws.number("first_visit")
    state["leaves"] = np.cumsum(stay + pause, axis=1)
    state["comes"] = state["leaves"] - stay
    state["work_x"], state["work_y"] = draws.uniform(1.22, 1.36, VISITS), draws.uniform(0.70, 0.86, VISITS)
    shift = np.stack([draws.uniform(-0.010, 0.010, UNITS), draws.uniform(-0.010, 0.010, UNITS)], -1)
    position = np.tile(SOURCE, (n, 1, 1))
    position[..., :2] += shift
    return Start(position, draws.uniform(-0.1, 0.1, UNITS), state)


def _spans(draws: Draws, bounds: np.ndarray) -> np.ndarray:
    """Return a time for each visit between bounds of shape (n, 2) [s], shape (n, VISITS)."""
    return draws.uniform(bounds[:, :1], bounds[:, 1:], VISITS)


@compiled(nogil=True)
def step_coworker(worlds, seen, ids, goals, holds):
    """Write where the hand is to go; it holds nothing; see `WarehouseScene`.

    It comes and goes by its own plan, whatever the robot does, but breaks a visit off when it is touched.
    """
    for number in ids:
        world, goal = worlds[number], goals[number]
        holds[number] = False
        goal[0], goal[1], goal[2] = HAND_HOME
        time = world.steps / DECISION_HZ
        for visit in range(VISITS - 1, -1, -1):
            if not world.comes[visit] <= time < world.leaves[visit]:
                continue
            if seen[number].separation < TOUCHED:  # whoever is pushed pulls the hand back
                world.leaves[visit] = time
            else:
                goal[0], goal[1], goal[2] = world.work_x[visit], world.work_y[visit], WORK_HEIGHT


@compiled(nogil=True)
def reward_and_termination(worlds, seen, ids, steps, rewards):
    """Write rewards, the share of the order that is done at the end; see `WarehouseScene`."""
    for number in ids:
        world, now = worlds[number], seen[number]
        done = min(count(now.owner, TOTE), world.order)
        if termination(world, now, HOME, done >= world.order, True, steps):
            rewards[number] = done / world.order


def appearance(context: Mapping[str, str]) -> dict[int, tuple[float, float, float]]:
    """All units are plain."""
    return {}


SCENE = WarehouseScene(
    environment="testbed/SharedBench-v0",
    module=__name__,
    context=CONTEXT,
    numbers=NUMBERS,
    units=UNITS,
    mine=(True,) * UNITS,
    zones=(*ZONES.values(), SHARED, Zone("coworker", (1.64, 0.78), (0.08, 0.17), (0.95, 0.60, 0.25), rim=False)),
    shared=SHARED,
    slots=GOAL_SLOTS,
    home=HOME,
    hand_home=HAND_HOME,
    task_state=TASK_STATE,
    time_limit=TIME_LIMIT,
    names=NAMES,
    sample_initial=sample_initial,
    step_coworker=step_coworker,
    observe=observe,
    reward_and_termination=reward_and_termination,
    owners=owners,
    appearance=appearance,
)
"""The shared bench, declared."""
