"""The physics of the warehouse is MuJoCo's, and a world that becomes unstable ends alone."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from benches import (
    SAME_STEP,
    batch,
    clean,
    drive,
    every,
    of,
    random_actions,
    same,
)
from mujoco.batch import SimulationError

from testbed.envs.warehouse.physics import Physics
from testbed.envs.warehouse.records import _first
from testbed.envs.warehouse.scene import (
    ENDINGS,
    RUNNING,
    SUBSTEPS,
    UNSTABLE,
)


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
        np.testing.assert_allclose(physics.seen["grip"][0], place, rtol=0, atol=1e-9)
        held += physics.seen["held"].any()
        moved += np.abs(physics.qvel[0]).max() > 0.1
    assert decisions > 60 and held > 10 and moved > 30 and data.time > 2.4


@every
def test_records_name_what_mujoco_keeps(name):
    """Every field of a world is the part of MuJoCo's state that its name says, looked up in the model by names."""
    env = batch(name, 2)
    drive(env, random_actions(5, 3, 2), seed=70)
    physics, bench, bind = env.physics, env.physics.bench, env.physics.batch.bind
    expected = {
        "arm": bind("qpos")[:, bench.arm[:-2]], "fingers": bind("qpos")[:, np.sort(bench.fingers)],
        "hand": bind("qpos")[:, bench.hand], "hand_speed": bind("qvel")[:, bench.hand_dofs],
        "finger_targets": bind("ctrl")[:, :2], "hand_target": bind("ctrl")[:, 2:],
        "carries": bind("eq_active")[:, bench.welds], "leads_to": bind("mocap_pos")[:, 0],
        **{field: physics.task_state[field] for field in env.scene.task_state.names},
    }  # fmt: skip
    worlds = physics.worlds
    assert set(worlds.dtype.names) == {*expected, "poses", "twists"}
    assert all(same(worlds[field], values) for field, values in expected.items())
    assert same(worlds["poses"][..., :3], bind("qpos")[:, bench.units])
    assert same(worlds["twists"][..., :3], bind("qvel")[:, bench.unit_dofs])
    assert np.ptp(worlds["poses"]) > 0 and np.ptp(worlds["twists"]) > 0


def test_parts_that_lie_apart_are_refused():
    """A model whose parts were made in another order would be read wrongly."""
    assert _first([4, 11, 18], 7) == 4
    with pytest.raises(ValueError, match="apart"):
        _first([4, 11, 19], 7)


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
