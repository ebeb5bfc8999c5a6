"""What the tests of driving environments share: environments and actions."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from benches import DISABLED
from gymnasium.vector import AutoresetMode

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.driving.batch import DrivingVectorEnv
from testbed.envs.driving.scene import ACTIONS
from testbed.envs.driving.single import DrivingEnv
from testbed.scenes.registry import environments

MERGE, CROSSWALK = "testbed/Merge-v0", "testbed/Crosswalk-v0"
IDS = sorted(environments("driving"))
every = pytest.mark.parametrize("name", IDS)


def make_one(name: str) -> DrivingEnv:
    return gymnasium.make(name, disable_env_checker=True).unwrapped


def make_batch(name: str, n: int, mode: AutoresetMode = DISABLED, **options) -> DrivingVectorEnv:
    return gymnasium.make_vec(name, num_envs=n, autoreset_mode=mode, **options)


def random_actions(seed: int, *shape: int) -> np.ndarray:
    """Return random actions; every world has its own habit, so that some drive on, some stop, some sway."""
    rng = np.random.default_rng(seed)
    habits = rng.dirichlet(np.full(5, 0.7), shape[1:]).cumsum(-1)
    return np.minimum((rng.random(shape)[..., None] > habits).sum(-1), 4)


def begun(name: str, n: int, **reset) -> tuple[DrivingVectorEnv, np.ndarray]:
    batch = gymnasium.make_vec(name, num_envs=n, autoreset_mode="Disabled")
    return batch, batch.reset(**reset)[0]


class Random:
    """A driver who does anything."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def act(self, observations):
        return self.rng.integers(len(ACTIONS), size=len(observations))


def points_on(rng: np.random.Generator, name: str, count: int) -> np.ndarray:
    """Return random points: over the whole road, beside it and past its ends, on centres and on lines, (count, 2)."""
    ends = {MERGE: (-450, 1250), CROSSWALK: (-550, 550)}[name]
    x = np.where(rng.random(count) < 0.5, rng.uniform(*ends, count), rng.uniform(-120, 260, count))
    y = np.where(rng.random(count) < 0.7, rng.uniform(-6, 20, count), rng.choice([0.0, 2.0, 4.0, 6.0, 8.0], count))
    return np.stack([x, y], axis=-1)
