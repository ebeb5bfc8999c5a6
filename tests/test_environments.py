"""The contract of every driving environment, in both forms: spaces, resets, determinism, restoring, bad input.

`test_warehouse.py` has the others.
"""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import batch_space

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.driving.batch import DrivingVectorEnv
from testbed.envs.driving.single import DrivingEnv
from testbed.envs.driving.state import state_size, write_states
from testbed.envs.kernel.records import VEHICLE
from testbed.errors import UserError
from testbed.protocols.policy import Policy
from testbed.scenes.registry import all_habits, environments, get_scene

IDS = sorted(environments("driving"))
every = pytest.mark.parametrize("name", IDS)
CASES = [(name, context) for name in IDS for context in ({}, *({f: v[-1]} for f, v in get_scene(name).context.items()))]
"""Every environment with all factors drawn, and with each one's last value, which is one that is never drawn."""
in_contexts = pytest.mark.parametrize(("name", "context"), CASES)
NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED


def _make(name: str) -> DrivingEnv:
    return gymnasium.make(name, disable_env_checker=True).unwrapped


def _batch(name: str, n: int, mode: AutoresetMode = DISABLED, **options) -> DrivingVectorEnv:
    return gymnasium.make_vec(name, num_envs=n, autoreset_mode=mode, **options)


def _actions(seed: int, *shape: int) -> np.ndarray:
    """Return random actions; every world has its own habit, so that some drive on, some stop, some sway."""
    rng = np.random.default_rng(seed)
    habits = rng.dirichlet(np.full(5, 0.7), shape[1:]).cumsum(-1)
    return np.minimum((rng.random(shape)[..., None] > habits).sum(-1), 4)


def _demonstrator(name: str, context: dict[str, str]) -> Policy:
    """Return the clean demonstrator of an environment for a context; a factor that is free may be any but the last."""
    first = {factor: values[0] for factor, values in get_scene(name).context.items()} | context
    fits = (
        h for h in all_habits().values() if h.environment == name and all(first[f] == v for f, v in h.context.items())
    )
    return next(fits).clean()


