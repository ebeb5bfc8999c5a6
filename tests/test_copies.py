"""Environments are pickled and copied in mid-episode: the copy goes on to the last bit, nobody else notices."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from benches import PICKING, STOCKING, random_actions, same

from testbed.envs.driving.scene import ACTIONS
from testbed.envs.vector import AutoresetMode
from testbed.scenes.registry import environments, get_scene, make_batch, names

every = pytest.mark.parametrize("name", names())
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickled": lambda env: pickle.loads(pickle.dumps(env)),
    "copied": copy.deepcopy,
}
in_each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def _actions(name: str, steps: int, n: int) -> np.ndarray:
    """Return actions of n worlds, shape (steps, n, ...): at a bench each hand is led about, on a road any is taken."""
    if name in environments("warehouse"):
        return random_actions(3, steps, n)
    return np.random.default_rng(3).integers(len(ACTIONS), size=(steps, n))


@in_each_way
@every
def test_a_batch_goes_on_to_the_last_bit(name, way):
    """With automatic resets, also a copy of a copy; and as one does that nobody copied."""
    n, options = 3, {"autoreset_mode": AutoresetMode.SAME_STEP, "threads": 2}
    env, alone = (gymnasium.make_vec(name, num_envs=n, **options) for _ in range(2))
    actions, asked = _actions(name, 60, n), {"seed": 5, "options": {"context": _context(name)}}
    assert same(env.reset(**asked), alone.reset(**asked))
    copies: list[Any] = []
    for step, row in enumerate(actions):
        if step in (0, 4, 11, 40):  # at 4 some units just sleep, at 11 all that lie do
            copies.append(way(copies[-1] if step == 40 else env))
        said, states = alone.step(row), alone.states()
        for one in (env, *copies):
            assert same(one.step(row), said) and same(one.states(), states), step
    assert same(*[one.reset() for one in (env, copies[-1])])  # to the scenes that follow
    assert type(copies[0]) is type(env) and copies[0].scene is env.scene and copies[0].spec == env.spec
    assert same(copies[0].action_space.sample(), copy.deepcopy(env).action_space.sample())
    for one in (env, alone, *copies):
        one.close()


def _context(name: str) -> dict[str, str]:
    factor, values = next(iter(get_scene(name).context.items()))
    return {factor: values[0]}


@in_each_way
@every
def test_a_single_form_goes_on_to_the_last_bit(name, way):
    """Also inside Gymnasium's wrappers, after a picture was drawn of it."""
    env, alone = (gymnasium.make(name, render_mode="rgb_array") for _ in range(2))
    for one in (env, alone):
        one.reset(seed=5, options={"context": _context(name)})
    actions, copies = _actions(name, 30, 1)[:, 0], []
    for step, action in enumerate(actions):
        if step in (0, 5, 12):
            if step == 5:
                env.render()
            copies.append(way(env))
        said = alone.step(action)
        for one in (env, *copies):
            assert same(list(one.step(action)), list(said)), step
    assert same(copies[1].reset()[0], alone.reset()[0])
    assert same(copies[1].render(), alone.render())
    for one in (env, alone, *copies):
        one.close()


@in_each_way
@every
def test_what_was_not_reset_yet_is_copied_as_well(name, way):
    batch, env = way(gymnasium.make_vec(name, num_envs=2)), way(gymnasium.make(name))
    assert same(batch.reset(seed=1)[0][0], env.reset(seed=1)[0])


@every
def test_scenes_are_not_copied(name):
    scene = get_scene(name).task
    assert pickle.loads(pickle.dumps(scene)) is scene and copy.deepcopy(scene) is scene and copy.copy(scene) is scene
    assert len(pickle.dumps(scene)) < 200


@pytest.mark.parametrize("name", [STOCKING, "testbed/Merge-v0"])
def test_another_process_goes_on_as_well(name, tmp_path):
    """The pickle is small, and holds nothing that belongs to the process it was made in."""
    env = gymnasium.make_vec(name, num_envs=2)
    env.reset(seed=8)
    actions = _actions(name, 40, 2)
    for row in actions[:20]:
        env.step(row)
    (tmp_path / "env").write_bytes(pickle.dumps((env, actions[20:])))
    assert (tmp_path / "env").stat().st_size < 60_000
    said = [env.step(row) for row in actions[20:]]
    program = (
        "import pickle, sys; from pathlib import Path; place = Path(sys.argv[1]);"
        "env, actions = pickle.loads((place / 'env').read_bytes());"
        "(place / 'said').write_bytes(pickle.dumps([env.step(row) for row in actions]))"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert same(pickle.loads((tmp_path / "said").read_bytes()), said)


def test_copying_leaves_the_simulators_callback():
    """Its callback, which is one for all, is what it was."""
    import mujoco

    before = mujoco.get_mjcb_control()
    env = make_batch(PICKING, num_envs=2)
    copy.deepcopy(env)
    assert mujoco.get_mjcb_control() is before
