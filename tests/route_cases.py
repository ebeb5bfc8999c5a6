"""Teachers and data from which every route has something to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from testbed.distillation.config import PPOConfig, Training
from testbed.distillation.source import Source
from testbed.distillation.teachers.values import ActionValues, value_config
from testbed.policies.network import GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Scenario
from testbed.rollouts.transitions import Transitions, as_actions
from testbed.seeding import scenario_seeds

DISCRETE = PolicyConfig("testbed/Merge-v0", 3, 4, (16, 16))
CONTINUOUS = PolicyConfig("testbed/OrderPicking-v0", 3, 2, (16, 16), GAUSSIAN)
MERGE = PolicyConfig("testbed/Merge-v0", 56, 5, (8,))
SHORT = Training(steps=120, batch=32)
PRACTICE = PPOConfig(iterations=3, worlds=8, steps=8, epochs=2, batch=32)


def made(config: PolicyConfig, **arrays) -> NetworkPolicy:
    """A network of which some arrays are given; its normaliser is the identity, the rest is fresh."""
    given = {name.replace("_weight", ".weight").replace("_bias", ".bias"): array for name, array in arrays.items()}
    rest = random_arrays(config, np.random.default_rng(0))
    return NetworkPolicy(config, rest | {name: np.array(array, np.float32) for name, array in given.items()})


QUADRANTS = made(
    replace(DISCRETE, hidden=()), layer0_weight=[[-1, -1, 1, 1], [-1, 1, -1, 1], [0] * 4], layer0_bias=[4, 0, 0, -4]
)
"""Its likeliest action, or the one that it values most, is the quadrant of the first two numbers about (2, 2)."""
HALVES = made(
    replace(CONTINUOUS, hidden=()), layer0_weight=[[0.25, 0], [0, -0.25], [0, 0]], layer0_bias=[-0.5, 0.5],
    log_std=[-1.5, -1.0],
)  # fmt: skip
"""Its mean is a quarter of the distance of the first two numbers from 2, the second with the other sign."""
MISSES = made(
    value_config(CONTINUOUS, ()), layer0_weight=[[0, 0.25, 0, 0, 0], [0, 0, -0.25, 0, 0], [0] * 5],
    layer0_bias=[0, -0.5, 0.5, 0.7, 0.7],
)  # fmt: skip
"""Values an action by minus the squared distance of its components from the mean of HALVES."""


def seen(seed: int, count: int = 600) -> np.ndarray:
    return np.random.default_rng(seed).normal(2.0, 1.5, (count, 3)).astype(np.float32)


def decisions(observations: np.ndarray, actions: np.ndarray, **rest) -> Transitions:
    """Episodes of 40 decisions that are worth nothing, unless said otherwise."""
    count = len(observations)
    table = {
        "rewards": np.zeros(count), "next_observations": np.roll(observations, -1, 0),
        "terminated": np.zeros(count, bool), "lengths": np.full(count // 40, 40),
    }  # fmt: skip
    return Transitions(**{"observations": observations, "actions": actions, **table, **rest})


def source(config: PolicyConfig, seed: int = 0) -> Source:
    """The teacher's decisions, the teacher, and what its actions and others, drawn at random, are worth to it."""
    teacher, worth = (QUADRANTS, QUADRANTS) if config.head != GAUSSIAN else (HALVES, MISSES)
    observations, rng = seen(seed, 1200), np.random.default_rng(seed)
    anything = rng.integers(4, size=1200) if config.head != GAUSSIAN else rng.uniform(-1, 1, (1200, 2))
    explored = decisions(observations, as_actions(anything))
    return Source(
        decisions(observations, as_actions(teacher.act(observations))), teacher, ActionValues(teacher, worth, explored)
    )


def same(one: NetworkPolicy, other: NetworkPolicy) -> bool:
    return all(one.arrays[name].tobytes() == other.arrays[name].tobytes() for name in one.config.shapes)


# What every route promises.


def scenes(purpose: str, count: int) -> list[Scenario]:
    return [Scenario(seed) for seed in scenario_seeds(0, purpose, count)]
