"""The contract of the warehouse environments in both forms, and that their physics is MuJoCo's."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import types
import warnings

import gymnasium
import mujoco
import numpy as np
import pytest
from benches import (
    DISABLED,
    IDS,
    NEXT_STEP,
    PICKING,
    SAME_STEP,
    SHARING,
    STOCKING,
    batch,
    clean,
    drive,
    every,
    line,
    memory_of,
    of,
    position_of_units,
    random_actions,
    same,
    single,
)
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv
from gymnasium.vector.utils import batch_space
from mujoco.batch import SimulationError

from testbed.envs.warehouse import fetch
from testbed.envs.warehouse.batch import WarehouseVectorEnv
from testbed.envs.warehouse.physics import Physics
from testbed.envs.warehouse.scene import (
    DONE_AT_LIMIT,
    ENDINGS,
    FAILED,
    OUT_OF_TIME,
    RUNNING,
    SUBSTEPS,
    SUCCEEDED,
    UNSTABLE,
)
from testbed.scenes.registry import get_scene

WORLDS = 5
FACTORS = [(name, factor) for name in IDS for factor in get_scene(name).context]
SHAPES = {"position": (3,), "velocity": (3,)}
"""Shape of a signal for one body, where it is no number."""
OWN = {"separation": 1, "width": 1, "grip_force": 1, "open_need": 1}
"""Signals that have another second axis than the bodies."""
TYPES = {"owner": np.int8, "contact": bool, "in_zone": bool, "open_need": np.int8}


@functools.cache
def _played(name: str) -> tuple[np.ndarray, list]:
    """Return actions and everything that is said in one episode of the clean demonstrator in WORLDS scenes."""
    env, policy = batch(name, WORLDS), clean(name)
    said: list = [env.reset(seed=30), env.states()]
    actions, running = [], np.ones(WORLDS, bool)
    while running.any():
        actions.append(policy.act(said[-2][0]))
        said += [env.step(actions[-1]), env.states()]
        running &= ~(said[-2][2] | said[-2][3])
    return np.stack(actions), said


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
    _, said = _played(name)
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
    actions, said = _played(name)
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
    actions, said = _played(name)
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


ALSO = {(PICKING, "notice"): {"restock"}, (SHARING, "load"): {"comes", "leaves"}}
"""What a world remembers differently where a factor differs, beside the factor."""


@pytest.mark.parametrize(("name", "factor"), FACTORS)
def test_another_factor_changes_only_its_label(name, factor):
    """Same seeds, every value of one factor: units lie, and everything is planned, as before."""
    scene, n, seeds = get_scene(name).task, 40, list(range(40))
    env, number = batch(name, n), list(scene.context).index(factor)
    starts = []
    for value in scene.context[factor]:
        observations, info = env.reset(seed=seeds, options={"context": {factor: value}})
        starts.append((observations, info, env.states()))
    for place, (observations, info, states) in enumerate(starts):
        assert (info["context"][:, number] == place).all()
        columns = _differ(observations, starts[0][0])
        labels = {f"{factor}.{channel}" for channel in ("red", "green", "blue")}
        expected = labels if place else set()
        seen = {scene.names[k] for k in columns}
        memory, first = memory_of(scene, states), memory_of(scene, starts[0][2])
        differ = {field for field in scene.task_state.names if not same(memory[field], first[field])}
        assert differ == ({"context"} | ALSO.get((name, factor), set()) if place else set())
        assert not _differ(np.delete(memory["context"], number, 1), np.delete(first["context"], number, 1))
        if (name, factor) != (PICKING, "notice") or not place:
            assert seen == expected
            assert same(info["start"], starts[0][1]["start"])
            rest = states.shape[1] - scene.task_state.itemsize // 8
            assert same(states[:, :rest], starts[0][2][:, :rest])
        else:
            assert same(info["order"], starts[0][1]["order"]) and labels | {"supply"} <= seen
    if (name, factor) == (PICKING, "notice"):  # both kinds of shock do the same to supplies, and fewer are left
        assert same(starts[1][1]["start"], starts[2][1]["start"])
        supply = [start[0][:, scene.names.index("supply")] for start in starts]
        assert (supply[1] <= supply[0]).mean() > 0.5 and supply[1].mean() < supply[0].mean() - 0.05


def _differ(first: np.ndarray, second: np.ndarray) -> list[int]:
    """Return the columns in which two tables differ anywhere."""
    return np.flatnonzero((first != second).any(axis=0)).tolist()


@pytest.mark.parametrize(("name", "factor"), FACTORS)
def test_the_last_value_is_never_drawn_but_can_be_asked_for(name, factor):
    """But for the load of the coworker, which is no trigger: both its values are drawn."""
    scene, env = get_scene(name).task, batch(name, 60)
    number, values = list(scene.context).index(factor), scene.context[factor]
    drawn = set(env.reset(seed=0)[1]["context"][:, number].tolist())
    assert drawn == {0, 1} and len(values) == (2 if factor == "load" else 3)
    wanted = [{factor: values[k % len(values)]} for k in range(60)]
    found = env.reset(seed=0, options={"context": wanted})[1]["context"][:, number]
    assert found.tolist() == [k % len(values) for k in range(60)]


@every
def test_no_unit_starts_where_another_is(name):
    """In two hundred scenes and after half a second at rest, units stand where they were put, apart, on the bench."""
    env = batch(name, 200)
    start = env.reset(seed=0)[1]["start"]
    for _ in range(12):
        trace = env.step(np.tile([0.0, 0.0, 0.0, 1.0], (200, 1)))[4]["trace"]
    units = trace["position"][:, 0, 2:]
    assert np.abs(units - start).max() < 0.002
    apart = np.linalg.norm(units[:, :, None] - units[:, None], axis=-1) + np.eye(units.shape[1])
    assert apart.min() > 0.05 and not trace["contact"].any() and (trace["owner"][:, :, 2:] < 8).all()


def _staged(name: str, mode) -> tuple[WarehouseVectorEnv, SyncVectorEnv, np.ndarray]:
    """Return both forms with three worlds: one is soon out of time, of one a unit has fallen, one goes on."""
    env, theirs = batch(name, 3, mode), SyncVectorEnv([lambda: single(name)] * 3, autoreset_mode=mode)
    for one in (env, theirs):
        one.reset(seed=[3, 14, 15])
    states = env.states()
    memory_of(env.scene, states)["steps"][0] = env.scene.steps_limit - 4
    states[1, position_of_units(env)[0]] = (1.2, 0.1, 0.39)  # beside the bench, still falling
    env.restore(states)
    for one, state in zip(theirs.envs, states, strict=True):
        one.restore(state)
    return env, theirs, random_actions(4, 14, 3)


@every
@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP])
def test_autoreset_is_gymnasiums(name, mode):
    """As `SyncVectorEnv` over the single form: observations, rewards and ends bit for bit, through resets."""
    env, theirs, actions = _staged(name, mode)
    kinds = []
    for step, row in enumerate(actions):
        *said, info = env.step(row)
        *expected, told = theirs.step(row)
        assert same(said, expected), step
        ended = said[2] | said[3]
        kinds += [(world, bool(said[2][world])) for world in np.flatnonzero(ended)]
        if mode is SAME_STEP and ended.any():
            assert same(info["_final_obs"], told["_final_obs"]) and same(info["_final_obs"], ended)
            for world in np.flatnonzero(ended):
                assert same(info["final_obs"][world], told["final_obs"][world])
                assert not same(info["final_obs"][world], said[0][world])
                assert info["ending"][world] == told["final_info"]["ending"][world] != RUNNING
                assert all(same(v[world], told["final_info"]["trace"][k][world]) for k, v in info["trace"].items())
        else:
            assert "final_obs" not in info
    assert sorted(kinds) == [(0, False), (1, True)]
    theirs.close()


@every
def test_without_autoreset_a_world_waits(name):
    """It stays as it is, with a trace of zeros, until its reset is asked for; the others do not notice."""
    env, theirs, actions = _staged(name, DISABLED)
    asked = 0
    for step, row in enumerate(actions):
        *said, _ = env.step(row)
        *expected, _ = theirs.step(row)
        assert same(said, expected), step
        mask = said[2] | said[3]
        if not mask.any():
            continue
        states = env.states()
        *again, info = env.step(row)
        assert same(again[0][mask], said[0][mask]) and same(env.states()[mask], states[mask])
        assert same(again[2][mask], said[2][mask]) and not again[1][mask].any()
        assert info["trace"]["position"].any(axis=(1, 2, 3)).tolist() == (~mask).tolist()
        for one, action, over in zip(theirs.envs, row, mask, strict=True):
            if not over:
                one.step(action)
        options = {"reset_mask": mask}
        states, seen = env.states(), env.reset(options=dict(options))[0]
        assert same(seen[mask], theirs.reset(options=dict(options))[0][mask])
        assert same(env.states()[~mask], states[~mask])
        asked += 1
    assert asked == 2
    theirs.close()
    mask = np.array([True, False, True])
    before = env.states()
    env.reset(seed=[50, 51, 52], options={"reset_mask": mask})
    fresh = batch(name, 3)
    fresh.reset(seed=[50, 51, 52])
    assert same(env.states()[mask], fresh.states()[mask]) and same(env.states()[1], before[1])


@every
def test_a_reset_of_no_world_leaves_all_as_they_are(name):
    env = batch(name, 2)
    env.reset(seed=1)
    before = env.states()
    env.reset(options={"reset_mask": np.zeros(2, bool)})
    assert same(env.states(), before)


@every
def test_a_scene_that_follows_keeps_the_fixed_factors(name):
    """Autoreset, and only it: a reset without a context draws every factor again, the same in both forms."""
    scene = get_scene(name).task
    context = {factor: values[-1] for factor, values in scene.context.items()}
    numbers = [len(values) - 1 for values in scene.context.values()]
    for mode in (NEXT_STEP, SAME_STEP):
        env = batch(name, 4, mode)
        env.reset(seed=0, options={"context": context})
        starts = 0
        for _ in range(3):
            states = env.states()
            memory_of(scene, states)["steps"] = scene.steps_limit - 1
            env.restore(states)
            for _ in range(2):
                env.step(np.zeros((4, 4)))
                memory = memory_of(scene, env.states())
                assert (memory["context"] == numbers).all()
                starts += int((memory["steps"] == 0).sum())
        assert starts == 12
    many = batch(name, 20)
    many.reset(seed=0, options={"context": context})
    assert (many.reset()[1]["context"][:, 0] != numbers[0]).all()
    one = single(name)
    many.reset(seed=5)
    one.reset(seed=5)
    for _ in range(2):
        assert same(many.reset()[0][0], one.reset()[0])


@every
def test_endings(name):
    """A fallen unit fails; no time left truncates; with the task done that is a success; each says so."""
    env = batch(name, 3)
    _, said = _played(name)
    # Worlds of an episode that was a success: the last state before its end, and the first one.
    env.reset(seed=30)
    done = said[-1][[0, 0, 0]].copy()
    memory = memory_of(env.scene, done)
    memory["ended"], memory["steps"], memory["rested"] = RUNNING, env.scene.steps_limit - 1, 0
    done[1] = said[1][1]
    memory["steps"][1] = env.scene.steps_limit - 1
    done[2, position_of_units(env)[0]] = (1.2, 0.0, 0.30)
    env.restore(done)
    *_, rewards, terminated, truncated, info = env.step(np.zeros((3, 4)))
    assert info["ending"].tolist() == [DONE_AT_LIMIT, OUT_OF_TIME, FAILED]
    assert info["success"].tolist() == [True, False, False]
    assert terminated.tolist() == [False, False, True] and truncated.tolist() == [True, True, False]
    assert rewards[0] == 1 and rewards[1] == 0 and rewards[2] <= 1
    assert {ENDINGS[k] for k in (DONE_AT_LIMIT, OUT_OF_TIME, FAILED)} == {"success", "time limit", "unit dropped"}
    # A reward comes once, at the end.
    assert not env.step(np.zeros((3, 4)))[1].any()
    total = sum(step[1] for step in said[2::2])
    assert (total == 1).all()


@every
def test_snapshots_go_on_exactly(name):
    """Into a batch of one and of another order, though bodies sleep: every bit of what is said until the end."""
    env, policy = batch(name, 3), clean(name)
    seen = env.reset(seed=60)[0]
    for _ in range(55):
        seen = env.step(policy.act(seen))[0]
    asleep = env.physics.batch.bind("tree_asleep")
    assert (asleep >= 0).any()  # otherwise there would be nothing to be careful about
    before, stored = seen, env.snapshot()
    assert same(stored, env.states())
    actions, said = [], []
    for _ in range(60):
        actions.append(policy.act(seen))
        said.append((env.step(actions[-1]), env.states()))
        seen = said[-1][0][0]
    assert (asleep >= 0).any()
    order = [2, 0, 1]
    other, one, alone = batch(name, 3), batch(name, 1), single(name)
    other.reset(seed=900)
    alone.reset(seed=900)
    other.restore(stored[order])
    one.restore(stored[[1]])
    looks = alone.restore(stored[2])
    # All is as it was seen before, but for the force at the fingers, which is of the moment instead of just before.
    touch = [env.scene.names.index(f"touch.{side}") for side in ("left", "right")]
    assert same(np.delete(looks, touch), np.delete(before[2], touch))
    for row, told in zip(actions, said, strict=True):
        assert same([other.step(row[order]), other.states()], of(told, np.array(order)))
        assert same([one.step(row[[1]]), one.states()], of(told, np.array([1])))
        observation, _, _, _, info = alone.step(row[2])
        assert same(observation, told[0][0][2]) and same(info["state"], told[1][2])


@every
def test_stored_states_go_on_nearly(name):
    """Without a snapshot sleeping bodies wake: positions stay within 1e-3 for the rest of the episode."""
    actions, said = _played(name)
    env = batch(name, WORLDS)
    env.reset(seed=0)
    middle = 50
    env.restore(said[1 + 2 * middle])
    bench = env.physics.bench
    places = 1 + np.concatenate([bench.arm, bench.hand, bench.units.ravel()])  # a unit that lands may wobble otherwise
    for number in range(middle, min(len(actions), middle + 60)):
        env.step(actions[number])
        assert np.abs(env.states()[:, places] - said[3 + 2 * number][:, places]).max() < 1e-3


@every
def test_a_restored_world_that_is_over_stays_over(name):
    """In both forms nothing moves in it, and it says how it ended."""
    _, said = _played(name)
    env, one = batch(name, WORLDS), single(name)
    env.restore(said[-1])
    observations, rewards, terminated, truncated, info = env.step(np.ones((WORLDS, 4)))
    assert same([observations, terminated, truncated], [said[-2][k] for k in (0, 2, 3)]) and not rewards.any()
    assert same(info["ending"], said[-2][4]["ending"]) and same(env.states(), said[-1])
    one.restore(said[-1][0])
    observation, *_, info = one.step(np.ones(4))
    assert same(info["state"], said[-1][0]) and same(observation, said[-2][0][0])


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
def elsewhere(tmp_path, monkeypatch):
    """MuJoCo writes what it has to complain about into the folder one is in."""
    monkeypatch.chdir(tmp_path)


@every
@pytest.mark.parametrize("wild", [1e6, np.nan])
def test_a_world_that_becomes_unstable_ends_alone(name, wild, elsewhere):
    """It says so, its observation stays finite, and the others do not notice, to the last bit."""
    n, lost = 3, 1
    env, calm = batch(name, n), batch(name, n)
    actions = random_actions(5, 12, n)
    for one in (env, calm):
        drive(one, actions[:4], seed=70)
    before = env.physics.task_state["steps"][lost]
    env.physics.qvel[lost] = wild
    others = np.array([0, 2])
    for number, row in enumerate(actions[4:]):
        said, expected = env.step(row), calm.step(row)
        assert same(of(said, others), of(expected, others)), number
        assert np.isfinite(said[0]).all() and env.observation_space.contains(said[0])
        assert said[4]["ending"][lost] == UNSTABLE and said[2][lost] and not said[3][lost]
        assert not said[4]["success"][lost] and said[1][lost] == 0
    assert env.physics.task_state["steps"][lost] == before
    assert ENDINGS[UNSTABLE] == "simulation unstable"
    env.reset(seed=[1, 2, 3], options={"reset_mask": np.arange(n) == lost})
    fresh = batch(name, n)
    fresh.reset(seed=[1, 2, 3])
    assert same(env.states()[lost], fresh.states()[lost])
    *_, info = env.step(np.zeros((n, 4)))
    assert info["ending"][lost] == RUNNING


@every
def test_an_unstable_world_starts_anew_by_itself(name, elsewhere):
    """With automatic resets it is an end like any other."""
    env = batch(name, 2, SAME_STEP)
    env.reset(seed=70)
    env.physics.qvel[0] = 1e6
    *_, terminated, truncated, info = env.step(np.zeros((2, 4)))
    assert (
        terminated.tolist() == [True, False] and not truncated.any() and info["ending"].tolist() == [UNSTABLE, RUNNING]
    )
    assert np.isfinite(env.states()).all()
    *_, terminated, _, info = env.step(np.zeros((2, 4)))
    assert not terminated.any() and not info["ending"].any()


@every
def test_the_batch_steps_as_mj_step_does(name):
    """A plain loop over `mj_step` on one `MjData`, driven with the same controls: positions and speeds bit for bit."""
    env, policy = batch(name, 1), clean(name)
    seen = env.reset(seed=80)[0]
    env.snapshot()
    physics, model = env.physics, env.physics.bench.model
    data, sight = mujoco.MjData(model), mujoco.MjData(model)
    mujoco.mj_resetData(model, data)
    for field in ("time", "qpos", "qvel"):
        _write(data, physics, field)
    decisions = held = moved = 0
    over = False
    while not over and decisions < 120:
        if decisions:
            seen, _, terminated, truncated, _ = env.step(policy.act(seen))
            over = bool(terminated[0] | truncated[0])
        for field in ("ctrl", "eq_active", "mocap_pos", "mocap_quat"):
            _write(data, physics, field)
        if decisions:
            for _ in range(SUBSTEPS):
                mujoco.mj_step(model, data)
        else:
            mujoco.mj_forward(model, data)
        for field in ("qpos", "qvel", "qacc_warmstart"):
            assert same(np.array(getattr(data, field)), physics.batch.bind(field)[0].copy()), (field, decisions)
        decisions += 1
        sight.qpos[:] = data.qpos
        mujoco.mj_kinematics(model, sight)  # a step leaves positions in space as they were before it
        place = sight.site("robot0:grip").xpos
        np.testing.assert_allclose(physics.see().grip[0], place, rtol=0, atol=1e-9)
        held += physics.see().held.any()
        moved += np.abs(physics.qvel[0]).max() > 0.1
    assert decisions > 60 and held > 10 and moved > 30 and data.time > 2.4


def _write(data: mujoco.MjData, physics: Physics, field: str) -> None:
    values = physics.batch.bind(field)[0]
    if field == "time":
        data.time = float(np.ravel(values)[0])
    else:
        getattr(data, field)[:] = values


class _Raises:
    """A batch in which MuJoCo raises an error in one simulation, as it does where memory runs out."""

    def __init__(self, real, lost: int) -> None:
        self._real, self._lost = real, lost

    def __getattr__(self, name):
        return getattr(self._real, name)

    def rollout(self, *args, **options):
        self._real.rollout(*args, **options)
        raise SimulationError(np.array([self._lost]), "no memory is left")


@every
def test_a_world_in_which_mujoco_raises_ends_alone(name):
    env, calm = batch(name, 3), batch(name, 3)
    actions = random_actions(5, 6, 3)
    for one in (env, calm):
        drive(one, actions[:3], seed=70)
    real, env.physics.batch = env.physics.batch, _Raises(env.physics.batch, 1)
    said, others = [env.step(actions[3])], np.array([0, 2])
    env.physics.batch = real
    said += [env.step(row) for row in actions[4:]]
    for told, row in zip(said, actions[3:], strict=True):
        assert same(of(told, others), of(calm.step(row), others))
        assert told[4]["ending"].tolist() == [RUNNING, UNSTABLE, RUNNING] and told[2].tolist() == [False, True, False]
        assert np.isfinite(told[0]).all()


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
