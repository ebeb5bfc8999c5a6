"""What the tests of the warehouse share: environments, drivers, states that are edited, comparison bit for bit."""

from __future__ import annotations

import functools
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.warehouse.batch import WarehouseVectorEnv
from testbed.envs.warehouse.scene import WarehouseScene
from testbed.envs.warehouse.single import WarehouseEnv
from testbed.errors import UserError
from testbed.protocols.policy import Policy
from testbed.scenes.registry import all_habits, environments

IDS = environments("warehouse")
PICKING, SHARING, STOCKING = "testbed/OrderPicking-v0", "testbed/SharedBench-v0", "testbed/ShelfStocking-v0"
NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED

every = pytest.mark.parametrize("name", IDS)
WORLDS = 5
"""In an episode that several tests look at."""


def single(name: str) -> WarehouseEnv:
    return gymnasium.make(name, disable_env_checker=True).unwrapped


def batch(name: str, n: int, mode: AutoresetMode = DISABLED, threads: int = 1) -> WarehouseVectorEnv:
    return gymnasium.make_vec(name, num_envs=n, autoreset_mode=mode, threads=threads)


def clean(name: str) -> Policy:
    """Return the clean demonstrator of an environment."""
    return next(habit for habit in all_habits().values() if habit.environment == name).clean()


def random_actions(seed: int, steps: int, n: int) -> np.ndarray:
    """Return actions, shape (steps, n, 4): every world is led somewhere for half a second at a time, mostly down."""
    rng = np.random.default_rng(seed)
    ways = np.clip(rng.normal((0.2, 0.0, -0.3, 0.0), 0.7, (steps // 12 + 1, n, 4)), -1.0, 1.0)
    return np.repeat(ways, 12, axis=0)[:steps].astype(np.float32)


def memory_of(scene: WarehouseScene, states: np.ndarray) -> np.ndarray:
    """Return what worlds remember in states of shape (n, size), as records of shape (n,); writing into them is seen."""
    return states[:, states.shape[1] - scene.task_state.itemsize // 8 :].view(scene.task_state)[:, 0]


def position_of_units(env: WarehouseVectorEnv) -> np.ndarray:
    """Return the columns of a state that hold the units' centres, shape (units, 3)."""
    return 1 + env.physics.bench.units  # time comes first


def same(first: Any, second: Any) -> bool:
    """Return whether two records, arrays in lists, tuples and mappings, are equal bit for bit."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    one, other = np.asarray(first), np.asarray(second)
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def of(said: Any, number: int | np.ndarray) -> Any:
    """Return what a record says of one world, or of some."""
    if isinstance(said, dict):
        return {key: of(value, number) for key, value in said.items()}
    return [of(part, number) for part in said] if isinstance(said, list | tuple) else said[number]


def drive(env: WarehouseVectorEnv, actions: np.ndarray, **reset: Any) -> list:
    """Return everything a batch says while actions, shape (steps, n, 4), are played, and its states after each step."""
    said: list = [env.reset(**reset), env.states()] if reset else []
    for row in actions:
        said += [env.step(row), env.states()]
    return said


@functools.cache
def played(name: str) -> tuple[np.ndarray, list]:
    """Return actions and everything that is said in one episode of the clean demonstrator in WORLDS scenes."""
    env, policy = batch(name, WORLDS), clean(name)
    said: list = [env.reset(seed=30), env.states()]
    actions, running = [], np.ones(WORLDS, bool)
    while running.any():
        actions.append(policy.act(said[-2][0]))
        said += [env.step(actions[-1]), env.states()]
        running &= ~(said[-2][2] | said[-2][3])
    return np.stack(actions), said


def line(call: Any, error: type[Exception] = UserError) -> str:
    """Return what a call that must fail says, in one line."""
    with pytest.raises(error) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)
