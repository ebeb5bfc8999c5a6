"""The contract of every driving environment, in both forms: spaces, resets, determinism, restoring, bad input.

`test_warehouse.py` has the others.
"""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from benches import NEXT_STEP, SAME_STEP, drive, of, same
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv
from gymnasium.vector.utils import batch_space
from roads import IDS, every, make_batch, make_one, random_actions

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.driving.batch import DrivingVectorEnv
from testbed.envs.driving.state import state_size, write_states
from testbed.protocols.policy import Policy
from testbed.scenes.registry import all_habits, environments, get_scene

CASES = [(name, context) for name in IDS for context in ({}, *({f: v[-1]} for f, v in get_scene(name).context.items()))]
"""Every environment with all factors drawn, and with each one's last value, which is one that is never drawn."""
in_contexts = pytest.mark.parametrize(("name", "context"), CASES)


def _demonstrator(name: str, context: dict[str, str]) -> Policy:
    """Return the clean demonstrator of an environment for a context; a factor that is free may be any but the last."""
    first = {factor: values[0] for factor, values in get_scene(name).context.items()} | context
    fits = (
        h for h in all_habits().values() if h.environment == name and all(first[f] == v for f, v in h.context.items())
    )
    return next(fits).clean()


def test_there_are_environments():
    """The other tests run over something, and every factor's last value is among their contexts."""
    assert IDS == ["testbed/Crosswalk-v0", "testbed/Merge-v0"]
    registered = sorted(name for name in gymnasium.registry if name.startswith("testbed/"))
    assert registered == sorted([*IDS, *environments("warehouse")])
    asked = [context for _, context in CASES]
    for held_out in ({"ego": "main"}, {"leader": "bus"}, {"observer": "covered-camera"}, {"pedestrian": "wheelchair"}):
        assert held_out in asked


