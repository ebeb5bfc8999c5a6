"""Worlds of a driving batch: how they start anew, and that none depends on another."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from benches import DISABLED, NEXT_STEP, SAME_STEP, drive, of, same
from gymnasium.vector import SyncVectorEnv
from highway_env.vehicle.behavior import IDMVehicle
from roads import every, make_batch, make_one, random_actions

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.driving.state import write_states
from testbed.scenes.registry import get_scene


@every
def test_same_seed_and_actions_give_the_same_bits(name):
    """Two environments, or one used again, say exactly the same; another seed does not."""
    actions, batch = random_actions(0, 40, 4), make_batch(name, 4)
    first = drive(batch, actions, seed=7)
    assert same(first, drive(make_batch(name, 4), actions, seed=7))
    drive(batch, actions[:5], seed=8)
    assert same(first, drive(batch, actions, seed=[7, 8, 9, 10]))
    assert same(first, drive(batch, actions, seed=np.arange(7, 11)))
    assert len({batch.reset(seed=seed)[0].tobytes() for seed in range(50)}) == 50
    single = make_one(name)
    records = []
    for _ in range(2):
        record = [single.reset(seed=7), *(single.step(int(action)) for action in actions[:20, 0])]
        records.append([[np.asarray(part) if not isinstance(part, dict) else part for part in row] for row in record])
    assert same(*records)


@every
@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP])
def test_autoreset_is_gymnasiums(name, mode):
    """As `SyncVectorEnv` over the single form: every observation, reward and end of some hundred steps, bit for bit."""
    n, steps, seeds = 3, 120, [3, 14, 15]
    theirs = SyncVectorEnv([lambda: make_one(name)] * n, autoreset_mode=mode)
    ours, ends = make_batch(name, n, mode), np.zeros(n, int)
    assert same(ours.reset(seed=seeds)[0], theirs.reset(seed=seeds)[0])
    for step, row in enumerate(random_actions(4, steps, n)):
        *said, info = ours.step(row)
        *expected, their_info = theirs.step(row)
        assert same(said, expected), step
        ended = said[2] | said[3]
        if mode is SAME_STEP and ended.any():
            assert same(info["_final_obs"], their_info["_final_obs"]) and same(info["_final_obs"], ended)
            for world in np.flatnonzero(ended):
                assert same(info["final_obs"][world], their_info["final_obs"][world])
                assert not same(info["final_obs"][world], said[0][world])
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
    n, ours, theirs = 3, make_batch(name, 3), SyncVectorEnv([lambda: make_one(name)] * 3, autoreset_mode=DISABLED)
    ours.reset(seed=[3, 14, 15])
    theirs.reset(seed=[3, 14, 15])
    resets = 0
    for step, row in enumerate(random_actions(4, 90, n)):
        *said, _ = ours.step(row)
        *expected, _ = theirs.step(row)
        assert same(said, expected), step
        mask = said[2] | said[3]
        if mask.any():
            states = ours.states()
            *again, info = ours.step(row)
            assert same(again[0][mask], said[0][mask]) and same(ours.states()[mask], states[mask])
            assert info["trace"]["position"].any(axis=(1, 2, 3)).tolist() == (~mask).tolist()
            ours.restore(states)  # undo that step
            options = {"reset_mask": mask}
            seen = ours.reset(options=dict(options))[0]
            assert same(seen, theirs.reset(options=dict(options))[0])
            assert same(ours.states()[~mask], states[~mask])
            resets += 1
    assert resets >= 2
    mask = np.array([True, False, True])
    before = ours.states()
    ours.reset(seed=[50, 51, 52], options={"reset_mask": mask})
    fresh = make_batch(name, n)
    fresh.reset(seed=[50, 51, 52])
    assert same(ours.states()[mask], fresh.states()[mask]) and same(ours.states()[1], before[1])
    theirs.close()


@every
def test_a_scene_that_follows_keeps_the_fixed_factors(name):
    """Autoreset, and only it: a reset without a context draws every factor again."""
    context = {factor: values[-1] for factor, values in get_scene(name).context.items()}
    numbers = [len(values) - 1 for values in get_scene(name).context.values()]
    batch = make_batch(name, 4, NEXT_STEP)
    batch.reset(seed=0, options={"context": context})
    starts = 0
    for row in random_actions(6, 160, 4):
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
    batch, single = make_batch(name, 2), make_one(name)
    batch.reset(seed=[5, 6])
    single.reset(seed=5)
    for _ in range(3):
        assert same(batch.reset()[0][0], single.reset()[0])
    starts = [make_batch(name, 1).reset()[0].tobytes() for _ in range(4)]
    assert len(set(starts)) == 4


@every
def test_worlds_are_the_same_alone_and_together(name):
    """n worlds say what each says alone, with the same actions, through automatic resets."""
    n, actions = 5, random_actions(8, 90, 5)
    together = drive(make_batch(name, n, NEXT_STEP), actions, seed=20)
    for number in range(n):
        alone = drive(make_batch(name, 1, NEXT_STEP), actions[:, [number]], seed=[20 + number])
        assert same(of(alone, 0), of(together, number)), number


@every
def test_threads_change_nothing(name):
    """One thread and two, with parts of unequal size: bit for bit."""
    n, actions = 333, random_actions(9, 70, 333)
    one, two = (make_batch(name, n, NEXT_STEP, threads=threads) for threads in (1, 2))
    assert one._pool is None and two._pool is not None and len(set(np.diff(two._parts, axis=1).ravel())) == 2
    assert same(drive(one, actions, seed=1), drive(two, actions, seed=1))
    two.close()
    two.close()


@every
def test_worlds_do_not_touch_each_other(name):
    """Another seed and other actions of one world leave what is said of the others as it was, bit for bit."""
    n, changed = 4, 2
    actions, seeds = random_actions(10, 70, n), [1, 2, 3, 4]
    first = drive(make_batch(name, n, NEXT_STEP), actions, seed=seeds)
    actions[:, changed], seeds[changed] = random_actions(11, 70, 1)[:, 0], 99
    second = drive(make_batch(name, n, NEXT_STEP), actions, seed=seeds)
    for number in range(n):
        assert same(of(first, number), of(second, number)) == (number != changed)


@every
def test_a_restored_world_that_is_over_stays_over(name):
    """In both forms nothing moves in it."""
    batch = make_batch(name, 8)
    drive(batch, random_actions(13, 160, 8), seed=40)
    assert write_states(batch.scene, batch.states()).worlds["ended"].all()
    other, single = make_batch(name, 8), make_one(name)
    other.reset(seed=0)
    seen = other.restore(batch.states())
    assert same(other.step(np.full(8, 3))[0], seen) and same(other.states(), batch.states())
    single.reset(seed=0)
    single.restore(batch.states()[0])
    observation, *_, info = single.step(3)
    assert same(info["state"], batch.states()[0]) and same(observation, seen[0])


@every
def test_a_restored_world_that_is_over_says_so(name):
    """It says how it ended, as the world it was read from does."""
    batch = make_batch(name, 8)
    said = drive(batch, random_actions(13, 160, 8), seed=40)[-2]
    other = make_batch(name, 8)
    other.restore(batch.states())
    assert same(other.step(np.full(8, 3))[2:4], said[2:4])


HELD = (
    "ACC_MAX", "COMFORT_ACC_MAX", "COMFORT_ACC_MIN", "DISTANCE_WANTED", "TIME_WANTED", "LANE_CHANGE_MIN_ACC_GAIN",
    "LANE_CHANGE_DELAY", "LANE_CHANGE_MAX_BRAKING_IMPOSED",
)  # fmt: skip


def test_what_other_environments_do_to_highway_envs_drivers_does_not_reach_ours(monkeypatch):
    """Its intersection writes into the class that all drivers share, for as long as the process lives."""
    actions, said = random_actions(5, 40), []
    for changed in (False, True):
        for name in HELD if changed else ():
            monkeypatch.setattr(IDMVehicle, name, getattr(IDMVehicle, name) / 2)
        single = make_one("testbed/Merge-v0")
        said.append([single.reset(seed=3)[0], *(single.step(action)[0] for action in actions)])
    assert same(*said)


def test_our_drivers_have_the_parameters_that_highway_env_comes_with():
    """Asked of a process in which nobody wrote any."""
    code = (
        "from highway_env.vehicle.behavior import IDMVehicle as theirs\n"
        "from testbed.envs.driving.highway import TrafficVehicle as ours\n"
        f"print(all(getattr(theirs, name) == getattr(ours, name) for name in {HELD}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


@every
@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP, DISABLED])
def test_what_a_step_returned_stays_as_it_was(name, mode):
    """Arrays are the caller's: no later step, reset or restored state writes into them."""
    batch = make_batch(name, 6, mode)
    observations, _ = batch.reset(seed=0)
    kept, states, ended = [(observations, observations.copy())], batch.states(), 0
    for actions in random_actions(0, 160, 6):
        observations, rewards, terminated, truncated, info = batch.step(actions)
        arrays = (observations, rewards, *info["trace"].values(), *([info["final_obs"]] if "final_obs" in info else []))
        kept += [(array, array.copy()) for array in arrays]
        over = terminated | truncated
        ended += over.sum()
        if mode == DISABLED and over.any():
            observations, _ = batch.reset(options={"reset_mask": over})
            kept.append((observations, observations.copy()))
    batch.restore(states)
    assert ended > 6 and all(np.array_equal(array, before) for array, before in kept)


@every
def test_scenes_that_follow_are_the_same_however_many_are_drawn_at_once(name):
    """Alone in its batch a world goes through the same scenes as beside others that end at other times."""
    actions = random_actions(1, 250, 4)
    many = make_batch(name, 4)
    many.reset(seed=3)
    seen = [many.step(row)[0] for row in actions]
    for number in range(4):
        alone = make_batch(name, 1)
        alone.reset(seed=3 + number)
        for row, observations in zip(actions, seen, strict=True):
            np.testing.assert_array_equal(alone.step(row[number : number + 1])[0][0], observations[number])
