"""The contract of every registered environment: Gymnasium's own check, determinism, matched pairs, restoring."""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.driving.merge import MergeEnv
from testbed.envs.driving.observation import NAMES
from testbed.envs.driving.state import COLUMNS
from testbed.errors import UserError

IDS = sorted(name for name in gymnasium.registry if name.startswith("testbed/"))
MERGE = "testbed/Merge-v0"
every = pytest.mark.parametrize("name", IDS)


def _make(name: str):
    return gymnasium.make(name, disable_env_checker=True).unwrapped


def _actions(name: str, seed: int, count: int, scenes: int = 1) -> np.ndarray:
    """Return random actions, shape (count, scenes)."""
    space = _make(name).action_space
    return np.random.default_rng(seed).integers(space.start, space.start + space.n, size=(count, scenes))


def _drive(env, actions, seed=None, context=None) -> list[np.ndarray]:
    """Return everything an environment says while actions are played, flat, in order."""
    said = []
    if seed is not None:
        observation, info = env.reset(seed=seed, options={"context": context or {}})
        said += [observation, *(info[key] for key in sorted(info))]
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(int(action))
        said += [observation, np.array([reward, terminated, truncated]), info["state"], np.array(info["success"])]
        said += [info["trace"][key] for key in sorted(info["trace"])]
        if terminated or truncated:
            break
    return said


def _same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Return whether two records are equal bit for bit."""
    return len(first) == len(second) and all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True)
    )


def _line(call) -> str:
    with pytest.raises(UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_there_is_an_environment():
    """The other tests run over something."""
    assert MERGE in IDS


@every
def test_gymnasium_check_passes(name):
    """Gymnasium's checker has nothing to complain about but that it was given no wrapper."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version.*")
        check_env(_make(name), skip_render_check=True)


@every
def test_same_seed_and_actions_give_the_same_bits(name):
    """Two environments, or one used again, say exactly the same; another seed does not."""
    actions = _actions(name, 0, 40)[:, 0]
    env = _make(name)
    first = _drive(env, actions, seed=7)
    assert len(first) > 20
    assert _same(first, _drive(_make(name), actions, seed=7))
    _drive(env, actions[:5], seed=8)
    assert _same(first, _drive(env, actions, seed=7))
    others = [_drive(env, [], seed=seed) for seed in range(8)]
    assert len({other[0].tobytes() for other in others}) == 8


@every
def test_vector_form_says_the_same_as_the_single_one(name):
    """Three scenes in a batch give the bits of three single ones, until each one's end."""
    seeds, actions = [3, 4, 5], _actions(name, 1, 30, 3)
    batch = gymnasium.make_vec(name, num_envs=3)
    observations, infos = batch.reset(seed=seeds)
    singles = [_make(name) for _ in seeds]
    running = set(range(3))
    for number, seed in enumerate(seeds):
        observation, info = singles[number].reset(seed=seed)
        assert _same([observation, info["state"]], [observations[number], infos["state"][number]])
    for row in actions:
        observations, rewards, terminated, truncated, infos = batch.step(row)
        for number in sorted(running):
            observation, reward, ended, cut, info = singles[number].step(int(row[number]))
            theirs = [observations[number], infos["state"][number]]
            assert _same([observation, info["state"]], theirs)
            assert (reward, ended, cut) == (rewards[number], terminated[number], truncated[number])
            for key, signal in info["trace"].items():
                assert signal.tobytes() == infos["trace"][key][number].tobytes(), key
            if ended or cut:
                running.discard(number)
    batch.close()


@every
def test_vector_form_states_its_autoreset(name):
    """`make_vec` tells in its metadata how it resets, and takes the mode it is asked for."""
    for options, mode in (({}, AutoresetMode.NEXT_STEP), ({"autoreset_mode": "Disabled"}, AutoresetMode.DISABLED)):
        batch = gymnasium.make_vec(name, num_envs=2, **options)
        assert batch.metadata["autoreset_mode"] is mode
        assert batch.num_envs == 2
        batch.close()


@every
def test_id_form_that_imports_the_package(name):
    """`module:id` works, so that tools which only know an id can make it."""
    observation, _ = gymnasium.make(f"testbed:{name}").reset(seed=1)
    assert observation.tobytes() == _make(name).reset(seed=1)[0].tobytes()


@every
def test_metadata_describes_the_trace(name):
    """Every signal and constant that is declared is there, and no other; three samples a decision."""
    env = _make(name)
    _, info = env.reset(seed=0)
    units = env.metadata["constant_units"]
    assert set(info) == {"state", "context", *units}
    *_, info = env.step(1)
    assert set(info["trace"]) == set(env.metadata["trace_units"])
    rows = env.metadata["simulation_hz"] // env.metadata["decision_hz"]
    assert {len(signal) for signal in info["trace"].values()} == {rows}


