"""The contract of the warehouse environments in both forms, and that their physics is MuJoCo's."""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from benches import (
    IDS,
    NEXT_STEP,
    PICKING,
    SAME_STEP,
    SHARING,
    STOCKING,
    WORLDS,
    batch,
    drive,
    every,
    of,
    played,
    random_actions,
    same,
    single,
)
from gymnasium.utils.env_checker import check_env
from gymnasium.vector.utils import batch_space

from testbed.envs.warehouse.batch import WarehouseVectorEnv
from testbed.envs.warehouse.scene import (
    DONE_AT_LIMIT,
    RUNNING,
    SUCCEEDED,
)
from testbed.scenes.registry import get_scene

SHAPES = {"position": (3,), "velocity": (3,)}
"""Shape of a signal for one body, where it is no number."""
OWN = {"separation": 1, "width": 1, "grip_force": 1, "open_need": 1}
"""Signals that have another second axis than the bodies."""
TYPES = {"owner": np.int8, "contact": bool, "in_zone": bool, "open_need": np.int8}


def test_there_are_environments():
    """The other tests run over something, and over what was registered."""
    assert IDS == [PICKING, SHARING, STOCKING] and set(IDS) < set(gymnasium.registry)


@every
def test_gymnasium_check_passes(name):
    """Gymnasium's checker has nothing to complain about but that it was given no wrapper."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version.*")
        check_env(single(name), skip_render_check=True)


@every
def test_make_vec_gives_the_batch_form(name):
    for options, mode in (({}, NEXT_STEP), ({"autoreset_mode": "SameStep"}, SAME_STEP), ({"num_envs": 3}, NEXT_STEP)):
        env = gymnasium.make_vec(name, **{"num_envs": 2, **options})
        assert type(env) is WarehouseVectorEnv and env.num_envs == options.get("num_envs", 2)
        assert env.metadata["autoreset_mode"] is mode and env.spec.id == name
        env.close()
        env.close()
    one = single(name)
    one.close()
    one.close()


@every
@pytest.mark.parametrize("n", [1, 3])
def test_spaces_and_shapes(name, n):
    """Both forms have the same spaces; what a batch says fits them, world by world, in shape and type."""
    env, one, scene = batch(name, n), single(name), get_scene(name).task
    assert env.single_observation_space == one.observation_space and env.single_action_space == one.action_space
    assert env.observation_space == batch_space(one.observation_space, n)
    assert env.action_space == batch_space(one.action_space, n)
    assert one.action_space.shape == (len(env.metadata["actions"]),) == (4,)
    assert len(scene.names) == len(set(scene.names)) == one.observation_space.shape[0]
    other = env.metadata.keys() - {"autoreset_mode"}
    assert {key: env.metadata[key] for key in other} == {key: one.metadata[key] for key in other}
    assert {"trace_hz", "decision_hz", "context", "trace_units", "constant_units", "actions", "endings"} <= other
    observations, info = env.reset(seed=0)
    assert env.observation_space.contains(observations) and observations.dtype == np.float32
    assert info.keys() == {"context", *env.metadata["constant_units"]}
    assert info["context"].shape == (n, len(scene.context)) and info["context"].dtype == np.int64
    assert info["size"].shape == (n, scene.bodies, 3) and (info["size"] > 0.02).all()
    assert info["mine"].shape == (n, scene.units) and info["start"].shape == (n, scene.units, 3)
    assert info["order"].shape == (n,) and (info["order"] >= 1).all() and (info["order"] <= len(scene.slots)).all()
    assert info["slots"].shape == (n, len(scene.slots), 3) and info["zone"].shape == (n, 2, 2)
    assert info["solver"].shape == (n, 14) and (info["solver"][:, 0] == 0.005).all()
    env.action_space.seed(0)
    for _ in range(3):
        observations, rewards, terminated, truncated, info = env.step(env.action_space.sample())
    assert env.observation_space.contains(observations)
    assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float64, bool, bool)
    assert rewards.shape == terminated.shape == truncated.shape == info["success"].shape == info["ending"].shape == (n,)
    states = env.states()
    assert states.dtype == np.float64 and len(states) == n and one.reset(seed=0)[1]["state"].shape == states.shape[1:]


@every
def test_trace_is_what_the_metadata_declares(name):
    """Every signal and constant and no other, one sample a decision; the same in both forms."""
    env, one, scene = batch(name, 2), single(name), get_scene(name).task
    units = env.metadata["trace_units"]
    assert env.metadata["trace_hz"] == env.metadata["decision_hz"] == 25
    assert {k: u for k, u in units.items() if u} == {
        "position": "m", "velocity": "m/s", "landing": "m/s", "impulse": "N s", "force": "N", "separation": "m",
        "width": "m", "grip_force": "N",
    }  # fmt: skip
    _, starts = env.reset(seed=[3, 4])
    _, start = one.reset(seed=3)
    assert start.keys() == {"state", "context", *env.metadata["constant_units"]}
    assert same({k: v for k, v in start.items() if k != "state"}, of(starts, 0))
    info, told = env.step(np.zeros((2, 4)))[4], one.step(np.zeros(4))[4]
    assert told.keys() == {"state", "trace", "success", "ending"} and info.keys() == told.keys() - {"state"}
    for trace, first in ((info["trace"], (2, 1)), (told["trace"], (1,))):
        assert trace.keys() == units.keys()
        for signal, values in trace.items():
            assert values.shape == (*first, OWN.get(signal, scene.bodies), *SHAPES.get(signal, ())), signal
            assert values.dtype == TYPES.get(signal, np.float64), signal


@every
def test_trace_is_in_si_units(name):
    """Over a whole episode: velocity is way per second, and an impulse is no more than force times 0.04 s."""
    _, said = played(name)
    trace = {k: np.concatenate([step[4]["trace"][k] for step in said[2::2]], 1) for k in said[2][4]["trace"]}
    live = np.stack([step[4]["ending"] == RUNNING for step in said[2::2]], 1)
    np.testing.assert_allclose(
        np.diff(trace["position"][:, :, 0], axis=1)[live[:, 1:]] * 25, trace["velocity"][:, 1:, 0][live[:, 1:]],
        atol=1e-9,
    )  # fmt: skip
    # Of the others it is read at the end of a decision, until which the coworker's hand slows down by a quarter.
    mean = np.diff(trace["position"], axis=1)[:, :, 1:] * 25
    steady = live[:, 2:, None] & (np.abs(np.diff(mean, axis=1)).max(-1) < 0.02) & (np.abs(mean[:, 1:]).max(-1) > 0.3)
    told = trace["velocity"][:, 1:-1, 1:]
    for axis in range(3):
        moves = steady & (np.abs(mean[:, :-1, :, axis]) > 0.3)
        ratio = told[moves][:, axis] / mean[:, :-1][moves][:, axis]
        assert ((ratio > 0.65) & (ratio < 1.35)).all()
    assert (trace["impulse"] <= trace["force"] * 0.04 + 1e-12).all() and (trace["force"] >= 0).all()
    assert (trace["contact"] == (trace["impulse"] > 0)).all() and trace["contact"].any()
    assert (np.linalg.norm(trace["velocity"], axis=-1) < 3).all()
    assert np.isfinite(np.concatenate([values.ravel() for values in trace.values()])).all()


@every
def test_same_seed_and_actions_give_the_same_bits(name):
    """Two environments, or one used again, say exactly the same; other seeds do not."""
    actions, env = random_actions(0, 30, 3), batch(name, 3)
    first = drive(env, actions, seed=7)
    assert same(first, drive(batch(name, 3), actions, seed=7))
    drive(env, actions[:5], seed=8)
    assert same(first, drive(env, actions, seed=[7, 8, 9])) and same(first, drive(env, actions, seed=np.arange(7, 10)))
    starts = batch(name, 30)
    assert len({row.tobytes() for row in starts.reset(seed=0)[0]}) == 30
    assert len({batch(name, 1).reset()[0].tobytes() for _ in range(3)}) == 3
    one = single(name)
    records = [[one.reset(seed=7), *(one.step(action) for action in actions[:, 0])] for _ in range(2)]
    assert same(*records)


@every
def test_what_was_said_is_not_overwritten(name):
    """Later steps leave arrays that were handed out before as they were."""
    env = batch(name, 2)
    said = [env.reset(seed=0), env.states(), env.step(np.ones((2, 4))), env.states()]
    kept = _copy(said)
    drive(env, random_actions(1, 10, 2))
    env.reset(seed=5)
    assert same(said, kept)


def _copy(record):
    if isinstance(record, dict):
        return {key: _copy(value) for key, value in record.items()}
    return [_copy(part) for part in record] if isinstance(record, list | tuple) else np.copy(record)


@every
def test_both_forms_show_the_same(name):
    """Over a whole episode of the demonstrator in several scenes, bit for bit, states too."""
    actions, said = played(name)
    assert all(said[-2][4]["success"]) and set(said[-2][4]["ending"]) <= {SUCCEEDED, DONE_AT_LIMIT}
    one = single(name)
    for world in (0, WORLDS - 1):
        observation, info = one.reset(seed=30 + world)
        assert same(observation, said[0][0][world]) and same(info.pop("state"), said[1][world])
        assert same(info, of(said[0][1], world))
        for number, action in enumerate(actions[:, world]):
            observation, reward, *ends, info = one.step(action)
            told = said[2 + 2 * number]
            assert same(info.pop("state"), said[3 + 2 * number][world])
            assert same(observation, told[0][world]) and reward == told[1][world]
            assert ends == [told[2][world], told[3][world]] and info["ending"] == told[4]["ending"][world]
            assert info["success"] == told[4]["success"][world] and same(info["trace"], of(told[4]["trace"], world))
            if any(ends):
                break
        assert any(ends)


@every
def test_worlds_are_the_same_alone_and_together_and_on_two_threads(name):
    """A whole episode of the demonstrator: five worlds on one thread, on two, and each one by itself."""
    actions, said = played(name)
    assert same(said, drive(batch(name, WORLDS, threads=2), actions, seed=30))
    for world in (1, 3):
        alone = drive(batch(name, 1), actions[:, [world]], seed=[30 + world])
        assert same(of(alone, 0), of(said, world))


@every
def test_worlds_do_not_touch_each_other(name):
    """Another seed and other actions of one world leave what is said of the others as it was, bit for bit."""
    n, changed = 3, 1
    actions, seeds = random_actions(10, 40, n), [1, 2, 3]
    first = drive(batch(name, n), actions, seed=seeds)
    actions[:, changed], seeds[changed] = random_actions(11, 40, 1)[:, 0], 99
    second = drive(batch(name, n), actions, seed=seeds)
    for number in range(n):
        assert same(of(first, number), of(second, number)) == (number != changed)
