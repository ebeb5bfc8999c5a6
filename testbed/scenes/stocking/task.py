"""Shelf stocking, declared: how a scene is drawn, when it is over, and what it is worth.

An episode ends when the ordered slots are filled and the robot rests at home; when a unit falls off the bench; or at
the time limit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.envs.asking import chosen
from testbed.envs.compiling import compiled
from testbed.envs.warehouse.labels import LABELS, light_of
from testbed.envs.warehouse.scene import (
    Camera,
    Start,
    WarehouseScene,
    Zone,
    task_state_type,
)
from testbed.envs.warehouse.termination import termination
from testbed.protocols.number import Number
from testbed.scenes.stocking.layout import HAND_HOME, HOME, OWN, PAINTED, ROW, SLOTS, SOURCE, THEIRS, UNITS, ZONES
from testbed.scenes.stocking.observation import CONTEXT, NAMES, filled, observe, owners
from testbed.seeding import Draws

TIME_LIMIT = 14.0
"""Longest episode [s]."""
NUMBERS = {"neighbour_aside": Number(-1.0, 1.0, "", "where a neighbouring unit stands, of 3 mm beside its place")}
"""What can be fixed of a scene beside its factors."""
TASK_STATE = task_state_type(CONTEXT, ("order", 1))
"""What a world remembers: units ordered."""


def sample_initial(seeds: np.ndarray, fixed: np.ndarray) -> Start:
    """Return scenes. The same seed with another factor gives the same scene otherwise."""
    draws, n = Draws(seeds, NUMBERS, fixed[:, len(CONTEXT) :]), len(seeds)
    context = np.stack([draws.choice((0.5, 0.5)), draws.choice((0.5, 0.5))], 1)
    state = np.zeros(n, TASK_STATE)
    context = chosen(fixed, context)
    state["context"], state["light"] = context, light_of(seeds)
    state["order"] = 2 + draws.choice((0.5, 0.5))
    shift = np.stack([draws.uniform(-1.0, 1.0, UNITS), draws.uniform(-1.0, 1.0, UNITS)], -1)
    shift[:, OWN, 1] = draws.unless_fixed("neighbour_aside", shift[:, OWN, 1])
    position = np.tile(np.concatenate([SOURCE, THEIRS]), (n, 1, 1))
    position[:, :OWN, :2] += 0.012 * shift[:, :OWN]
    position[:, OWN:, :2] += shift[:, OWN:] * (0.010, 0.003)
    turn = draws.uniform(-0.1, 0.1, UNITS)
    turn[:, OWN:] *= 0.3
    return Start(position, turn, state)


@compiled(nogil=True)
def step_coworker(worlds, seen, ids, goals, holds):
    """The coworker is elsewhere: its hand rests; see `WarehouseScene`."""
    for number in ids:
        goals[number, 0], goals[number, 1], goals[number, 2] = HAND_HOME
        holds[number] = False


@compiled(nogil=True)
def reward_and_termination(worlds, seen, ids, steps, rewards):
    """Write rewards, the share of the slots that are filled at the end; see `WarehouseScene`."""
    for number in ids:
        world, now = worlds[number], seen[number]
        done = min(filled(now), world.order)
        if termination(world, now, HOME, done >= world.order, True, steps):
            rewards[number] = done / world.order


def appearance(context: Mapping[str, str]) -> dict[int, tuple[float, float, float]]:
    """Return the colour of every unit: the coworker's that of their label."""
    theirs = tuple(LABELS[CONTEXT["neighbour"].index(context["neighbour"])])
    return dict.fromkeys(range(OWN, UNITS), theirs)


SCENE = WarehouseScene(
    environment="testbed/ShelfStocking-v0",
    module=__name__,
    context=CONTEXT,
    numbers=NUMBERS,
    units=UNITS,
    mine=tuple(number < OWN for number in range(UNITS)),
    zones=(*ZONES.values(), *PAINTED),
    shared=Zone("row", (ROW, 0.78), (0.10, 0.36), (0.0, 0.0, 0.0)),
    slots=SLOTS,
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
    camera=Camera(eye=(0.92, -0.42, 1.36), target=(1.30, 0.78, 0.42), angle=34.0),
)
"""Shelf stocking, declared."""
