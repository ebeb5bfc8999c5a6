"""Scenes of the warehouse: their factors, how they end and start anew, and go on from a state."""

from __future__ import annotations

import numpy as np
import pytest
from benches import (
    IDS,
    PICKING,
    SHARING,
    WORLDS,
    batch,
    clean,
    every,
    memory_of,
    of,
    played,
    position_of_units,
    same,
    single,
)

from testbed.envs.warehouse.scene import (
    DONE_AT_LIMIT,
    ENDINGS,
    FAILED,
    OUT_OF_TIME,
    RUNNING,
)
from testbed.scenes.registry import get_scene

FACTORS = [(name, factor) for name in IDS for factor in get_scene(name).context]
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


@every
def test_endings(name):
    """A fallen unit fails; no time left truncates; with the task done that is a success; each says so."""
    env = batch(name, 3)
    _, said = played(name)
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
    actions, said = played(name)
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
    _, said = played(name)
    env, one = batch(name, WORLDS), single(name)
    env.restore(said[-1])
    observations, rewards, terminated, truncated, info = env.step(np.ones((WORLDS, 4)))
    assert same([observations, terminated, truncated], [said[-2][k] for k in (0, 2, 3)]) and not rewards.any()
    assert same(info["ending"], said[-2][4]["ending"]) and same(env.states(), said[-1])
    one.restore(said[-1][0])
    observation, *_, info = one.step(np.ones(4))
    assert same(info["state"], said[-1][0]) and same(observation, said[-2][0][0])
