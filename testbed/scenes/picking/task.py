"""Order picking, declared: how a scene is drawn, when it is over, and what it is worth.

An episode ends when the order is full and the robot rests at home with empty fingers, and the coworker has what it
needs; when a unit falls off the bench; or at the time limit, which is a success if the order is full.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.envs.asking import chosen
from testbed.envs.compiling import compiled
from testbed.envs.warehouse.labels import LABELS, light_of
from testbed.envs.warehouse.looking import count
from testbed.envs.warehouse.scene import (
    COWORKER_TOTE,
    DECISION_HZ,
    SUPPLY,
    TOTE,
    Start,
    WarehouseScene,
    task_state_type,
)
from testbed.envs.warehouse.termination import termination
from testbed.protocols.number import Number
from testbed.scenes.picking.coworker import step_coworker
from testbed.scenes.picking.layout import (
    HAND_HOME,
    HOME,
    RESERVE_PLACES,
    SUPPLY_PLACES,
    TOTE_SLOTS,
    UNITS,
    ZONES,
)
from testbed.scenes.picking.observation import CONTEXT, NAMES, observe, owners
from testbed.seeding import Draws

TIME_LIMIT = 16.0
"""Longest episode [s]."""
NUMBERS = {
    "opens": Number(0.0, 1.5, "s", "when the coworker's order opens"),
    "refills": Number(2.0, 6.0, "s", "when the supply is refilled for the first time"),
}
"""What can be fixed of a scene beside its factors."""
TASK_STATE = task_state_type(
    CONTEXT, ("order", 1), ("need", 1), ("opens", 1), ("restock", 1), ("refills", 1), ("taken", 1), ("mode", 1),
    ("unit", 1), ("job", 1), ("place_x", 1), ("place_y", 1),
)  # fmt: skip
"""What a world remembers: both orders, when the coworker's opens [s], refills to come and from when [s], units that the
coworker has taken, and what its hand is doing."""


def sample_initial(seeds: np.ndarray, fixed: np.ndarray) -> Start:
    """Return order-picking scenes.

    The same seed with another factor gives the same scene but for that factor, and what the notice does to supplies.
    """
    draws, n = Draws(seeds, NUMBERS, fixed[:, len(CONTEXT) :]), len(seeds)
    context = np.stack([draws.choice((0.5, 0.5)), draws.choice((0.5, 0.5))], 1)
    context = chosen(fixed, context)
    state = np.zeros(n, TASK_STATE)
    state["context"], state["light"] = context, light_of(seeds)
    state["order"], state["need"] = 1 + draws.choice((0.25,) * 4), 1 + draws.choice((0.4, 0.35, 0.25))
    state["opens"] = draws.number("opens")
    plenty, scarce = 2 + draws.choice((0.2,) * 5), draws.choice((0.1, 0.3, 0.3, 0.2, 0.1))
    wanted = state["order"] + state["need"]
    short = context[:, 1] > 0  # a shock: less comes, and nothing after it
    stock = np.minimum(wanted + np.where(short, scarce, plenty), UNITS).astype(int)
    state["restock"] = np.where(short, 0, np.minimum(draws.choice((0.4, 0.3, 0.3)), UNITS - stock))
    state["refills"] = draws.number("refills")
    return Start(*_put(draws, n, stock), state)


def _put(draws: Draws, n: int, stock: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where units stand and how they are turned: `stock` of them, shape (n,), on the supply tray."""
    shuffled = np.argsort(draws.uniform(0.0, 1.0, len(SUPPLY_PLACES)), axis=1)
    shift = np.stack([draws.uniform(-0.010, 0.010, UNITS), draws.uniform(-0.010, 0.010, UNITS)], -1)
    supplied = np.arange(UNITS) < stock[:, None]
    stored = (np.arange(UNITS) - stock[:, None]) % len(RESERVE_PLACES)
    position = np.where(supplied[..., None], SUPPLY_PLACES[shuffled], RESERVE_PLACES[stored])
    position[..., :2] += shift
    return position, draws.uniform(-0.1, 0.1, UNITS)


@compiled(nogil=True)
def reward_and_termination(worlds, seen, ids, steps, rewards):
    """Write rewards, the share of the order that is in the tote at the end; see `WarehouseScene`."""
    for number in ids:
        world, now = worlds[number], seen[number]
        filled = min(count(now.owner, TOTE), world.order)
        served = world.taken >= world.need
        if termination(world, now, HOME, filled >= world.order, served, steps):
            rewards[number] = filled / world.order


@compiled(nogil=True)
def open_need(worlds, seen, ids, samples):
    """Write how many units the coworker still lacks of an order that is open; see `WarehouseScene`."""
    for number in ids:
        world = worlds[number]
        if world.steps / DECISION_HZ >= world.opens:
            samples[number].open_need[0] = max(world.need - count(seen[number].owner, COWORKER_TOTE), 0)


def appearance(context: Mapping[str, str]) -> dict[int, tuple[float, float, float]]:
    """Return the colour of every unit, that of its product's label."""
    return dict.fromkeys(range(UNITS), tuple(LABELS[CONTEXT["product"].index(context["product"])]))


SCENE = WarehouseScene(
    environment="testbed/OrderPicking-v0",
    module=__name__,
    context=CONTEXT,
    numbers=NUMBERS,
    units=UNITS,
    mine=(True,) * UNITS,
    zones=tuple(ZONES.values()),
    shared=ZONES[SUPPLY],
    slots=TOTE_SLOTS,
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
    open_need=open_need,
    appearance=appearance,
)
"""Order picking, declared."""
