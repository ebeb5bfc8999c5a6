"""Shelf stocking, declared: how a scene is drawn, when it is over, and what it is worth.

An episode ends when the ordered slots are filled and the robot rests at home; when a unit falls off the bench; or at
the time limit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.envs.warehouse.labels import LABELS, light_of
from testbed.envs.warehouse.scene import DECISION_HZ, Memory, Seen, Start, View, WarehouseScene, Zone, memory_type
from testbed.envs.warehouse.termination import over
from testbed.scenes.stocking.layout import HAND_HOME, HOME, OWN, PAINTED, ROW, SLOTS, SOURCE, THEIRS, UNITS, ZONES
from testbed.scenes.stocking.observation import CONTEXT, NAMES, filled, observe, owners
from testbed.seeding import Draws

TIME_LIMIT = 14.0
"""Longest episode [s]."""
STEPS = round(TIME_LIMIT * DECISION_HZ)
"""The same in decisions."""
MEMORY = memory_type(CONTEXT, ("order", 1))
"""What a world remembers: units ordered."""


def draw(seeds: np.ndarray, fixed: np.ndarray) -> Start:
    """Return scenes; see `WarehouseScene.draw`. The same seed with another factor gives the same scene otherwise."""
    draws, n = Draws(seeds), len(seeds)
    context = np.stack([draws.choice((0.5, 0.5)), draws.choice((0.5, 0.5))], 1)
    memory = np.zeros(n, MEMORY)
    context = np.where(fixed >= 0, fixed, context)
    memory["context"], memory["light"] = context, light_of(seeds)
    memory["order"] = 2 + draws.choice((0.5, 0.5))
    shift = np.stack([draws.uniform(-1.0, 1.0, UNITS), draws.uniform(-1.0, 1.0, UNITS)], -1)
    position = np.tile(np.concatenate([SOURCE, THEIRS]), (n, 1, 1))
    position[:, :OWN, :2] += 0.012 * shift[:, :OWN]
    position[:, OWN:, :2] += shift[:, OWN:] * (0.010, 0.003)
    turn = draws.uniform(-0.1, 0.1, UNITS)
    turn[:, OWN:] *= 0.3
    return Start(position, turn, memory)


def attend(memory: Memory, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """The coworker is elsewhere: its hand rests; see `WarehouseScene.attend`."""
    n = len(memory)
    return np.tile(HAND_HOME, (n, 1)), np.zeros((n, UNITS), bool)


def judge(memory: Memory, seen: Seen) -> np.ndarray:
    """Return rewards, the share of the slots that are filled at the end, shape (n,); see `WarehouseScene.judge`."""
    done = np.minimum(filled(seen), memory["order"])
    return over(memory, seen, HOME, done >= memory["order"], np.ones(len(memory), bool), STEPS) * done / memory["order"]


def look(context: Mapping[str, str]) -> dict[int, tuple[float, float, float]]:
    """Return the colour of every unit: the coworker's that of their label; see `WarehouseScene.look`."""
    theirs = tuple(LABELS[CONTEXT["neighbour"].index(context["neighbour"])])
    return dict.fromkeys(range(OWN, UNITS), theirs)


SCENE = WarehouseScene(
    environment="testbed/ShelfStocking-v0",
    module=__name__,
    context=CONTEXT,
    units=UNITS,
    mine=tuple(number < OWN for number in range(UNITS)),
    zones=(*ZONES.values(), *PAINTED),
    shared=Zone("row", (ROW, 0.78), (0.10, 0.36), (0.0, 0.0, 0.0)),
    slots=SLOTS,
    home=HOME,
    hand_home=HAND_HOME,
    memory=MEMORY,
    time_limit=TIME_LIMIT,
    names=NAMES,
    draw=draw,
    attend=attend,
    observe=observe,
    judge=judge,
    owners=owners,
    open_need=lambda memory, seen: np.zeros(len(memory)),
    look=look,
    view=View(eye=(0.92, -0.42, 1.36), target=(1.30, 0.78, 0.42), angle=34.0),
)
"""Shelf stocking, declared."""