def _same(first, second) -> bool:
    """Return whether two records, arrays in lists, tuples and mappings, are equal bit for bit."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    one, other = np.asarray(first), np.asarray(second)
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def _of(said, number: int):
    """Return what a record says of one world."""
    if isinstance(said, dict):
        return {key: _of(value, number) for key, value in said.items()}
    return [_of(part, number) for part in said] if isinstance(said, list | tuple) else said[number]


def _drive(batch: DrivingVectorEnv, actions: np.ndarray, **reset) -> list:
    """Return everything a batch says while actions, shape (steps, n), are played, and its states after each step."""
    said = [batch.reset(**reset), batch.states()] if reset else []
    for row in actions:
        said += [batch.step(row), batch.states()]
    return said


def _line(call, error: type[Exception] = UserError) -> str:
    with pytest.raises(error) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


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
        check_env(_make(name), skip_render_check=True)


@every
def test_id_form_that_imports_the_package(name):
    """`module:id` works, so that tools which only know an id can make it."""
    observation, _ = gymnasium.make(f"testbed:{name}").reset(seed=1)
    assert observation.tobytes() == _make(name).reset(seed=1)[0].tobytes()


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
    batch, single, scene = _batch(name, n), _make(name), get_scene(name).task
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
    batch, single, scene = _batch(name, 2), _make(name), get_scene(name).task
    units = batch.metadata["trace_units"]
    assert units == {
        "position": "m", "heading": "rad", "speed": "m/s", "acceleration": "m/s^2", "lane": "", "contact": "",
    }  # fmt: skip
    assert batch.metadata["constant_units"]["size"] == "m"
    _, starts = batch.reset(seed=[3, 4])
    _, start = single.reset(seed=3)
    assert start.keys() == {"state", "context", *batch.metadata["constant_units"]}
    assert _same({k: v for k, v in start.items() if k != "state"}, _of(starts, 0))
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
    batch, scene = _batch(name, 40), get_scene(name).task
    batch.reset(seed=11)
    before = write_states(scene, batch.states())
    place = np.stack([before.vehicles["x"], before.vehicles["y"]], axis=-1)[:, None]
    speed, errors = before.vehicles["speed"][:, None], []
    for row in _actions(3, 40, 40):
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
def test_same_seed_and_actions_give_the_same_bits(name):
    """Two environments, or one used again, say exactly the same; another seed does not."""
    actions, batch = _actions(0, 40, 4), _batch(name, 4)
    first = _drive(batch, actions, seed=7)
    assert _same(first, _drive(_batch(name, 4), actions, seed=7))
    _drive(batch, actions[:5], seed=8)
    assert _same(first, _drive(batch, actions, seed=[7, 8, 9, 10]))
    assert _same(first, _drive(batch, actions, seed=np.arange(7, 11)))
    assert len({batch.reset(seed=seed)[0].tobytes() for seed in range(50)}) == 50
    single = _make(name)
    records = []
    for _ in range(2):
        record = [single.reset(seed=7), *(single.step(int(action)) for action in actions[:20, 0])]
        records.append([[np.asarray(part) if not isinstance(part, dict) else part for part in row] for row in record])
    assert _same(*records)


@every
def test_what_was_said_is_not_overwritten(name):
    """Later steps leave arrays that were handed out before as they were."""
    batch = _batch(name, 3)
    start = batch.reset(seed=0)
    said = [start, batch.step(np.ones(3, int)), batch.states()]
    kept = [[np.copy(part) for part in _arrays(record)] for record in said]
    _drive(batch, _actions(1, 30, 3))
    batch.reset(seed=5)
    for record, copies in zip(said, kept, strict=True):
        assert all(_same(a, b) for a, b in zip(_arrays(record), copies, strict=True))


def _arrays(record) -> list[np.ndarray]:
    if isinstance(record, dict):
        return [array for value in record.values() for array in _arrays(value)]
    return [array for value in record for array in _arrays(value)] if isinstance(record, tuple) else [record]


@every
@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP])
def test_autoreset_is_gymnasiums(name, mode):
    """As `SyncVectorEnv` over the single form: every observation, reward and end of some hundred steps, bit for bit."""
    n, steps, seeds = 3, 120, [3, 14, 15]
    theirs = SyncVectorEnv([lambda: _make(name)] * n, autoreset_mode=mode)
    ours, ends = _batch(name, n, mode), np.zeros(n, int)
    assert _same(ours.reset(seed=seeds)[0], theirs.reset(seed=seeds)[0])
    for step, row in enumerate(_actions(4, steps, n)):
        *said, info = ours.step(row)
        *expected, their_info = theirs.step(row)
        assert _same(said, expected), step
        ended = said[2] | said[3]
        if mode is SAME_STEP and ended.any():
            assert _same(info["_final_obs"], their_info["_final_obs"]) and _same(info["_final_obs"], ended)
            for world in np.flatnonzero(ended):
                assert _same(info["final_obs"][world], their_info["final_obs"][world])
                assert not _same(info["final_obs"][world], said[0][world])
                final = their_info["final_info"]  # the last step of the episode that ended is what our trace is of
                assert info["success"][world] == final["success"][world]
                position = info["trace"]["position"][world], final["trace"]["position"][world]
                np.testing.assert_allclose(*position, rtol=0, atol=1e-6)
        else:
            assert "final_obs" not in info
        ends += ended
    assert (ends >= 1).all()
    theirs.close()


@every
def test_without_autoreset_a_world_waits(name):
    """It stays as it is until its reset is asked for; the other worlds do not notice; as `SyncVectorEnv` does it."""
    n, ours, theirs = 3, _batch(name, 3), SyncVectorEnv([lambda: _make(name)] * 3, autoreset_mode=DISABLED)
    ours.reset(seed=[3, 14, 15])
    theirs.reset(seed=[3, 14, 15])
    resets = 0
    for step, row in enumerate(_actions(4, 90, n)):
        *said, _ = ours.step(row)
        *expected, _ = theirs.step(row)
        assert _same(said, expected), step
        mask = said[2] | said[3]
        if mask.any():
            states = ours.states()
            *again, info = ours.step(row)
            assert _same(again[0][mask], said[0][mask]) and _same(ours.states()[mask], states[mask])
            assert info["trace"]["position"].any(axis=(1, 2, 3)).tolist() == (~mask).tolist()
            ours.restore(states)  # undo that step
            options = {"reset_mask": mask}
            seen = ours.reset(options=dict(options))[0]
            assert _same(seen, theirs.reset(options=dict(options))[0])
            assert _same(ours.states()[~mask], states[~mask])
            resets += 1
    assert resets >= 2
    mask = np.array([True, False, True])
    before = ours.states()
    ours.reset(seed=[50, 51, 52], options={"reset_mask": mask})
    fresh = _batch(name, n)
    fresh.reset(seed=[50, 51, 52])
    assert _same(ours.states()[mask], fresh.states()[mask]) and _same(ours.states()[1], before[1])
    theirs.close()


@every
def test_a_scene_that_follows_keeps_the_fixed_factors(name):
    """Autoreset, and only it: a reset without a context draws every factor again."""
    context = {factor: values[-1] for factor, values in get_scene(name).context.items()}
    numbers = [len(values) - 1 for values in get_scene(name).context.values()]
    batch = _batch(name, 4, NEXT_STEP)
    batch.reset(seed=0, options={"context": context})
    starts = 0
    for row in _actions(6, 160, 4):
        batch.step(row)
        worlds = write_states(batch.scene, batch.states()).worlds
        assert (worlds["context"][:, : len(numbers)] == numbers).all()
        starts += int((worlds["steps"] == 0).sum())
    assert starts >= 4
    _, info = batch.reset()
    assert (info["context"] != numbers).any(axis=1).all()
    different = [{factor: values[k % len(values)] for factor, values in batch.scene.context.items()} for k in range(4)]
    _, info = batch.reset(seed=1, options={"context": different})
    expected = [[k % len(values) for values in batch.scene.context.values()] for k in range(4)]
    assert info["context"].tolist() == expected


@every
def test_a_reset_without_a_seed_goes_on_to_the_scene_that_follows(name):
    """In both forms the same scene; two environments that were never seeded do not start alike."""
    batch, single = _batch(name, 2), _make(name)
    batch.reset(seed=[5, 6])
    single.reset(seed=5)
    for _ in range(3):
        assert _same(batch.reset()[0][0], single.reset()[0])
    starts = [_batch(name, 1).reset()[0].tobytes() for _ in range(4)]
    assert len(set(starts)) == 4


@every
def test_worlds_are_the_same_alone_and_together(name):
    """n worlds say what each says alone, with the same actions, through automatic resets."""
    n, actions = 5, _actions(8, 90, 5)
    together = _drive(_batch(name, n, NEXT_STEP), actions, seed=20)
    for number in range(n):
        alone = _drive(_batch(name, 1, NEXT_STEP), actions[:, [number]], seed=[20 + number])
        assert _same(_of(alone, 0), _of(together, number)), number


@every
def test_threads_change_nothing(name):
    """One thread and two, with parts of unequal size: bit for bit."""
    n, actions = 333, _actions(9, 70, 333)
    one, two = (_batch(name, n, NEXT_STEP, threads=threads) for threads in (1, 2))
    assert one._pool is None and two._pool is not None and len(set(np.diff(two._bounds))) == 2
    assert _same(_drive(one, actions, seed=1), _drive(two, actions, seed=1))
    two.close()
    two.close()


@every
def test_worlds_do_not_touch_each_other(name):
    """Another seed and other actions of one world leave what is said of the others as it was, bit for bit."""
    n, changed = 4, 2
    actions, seeds = _actions(10, 70, n), [1, 2, 3, 4]
    first = _drive(_batch(name, n, NEXT_STEP), actions, seed=seeds)
    actions[:, changed], seeds[changed] = _actions(11, 70, 1)[:, 0], 99
    second = _drive(_batch(name, n, NEXT_STEP), actions, seed=seeds)
    for number in range(n):
        assert _same(_of(first, number), _of(second, number)) == (number != changed)


@in_contexts
def test_both_forms_show_the_same(name, context):
    """Over whole episodes of a random driver and of the demonstrator: observations and ends bit for bit."""
    demonstrator, ends = _demonstrator(name, context), 0
    single, batch = _make(name), _batch(name, 1)
    for seed, randomly in ((21, True), (22, False)):
        options = {"context": context}
        observation, info = single.reset(seed=seed, options=options)
        seen, infos = batch.reset(seed=[seed], options=options)
        assert _same(seen[0], observation) and _same(_of(infos, 0), {k: v for k, v in info.items() if k != "state"})
        assert _same(batch.states()[0], info["state"])
        over = False
        for action in np.random.default_rng(seed).integers(5, size=200):
            action = int(action if randomly else demonstrator.act(seen)[0])
            observation, reward, terminated, truncated, info = single.step(action)
            seen, rewards, ended, cut, infos = batch.step(np.array([action]))
            assert _same(seen[0], observation)
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
    actions = _actions(12, 90, n)
    original, other = _batch(name, n), _batch(name, n)
    _drive(original, actions[:30], seed=300)
    other.reset(seed=900)
    states = original.states()
    seen = other.restore(states[order])
    assert _same(other.states(), states[order])
    assert _same(_drive(other, actions[30:31, order])[0][0], original.step(actions[30])[0][order])
    for row in actions[31:]:
        ours, theirs = original.step(row), other.step(row[order])
        live = ~write_states(original.scene, original.states()).worlds["ended"].astype(bool)[order]
        assert _same([a[order] for a in ours[:1]], list(theirs[:1]))
        assert _same(original.states()[order], other.states())
        assert _same([part[order][live] for part in _arrays(ours[1:])], [part[live] for part in _arrays(theirs[1:])])
    assert seen.shape == original.observation_space.shape
    single = _make(name)
    single.reset(seed=1)
    running = np.flatnonzero(write_states(original.scene, states).worlds["ended"] == 0)[:3]
    original.restore(states)
    rows = [original.step(row) for row in actions[30:70]]
    for world in running:
        single.restore(states[world])
        for row, said in zip(actions[30:70], rows, strict=True):
            observation, reward, *ends, info = single.step(int(row[world]))
            assert _same(observation, said[0][world]) and reward == said[1][world]
            assert ends == [said[2][world], said[3][world]]
            for signal, values in info["trace"].items():
                np.testing.assert_allclose(said[4]["trace"][signal][world], values, rtol=0, atol=1e-9)
            if any(ends):
                break
    # And from highway-env into the kernel.
    state = single.restore(states[running[0]]) or single.step(1)[4]["state"]
    one = _batch(name, 1)
    seen = one.restore(state[None])
    assert _same(one.states()[0], state) and _same(seen[0], single.observe())


@every
def test_a_restored_world_that_is_over_stays_over(name):
    """In both forms nothing moves in it."""
    batch = _batch(name, 8)
    _drive(batch, _actions(13, 160, 8), seed=40)
    assert write_states(batch.scene, batch.states()).worlds["ended"].all()
    other, single = _batch(name, 8), _make(name)
    other.reset(seed=0)
    seen = other.restore(batch.states())
    assert _same(other.step(np.full(8, 3))[0], seen) and _same(other.states(), batch.states())
    single.reset(seed=0)
    single.restore(batch.states()[0])
    observation, *_, info = single.step(3)
    assert _same(info["state"], batch.states()[0]) and _same(observation, seen[0])


@every
def test_a_restored_world_that_is_over_says_so(name):
    """It says how it ended, as the world it was read from does."""
    batch = _batch(name, 8)
    said = _drive(batch, _actions(13, 160, 8), seed=40)[-2]
    other = _batch(name, 8)
    other.restore(batch.states())
    assert _same(other.step(np.full(8, 3))[2:4], said[2:4])


NOT_ACTIONS = {
    "too large": [1, 5, 1], "negative": [1, -1, 1], "between two": [1, 1.5, 1], "no number": [1, np.nan, 1],
    "infinite": [1, np.inf, 1], "one too few": [1, 1], "one too many": [1, 1, 1, 1], "none": [],
    "a matrix": [[1, 1, 1]],
    "words": ["a", "b", "c"], "huge": [1, 2**40, 1],
}  # fmt: skip


@every
@pytest.mark.parametrize("wrong", NOT_ACTIONS)
def test_actions_that_are_none_are_refused(name, wrong):
    """In one line, and nothing has moved: the next step is what it would have been."""
    batch, fresh = _batch(name, 3), _batch(name, 3)
    for env in (batch, fresh):
        env.reset(seed=0)
    text = _line(lambda: batch.step(np.array(NOT_ACTIONS[wrong])))
    assert name in text and "3 worlds" in text and "0 to 4" in text
    assert _same(_drive(batch, _actions(1, 5, 3)), _drive(fresh, _actions(1, 5, 3)))


@every
def test_single_form_refuses_actions_that_are_none(name):
    """Too large, negative and broken actions are refused in one line, and nothing moves."""
    env, fresh = _make(name), _make(name)
    env.reset(seed=0)
    fresh.reset(seed=0)
    for action in (5, -1, 1.5, np.nan, np.int64(99), "IDLE", None):
        assert f"action {action}" in _line(lambda action=action: env.step(action))
    assert _same(fresh.step(1)[4]["state"], env.step(1)[4]["state"])


def _wrong_resets(scene) -> dict[str, tuple[dict, str]]:
    factor, values = next(iter(scene.context.items()))
    fixed = {"context": {factor: values[0]}}
    return {
        "unknown factor": ({"options": {"context": {factor[:-1]: values[0]}}}, f"Did you mean '{factor}'"),
        "unknown value": ({"options": {"context": {factor: "tram"}}}, ", ".join(values)),
        "unknown value of one world": ({"options": {"context": [{}, {factor: "tram"}, {}]}}, "'tram'"),
        "negative seed": ({"seed": -4, "options": fixed}, "seed -4"),
        "one negative seed": ({"seed": [1, -1, 1], "options": fixed}, "seed -1"),
        "a seed between two": ({"seed": [1, 1.5, 1], "options": fixed}, "seed 1.5"),
        "no seed": ({"seed": [1, None, 1], "options": fixed}, "seed None"),
        "a seed too large": ({"seed": [1, 2**63, 1], "options": fixed}, "2**63 - 1"),
        "too few contexts": ({"options": {"context": [{}, {}]}}, "do not fit 3 worlds"),
        "too few seeds": ({"seed": [1, 2], "options": fixed}, "do not fit 3 worlds"),
        "seeds in a matrix": ({"seed": [[1, 2, 3]], "options": fixed}, "do not fit 3 worlds"),
        "mask of numbers": ({"options": {"reset_mask": np.array([1, 0, 0])}}, "bool"),
        "mask too long": ({"options": {"reset_mask": np.ones(4, bool)}}, "(3,)"),
        "mask in a matrix": ({"options": {"reset_mask": np.ones((3, 1), bool)}}, "(3,)"),
    }


@every
@pytest.mark.parametrize("wrong", _wrong_resets(get_scene(IDS[0]).task))
def test_resets_that_make_no_sense_are_refused(name, wrong):
    """In one line that says what would; the batch goes on as if it had not been asked, through the next resets."""
    batch, fresh = _batch(name, 3, NEXT_STEP), _batch(name, 3, NEXT_STEP)
    for env in (batch, fresh):
        env.reset(seed=0)
    call, part = _wrong_resets(batch.scene)[wrong]
    assert part in _line(lambda: batch.reset(**call))
    actions = _actions(4, 100, 3)
    assert _same(_drive(batch, actions), _drive(fresh, actions))
    assert (write_states(batch.scene, batch.states()).worlds["steps"] < 300).any()  # some have started again


@every
def test_a_batch_of_nothing_is_refused(name):
    for options in ({"num_envs": 0}, {"num_envs": 2, "threads": 0}):
        assert "at least 1" in _line(lambda options=options: gymnasium.make_vec(name, **options))


@every
def test_states_that_no_world_can_have_are_refused(name):
    batch = _batch(name, 2)
    batch.reset(seed=3)
    good = batch.states()
    lane = 8 + VEHICLE.names.index("lane")
    for column, value in ((0, np.nan), (lane, 99.0), (lane, -1.0)):
        bad = good.copy()
        bad[1, column] = value
        with pytest.raises(ValueError, match=r"holds NaN or infinity|holds a lane"):
            batch.restore(bad)
    assert _same([batch.states()], [good])


@every
def test_single_form_refuses_an_unknown_context(name):
    """An unknown factor or value is answered with the valid ones, and the next scene is the one that follows."""
    env, fresh = _make(name), _make(name)
    env.reset(seed=0)
    fresh.reset(seed=0)
    for call, part in list(_wrong_resets(env.scene).values())[:2]:
        assert part in _line(lambda call=call: env.reset(seed=3, **call))
    assert _same(env.reset()[0], fresh.reset()[0])


@every
def test_a_batch_is_reset_before_it_is_stepped(name):
    """And the first reset cannot leave a world out; both are said in one line."""
    batch = _batch(name, 2)
    assert "reset()" in _line(lambda: batch.step(np.ones(2, int)))
    mask = np.array([True, False])
    assert "reset_mask" in _line(lambda: batch.reset(seed=1, options={"reset_mask": mask}))
    assert "reset()" in _line(lambda: batch.step(np.ones(2, int)))
    batch.reset(seed=1, options={"reset_mask": np.ones(2, bool)})
    batch.step(np.ones(2, int))
    batch.close()
    batch.close()
    gymnasium.make_vec(name, num_envs=2).close()  # never reset
    single = _make(name)
    single.close()
    single.close()


@every
def test_states_of_another_size_are_refused(name):
    """In one line that names both sizes; nothing was written."""
    batch, single = _batch(name, 3), _make(name)
    batch.reset(seed=0)
    single.reset(seed=0)
    states = batch.states()
    size = states.shape[1]
    for wrong in (states[:, :-1], np.hstack([states, states]), states[0], states[None]):
        assert f"{size} numbers" in _line(lambda wrong=wrong: batch.restore(wrong), ValueError)
    for wrong in (states[:2], states[[0, 1, 2, 0]], states[:1]):
        assert "3 worlds" in _line(lambda wrong=wrong: batch.restore(wrong), ValueError)
    for wrong in (states[0, :-1], states, states[0, 0]):
        assert f"{size} numbers" in _line(lambda wrong=wrong: single.restore(wrong), ValueError)
    assert _same(batch.states(), states) and _same(
        single.step(1)[4]["state"], _drive(batch, np.ones((1, 3), int))[1][0]
    )