@every
def test_gymnasium_check_passes(name):
    """Gymnasium's checker has nothing to complain about but that it was given no wrapper."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version.*")
        check_env(make_one(name), skip_render_check=True)


@every
def test_id_form_that_imports_the_package(name):
    """`module:id` works, so that tools which only know an id can make it."""
    observation, _ = gymnasium.make(f"testbed:{name}").reset(seed=1)
    assert observation.tobytes() == make_one(name).reset(seed=1)[0].tobytes()


@every
def test_make_vec_gives_the_batch_form(name):
    """Without further options it is the kernel's, which says how it resets; `sync` is the single form's."""
    for options, mode in (({}, NEXT_STEP), ({"autoreset_mode": "SameStep"}, SAME_STEP), ({"num_envs": 5}, NEXT_STEP)):
        batch = gymnasium.make_vec(name, **{"num_envs": 2, **options})
        assert type(batch) is DrivingVectorEnv and batch.num_envs == options.get("num_envs", 2)
        assert batch.metadata["autoreset_mode"] is mode and batch.spec.id == name
        batch.close()
        batch.close()
    stepped_by_highway_env = gymnasium.make_vec(name, num_envs=2, vectorization_mode="sync")
    assert type(stepped_by_highway_env) is SyncVectorEnv
    stepped_by_highway_env.close()


@every
@pytest.mark.parametrize("n", [1, 3])
def test_spaces_and_shapes(name, n):
    """Both forms have the same spaces; what a batch says fits them, world by world, in shape and type."""
    batch, single, scene = make_batch(name, n), make_one(name), get_scene(name).task
    assert batch.single_observation_space == single.observation_space
    assert batch.single_action_space == single.action_space
    assert batch.observation_space == batch_space(single.observation_space, n)
    assert batch.action_space == batch_space(single.action_space, n)
    other = batch.metadata.keys() - {"autoreset_mode"}
    assert {k: batch.metadata[k] for k in other} == {k: single.metadata[k] for k in other}
    assert {"trace_hz", "decision_hz", "context", "trace_units", "constant_units", "actions"} <= other
    observations, info = batch.reset(seed=0)
    assert batch.observation_space.contains(observations) and observations.dtype == np.float32
    factors = len(scene.context)
    assert info.keys() == {"context", *batch.metadata["constant_units"]}
    assert info["context"].shape == (n, factors)
    assert info["size"].shape == (n, scene.bodies, 2)
    batch.action_space.seed(0)
    for _ in range(3):
        observations, rewards, terminated, truncated, info = batch.step(batch.action_space.sample())
    assert batch.observation_space.contains(observations)
    assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float64, bool, bool)
    assert rewards.shape == terminated.shape == truncated.shape == info["success"].shape == (n,)
    assert batch.states().shape == (n, state_size(scene))
    _, single_info = single.reset(seed=0)
    assert single_info["state"].shape == (state_size(scene),)
    batch.close()


@every
def test_trace_is_what_the_metadata_declares(name):
    """Every signal and constant and no other, with a unit, three samples a decision; the same in both forms."""
    batch, single, scene = make_batch(name, 2), make_one(name), get_scene(name).task
    units = batch.metadata["trace_units"]
    assert units == {
        "position": "m", "heading": "rad", "speed": "m/s", "acceleration": "m/s^2", "lane": "", "contact": "",
    }  # fmt: skip
    assert batch.metadata["constant_units"]["size"] == "m"
    _, starts = batch.reset(seed=[3, 4])
    _, start = single.reset(seed=3)
    assert start.keys() == {"state", "context", *batch.metadata["constant_units"]}
    assert same({k: v for k, v in start.items() if k != "state"}, of(starts, 0))
    info, single_info = batch.step(np.array([1, 1]))[4], single.step(1)[4]
    assert single_info.keys() == {"state", "trace", "success"} and info.keys() == {"trace", "success"}
    shape = batch.metadata["trace_hz"] // batch.metadata["decision_hz"], scene.bodies
    assert shape[0] == 3
    for trace, first in ((info["trace"], (2,)), (single_info["trace"], ())):
        assert trace.keys() == units.keys()
        for signal, values in trace.items():
            assert values.shape == first + shape + ((2,) if signal == "position" else ()), signal
            assert values.dtype == {"lane": np.int8, "contact": bool}.get(signal, np.float64), signal


@every
def test_trace_is_in_si_units(name):
    """Speed is the path per second, acceleration the change of speed per second, over a whole episode."""
    batch, scene = make_batch(name, 40), get_scene(name).task
    batch.reset(seed=11)
    before = write_states(scene, batch.states())
    place = np.stack([before.vehicles["x"], before.vehicles["y"]], axis=-1)[:, None]
    speed, errors = before.vehicles["speed"][:, None], []
    for row in random_actions(3, 40, 40):
        trace = {k: v[:, :, : scene.vehicles] for k, v in batch.step(row)[4]["trace"].items()}
        live = ~write_states(scene, batch.states()).worlds["ended"].astype(bool)
        places, speeds = (np.concatenate([a, b], 1) for a, b in ((place, trace["position"]), (speed, trace["speed"])))
        crashed = write_states(scene, batch.states()).vehicles["crashed"].astype(bool)  # those are pushed
        free = live[:, None, None] & ~crashed[:, None] & (speeds[:, :-1] > 0)
        path = np.hypot(*np.moveaxis(np.diff(places, axis=1), -1, 0)) * 15
        errors.append(np.abs(path - speeds[:, :-1])[free])
        np.testing.assert_allclose(trace["acceleration"][live], np.diff(speeds, axis=1)[live] * 15, atol=1e-9)
        place, speed = trace["position"][:, -1:], trace["speed"][:, -1:]
    assert np.concatenate(errors).max() < 1e-6 and np.concatenate(errors).size > 5000
    batch.close()


@every
def test_what_was_said_is_not_overwritten(name):
    """Later steps leave arrays that were handed out before as they were."""
    batch = make_batch(name, 3)
    start = batch.reset(seed=0)
    said = [start, batch.step(np.ones(3, int)), batch.states()]
    kept = [[np.copy(part) for part in _arrays(record)] for record in said]
    drive(batch, random_actions(1, 30, 3))
    batch.reset(seed=5)
    for record, copies in zip(said, kept, strict=True):
        assert all(same(a, b) for a, b in zip(_arrays(record), copies, strict=True))


def _arrays(record) -> list[np.ndarray]:
    if isinstance(record, dict):
        return [array for value in record.values() for array in _arrays(value)]
    return [array for value in record for array in _arrays(value)] if isinstance(record, tuple) else [record]


@in_contexts
def test_both_forms_show_the_same(name, context):
    """Over whole episodes of a random driver and of the demonstrator: observations and ends bit for bit."""
    demonstrator, ends = _demonstrator(name, context), 0
    single, batch = make_one(name), make_batch(name, 1)
    for seed, randomly in ((21, True), (22, False)):
        options = {"context": context}
        observation, info = single.reset(seed=seed, options=options)
        seen, infos = batch.reset(seed=[seed], options=options)
        assert same(seen[0], observation) and same(of(infos, 0), {k: v for k, v in info.items() if k != "state"})
        assert same(batch.states()[0], info["state"])
        over = False
        for action in np.random.default_rng(seed).integers(5, size=200):
            action = int(action if randomly else demonstrator.act(seen)[0])
            observation, reward, terminated, truncated, info = single.step(action)
            seen, rewards, ended, cut, infos = batch.step(np.array([action]))
            assert same(seen[0], observation)
            assert (reward, terminated, truncated, info["success"]) == (
                rewards[0], ended[0], cut[0], infos["success"][0],
            )  # fmt: skip
            for signal, values in info["trace"].items():
                # No vehicle all but stands here: then the last digits of NumPy's mathematics grow (test_parity.py).
                np.testing.assert_allclose(infos["trace"][signal][0], values, rtol=0, atol=1e-9, err_msg=signal)
            over = terminated or truncated
            if over:
                assert randomly or info["success"]
                break
        ends += over
    assert ends == 2


@every
def test_stored_states_go_on_identically(name):
    """Put into a batch of other seeds, in another order: bit for bit; into highway-env: to 1e-9."""
    n, order = 24, np.random.default_rng(0).permutation(24)
    actions = random_actions(12, 90, n)
    original, other = make_batch(name, n), make_batch(name, n)
    drive(original, actions[:30], seed=300)
    other.reset(seed=900)
    states = original.states()
    seen = other.restore(states[order])
    assert same(other.states(), states[order])
    assert same(drive(other, actions[30:31, order])[0][0], original.step(actions[30])[0][order])
    for row in actions[31:]:
        ours, theirs = original.step(row), other.step(row[order])
        live = ~write_states(original.scene, original.states()).worlds["ended"].astype(bool)[order]
        assert same([a[order] for a in ours[:1]], list(theirs[:1]))
        assert same(original.states()[order], other.states())
        assert same([part[order][live] for part in _arrays(ours[1:])], [part[live] for part in _arrays(theirs[1:])])
    assert seen.shape == original.observation_space.shape
    single = make_one(name)
    single.reset(seed=1)
    running = np.flatnonzero(write_states(original.scene, states).worlds["ended"] == 0)[:3]
    original.restore(states)
    rows = [original.step(row) for row in actions[30:70]]
    for world in running:
        single.restore(states[world])
        for row, said in zip(actions[30:70], rows, strict=True):
            observation, reward, *ends, info = single.step(int(row[world]))
            assert same(observation, said[0][world]) and reward == said[1][world]
            assert ends == [said[2][world], said[3][world]]
            for signal, values in info["trace"].items():
                np.testing.assert_allclose(said[4]["trace"][signal][world], values, rtol=0, atol=1e-9)
            if any(ends):
                break
    # And from highway-env into the kernel.
    state = single.restore(states[running[0]]) or single.step(1)[4]["state"]
    one = make_batch(name, 1)
    seen = one.restore(state[None])
    assert same(one.states()[0], state) and same(seen[0], single.observe())