@every
def test_stored_state_is_restored_into_another_environment(name):
    """A scene put back in the middle of an episode goes on with identical states, in an environment of another seed."""
    actions = _actions(name, 2, 60)[:, 0]
    for seed in range(4):
        original, other = _make(name), _make(name)
        original.reset(seed=seed)
        *_, info = [original.step(int(action)) for action in actions[:20]][-1]
        other.reset(seed=seed + 100)
        other.restore(info["state"])
        for step, action in enumerate(actions[20:]):
            ours, theirs = original.step(int(action)), other.step(int(action))
            assert ours[4]["state"].tobytes() == theirs[4]["state"].tobytes(), (seed, step)
            for key, signal in ours[4]["trace"].items():
                assert signal.tobytes() == theirs[4]["trace"][key].tobytes(), (seed, step, key)
            if ours[2] or ours[3]:
                break
        assert step > 10
    with pytest.raises(ValueError, match="shape"):
        other.restore(info["state"][:2])


@every
def test_actions_outside_the_space_are_refused(name):
    """Too large, negative and broken actions are refused in one line, and nothing moves."""
    env = _make(name)
    env.reset(seed=0)
    for action in (5, -1, 1.5, np.int64(99)):
        assert f"action {action}" in _line(lambda action=action: env.step(action))
    *_, after = env.step(1)
    fresh = _make(name)
    fresh.reset(seed=0)
    assert fresh.step(1)[4]["state"].tobytes() == after["state"].tobytes()


@pytest.mark.parametrize("seed", range(6))
def test_another_leader_changes_only_that_vehicle(seed):
    """A matched pair: at the start, the scenes differ in one vehicle's kind and size and in the context."""
    env = MergeEnv()
    contexts = {leader: {"context": {"leader": leader}} for leader in ("car", "truck", "bus")}
    starts = {leader: env.reset(seed=seed, options=options) for leader, options in contexts.items()}
    observation, info = starts["car"]
    kind = COLUMNS.index("kind")
    for leader in ("truck", "bus"):
        other_observation, other = starts[leader]
        assert np.argwhere(other["state"] != info["state"]).tolist() == [[1, kind]]
        assert set(np.argwhere(other["size"] != info["size"])[:, 0]) == {1}
        assert other["size"][1].tolist() == [12.0, 2.5]
        changed = {NAMES[i] for i in np.flatnonzero(other_observation != observation)}
        slots = {name for name in changed if name.endswith(".length")}
        assert changed - slots == {"leader=car", f"leader={leader}"}
        assert slots == {"ahead1.length"}
        assert (info["context"] != other["context"]).tolist() == [False, True]


def test_context_that_is_not_fixed_is_drawn():
    """Over seeds every density and every kind of leader but the held-out one occurs; trucks about half the time."""
    env = MergeEnv()
    drawn = np.array([env.reset(seed=seed)[1]["context"] for seed in range(200)])
    assert set(drawn[:, 0]) == {0, 1, 2} and set(drawn[:, 1]) == {0, 1, 2}
    assert 0.35 < (drawn[:, 1] == 2).mean() < 0.65  # 4 standard errors around 0.5
    fixed = env.reset(seed=0, options={"context": {"density": "dense"}})[1]["context"]
    assert fixed.tolist() == [2, drawn[0, 1]]


def test_unknown_context_is_refused():
    """An unknown factor or value is answered with the valid ones."""
    env = MergeEnv()
    text = _line(lambda: env.reset(seed=0, options={"context": {"leadr": "car"}}))
    assert "'leadr'" in text and "density, leader" in text and "Did you mean 'leader'" in text
    text = _line(lambda: env.reset(seed=0, options={"context": {"leader": "tram"}}))
    assert "'tram'" in text and "car, van, truck, bus" in text
    batch = gymnasium.make_vec(MERGE, num_envs=2)
    assert "'tram'" in _line(lambda: batch.reset(seed=0, options={"context": {"leader": "tram"}}))
    batch.close()


@pytest.mark.parametrize("seed", range(12))
def test_running_into_the_end_of_the_ramp_is_a_collision(seed):
    """A driver who does nothing hits the obstacle, and the trace says so."""
    from testbed.demonstrations.rollout import play
    from testbed.episode import Behaviour, Scenario
    from testbed.measures.collision import collision

    class Idle:
        def act(self, observations):
            return np.ones(len(observations), dtype=np.int64)

    (episode,) = play(Idle(), Behaviour("idle"), "testbed/Merge-v0", [Scenario(seed)])
    assert not episode.success
    assert collision(episode.trace) == 1.0
