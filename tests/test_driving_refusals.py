"""What the driving environments refuse, in one line: actions, resets, states."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from benches import NEXT_STEP, drive, line, same
from roads import IDS, every, make_batch, make_one, random_actions

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.driving.state import write_states
from testbed.envs.kernel.records import VEHICLE
from testbed.scenes.registry import get_scene

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
    batch, fresh = make_batch(name, 3), make_batch(name, 3)
    for env in (batch, fresh):
        env.reset(seed=0)
    text = line(lambda: batch.step(np.array(NOT_ACTIONS[wrong])))
    assert name in text and "3 worlds" in text and "0 to 4" in text
    assert same(drive(batch, random_actions(1, 5, 3)), drive(fresh, random_actions(1, 5, 3)))


@every
def test_single_form_refuses_actions_that_are_none(name):
    """Too large, negative and broken actions are refused in one line, and nothing moves."""
    env, fresh = make_one(name), make_one(name)
    env.reset(seed=0)
    fresh.reset(seed=0)
    for action in (5, -1, 1.5, np.nan, np.int64(99), "IDLE", None):
        assert f"action {action}" in line(lambda action=action: env.step(action))
    assert same(fresh.step(1)[4]["state"], env.step(1)[4]["state"])


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
    batch, fresh = make_batch(name, 3, NEXT_STEP), make_batch(name, 3, NEXT_STEP)
    for env in (batch, fresh):
        env.reset(seed=0)
    call, part = _wrong_resets(batch.scene)[wrong]
    assert part in line(lambda: batch.reset(**call))
    actions = random_actions(4, 100, 3)
    assert same(drive(batch, actions), drive(fresh, actions))
    assert (write_states(batch.scene, batch.states()).worlds["steps"] < 300).any()  # some have started again


@every
def test_a_batch_of_nothing_is_refused(name):
    for options in ({"num_envs": 0}, {"num_envs": 2, "threads": 0}):
        assert "at least 1" in line(lambda options=options: gymnasium.make_vec(name, **options))


@every
def test_states_that_no_world_can_have_are_refused(name):
    batch = make_batch(name, 2)
    batch.reset(seed=3)
    good = batch.states()
    lane = 8 + VEHICLE.names.index("lane")
    for column, value in ((0, np.nan), (lane, 99.0), (lane, -1.0)):
        bad = good.copy()
        bad[1, column] = value
        with pytest.raises(ValueError, match=r"holds NaN or infinity|holds a lane"):
            batch.restore(bad)
    assert same([batch.states()], [good])


@every
def test_single_form_refuses_an_unknown_context(name):
    """An unknown factor or value is answered with the valid ones, and the next scene is the one that follows."""
    env, fresh = make_one(name), make_one(name)
    env.reset(seed=0)
    fresh.reset(seed=0)
    for call, part in list(_wrong_resets(env.scene).values())[:2]:
        assert part in line(lambda call=call: env.reset(seed=3, **call))
    assert same(env.reset()[0], fresh.reset()[0])


@every
def test_a_batch_is_reset_before_it_is_stepped(name):
    """And the first reset cannot leave a world out; both are said in one line."""
    batch = make_batch(name, 2)
    assert "reset()" in line(lambda: batch.step(np.ones(2, int)))
    mask = np.array([True, False])
    assert "reset_mask" in line(lambda: batch.reset(seed=1, options={"reset_mask": mask}))
    assert "reset()" in line(lambda: batch.step(np.ones(2, int)))
    batch.reset(seed=1, options={"reset_mask": np.ones(2, bool)})
    batch.step(np.ones(2, int))
    batch.close()
    batch.close()
    gymnasium.make_vec(name, num_envs=2).close()  # never reset
    single = make_one(name)
    single.close()
    single.close()


@every
def test_states_of_another_size_are_refused(name):
    """In one line that names both sizes; nothing was written."""
    batch, single = make_batch(name, 3), make_one(name)
    batch.reset(seed=0)
    single.reset(seed=0)
    states = batch.states()
    size = states.shape[1]
    for wrong in (states[:, :-1], np.hstack([states, states]), states[0], states[None]):
        assert f"{size} numbers" in line(lambda wrong=wrong: batch.restore(wrong), ValueError)
    for wrong in (states[:2], states[[0, 1, 2, 0]], states[:1]):
        assert "3 worlds" in line(lambda wrong=wrong: batch.restore(wrong), ValueError)
    for wrong in (states[0, :-1], states, states[0, 0]):
        assert f"{size} numbers" in line(lambda wrong=wrong: single.restore(wrong), ValueError)
    assert same(batch.states(), states) and same(single.step(1)[4]["state"], drive(batch, np.ones((1, 3), int))[1][0])
