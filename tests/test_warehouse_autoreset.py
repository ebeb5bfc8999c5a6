"""How worlds of the warehouse start anew."""

from __future__ import annotations

import numpy as np
import pytest
from benches import (
    DISABLED,
    NEXT_STEP,
    SAME_STEP,
    batch,
    every,
    memory_of,
    position_of_units,
    random_actions,
    same,
    single,
)
from gymnasium.vector import SyncVectorEnv

from testbed.envs.warehouse.batch import WarehouseVectorEnv
from testbed.envs.warehouse.scene import (
    RUNNING,
)
from testbed.scenes.registry import get_scene


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
