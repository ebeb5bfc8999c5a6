"""What the warehouse environments refuse, in one line: actions, resets, states, what is missing."""

from __future__ import annotations

import importlib.util
import shutil
import types

import gymnasium
import numpy as np
import pytest
from benches import (
    PICKING,
    STOCKING,
    batch,
    drive,
    every,
    line,
    random_actions,
    same,
    single,
)

from testbed.envs.warehouse import fetch
from testbed.scenes.registry import get_scene

NOT_ACTIONS = {
    "a number": 1.0, "one too few": np.zeros((1, 4)), "one too many": np.zeros((3, 4)), "three parts": np.zeros((2, 3)),
    "flat": np.zeros(8), "none": [], "no number": [[0, 0, np.nan, 0], [0, 0, 0, 0]],
    "infinite": [[0, 0, 0, 0], [0, np.inf, 0, 0]], "words": [["a"] * 4] * 2, "objects": [[None] * 4] * 2,
    "complex": np.zeros((2, 4), complex),
}  # fmt: skip


@every
@pytest.mark.parametrize("wrong", NOT_ACTIONS)
def test_actions_that_are_none_are_refused(name, wrong):
    """In one line, and nothing has moved: the next steps are what they would have been."""
    env, fresh = batch(name, 2), batch(name, 2)
    for one in (env, fresh):
        one.reset(seed=0)
    assert name in line(lambda: env.step(np.array(NOT_ACTIONS[wrong])))
    actions = random_actions(1, 3, 2)
    assert same(drive(env, actions), drive(fresh, actions))


@every
def test_single_form_refuses_what_makes_no_sense(name):
    """Actions, render modes, contexts, states; in one line each, and the world goes on as if it had not been asked."""
    env, fresh = single(name), single(name)
    assert "reset()" in line(lambda: env.step(np.zeros(4)))
    env.reset(seed=0)
    fresh.reset(seed=0)
    for action in (np.zeros(3), np.zeros((1, 4)), 1.0, [0, 0, 0, np.nan], None, "up"):
        assert name in line(lambda action=action: env.step(action))
    factor, values = next(iter(env.scene.context.items()))
    assert f"Did you mean '{factor}'" in line(lambda: env.reset(options={"context": {factor[:-1]: values[0]}}))
    assert ", ".join(values) in line(lambda: env.reset(options={"context": {factor: "tram"}}))
    state = fresh.step(np.zeros(4))[4]["state"]
    for wrong in (state[:-1], state[None], np.hstack([state, state])):
        assert name in line(lambda wrong=wrong: env.restore(wrong), ValueError)
    assert "NaN" in line(lambda: env.restore(np.where(np.arange(len(state)) == 5, np.nan, state)), ValueError)
    assert same(env.step(np.zeros(4))[4]["state"], state)
    for mode in ("human", "ansi"):
        scene = env.scene
        assert "rgb_array" in line(lambda mode=mode, scene=scene: type(env)(scene, render_mode=mode))


def test_actions_beyond_the_box_are_cut_off():
    env, other = batch(STOCKING, 1), batch(STOCKING, 1)
    wild = 3 * random_actions(2, 20, 1)
    assert (np.abs(wild) > 1).any()
    assert same(drive(env, wild, seed=1), drive(other, np.clip(wild, -1, 1), seed=1))


def _wrong_resets(name: str) -> dict[str, tuple[dict, str]]:
    factor, values = next(iter(get_scene(name).context.items()))
    return {
        "unknown factor": ({"options": {"context": {factor[:-1]: values[0]}}}, f"Did you mean '{factor}'"),
        "unknown value": ({"options": {"context": {factor: "tram"}}}, ", ".join(values)),
        "unknown value of one world": ({"options": {"context": [{}, {factor: "tram"}]}}, "'tram'"),
        "negative seed": ({"seed": -4}, "seed -4"),
        "one seed between two": ({"seed": [1, 1.5]}, "seed 1.5"),
        "too few contexts": ({"options": {"context": [{}]}}, "do not fit 2 worlds"),
        "too many seeds": ({"seed": [1, 2, 3]}, "do not fit 2 worlds"),
        "mask of numbers": ({"options": {"reset_mask": np.array([1, 0])}}, "bool"),
        "mask too long": ({"options": {"reset_mask": np.ones(3, bool)}}, "(2,)"),
    }


@every
@pytest.mark.parametrize("wrong", _wrong_resets(PICKING))
def test_resets_that_make_no_sense_are_refused(name, wrong):
    """In one line that says what would; the batch goes on as if it had not been asked, to the same next scene."""
    env, fresh = batch(name, 2), batch(name, 2)
    for one in (env, fresh):
        one.reset(seed=0)
    call, part = _wrong_resets(name)[wrong]
    assert part in line(lambda: env.reset(**call))
    actions = random_actions(4, 2, 2)
    assert same(drive(env, actions), drive(fresh, actions)) and same(env.reset(), fresh.reset())


@every
def test_a_batch_is_reset_before_it_is_stepped(name):
    env = batch(name, 2)
    assert "reset()" in line(lambda: env.step(np.zeros((2, 4))))
    assert "reset_mask" in line(lambda: env.reset(seed=1, options={"reset_mask": np.array([True, False])}))
    for options in ({"num_envs": 0}, {"num_envs": 2, "threads": 0}):
        assert "at least 1" in line(lambda options=options: gymnasium.make_vec(name, **options))
    restored = batch(name, 2)
    env.reset(seed=1)
    restored.restore(env.states())
    assert same(env.step(np.zeros((2, 4)))[:4], restored.step(np.zeros((2, 4)))[:4])


@every
def test_states_of_another_size_are_refused(name):
    """In one line; nothing was written."""
    env = batch(name, 2)
    env.reset(seed=0)
    states = env.states()
    nan = states.copy()
    nan[1, 3] = np.nan
    for wrong in (states[:, :-1], np.hstack([states, states]), states[0], states[:1], states[[0, 1, 1]], nan, -nan):
        assert name in line(lambda wrong=wrong: env.restore(wrong), ValueError)
    assert same(env.states(), states)


@pytest.fixture
def package(monkeypatch, tmp_path):
    """Stand an empty folder in for gymnasium-robotics; return it with where the real models are."""
    whole, folder = fetch.asset_folder(), tmp_path / "gymnasium_robotics"
    found = types.SimpleNamespace(origin=str(folder / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    (folder / "envs/assets/fetch").mkdir(parents=True)
    (folder / "envs/assets/stls/fetch").mkdir(parents=True)
    return whole, folder / "envs/assets"


def test_a_missing_package_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for call in (fetch.asset_folder, fetch.fetch):
        text = line(call)
        assert "gymnasium-robotics" in text and "not installed" in text and "pip install" in text


def test_a_missing_file_is_said_in_one_line(package):
    """The model, then a mesh: named, with package, version, folder and mend."""
    whole, folder = package
    for missing in ("fetch/pick_and_place.xml", "stls/fetch/gripper_link.stl"):
        text = line(fetch.fetch)
        for part in (missing, "gymnasium-robotics 1.", str(folder), "pip install --force-reinstall"):
            assert part in text
        shutil.copy(whole / missing, folder / missing)
    assert fetch.asset_folder() == folder


def test_a_damaged_file_is_said_in_one_line(package):
    whole, folder = package
    shutil.copy(whole / "stls/fetch/gripper_link.stl", folder / "stls/fetch")
    (folder / "fetch/pick_and_place.xml").write_text("<mujoco")
    text = line(fetch.fetch)
    assert str(folder / "fetch/pick_and_place.xml") in text and "install it again" in text
