"""n benches in MuJoCo's batch: lead the hand, move the coworker, step, and say what happened in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.copying import read_worlds, write_worlds
from testbed.envs.warehouse.fetch import ARM, DOWN, FINGER_OPEN
from testbed.envs.warehouse.furniture import bench
from testbed.envs.warehouse.kinematics import arm_of
from testbed.envs.warehouse.leading import LINK, lead
from testbed.envs.warehouse.reading import read
from testbed.envs.warehouse.records import columns, position_type, seen_type, sensor_type, velocity_type, world_type
from testbed.envs.warehouse.scene import SUBSTEPS, UNSTABLE, Start, TaskState, WarehouseScene
from testbed.envs.warehouse.tracing import note_events

STATE = ("TIME", "QPOS", "QVEL", "CTRL", "EQ_ACTIVE", "MOCAP_POS", "MOCAP_QUAT", "USERDATA")
"""What a world's state is made of: MuJoCo's mjSTATE_INTEGRATION without applied forces, which are always 0, and
without the solver's warm start, which `put` clears."""
RECORDED = ("qpos", "qvel", "sensordata")
"""What is looked at after every simulation step."""
WILD = 50.0
"""No velocity exceeds this [m/s, rad/s] in a simulation that is to be believed."""


class Physics:
    """n simulations of one scene; every array is the batch's own state, live."""

    def __init__(self, scene: WarehouseScene, n: int, threads: int = 0) -> None:
        self.scene, self.n, self.threads, self.bench = scene, n, threads, bench(scene)
        model = self.bench.model
        self.batch = Batch(model, n, nthread=threads, persistent=True)
        self.qpos, self.qvel = self.batch.bind("qpos"), self.batch.bind("qvel")
        world = world_type(self.bench, scene.task_state)
        self.worlds = self.batch.state.view(world)[:, 0]
        """Named parts of MuJoCo's state and what the worlds remember, live, shape (n,); see `world_type`."""
        self.task_state: TaskState = self.batch.bind("userdata").view(scene.task_state)[:, 0]
        """What the worlds remember, live, shape (n,)."""
        self.seen = np.zeros(n, seen_type(scene.units))
        """What the worlds look like, shape (n,); see `seen_type`."""
        self._arm = arm_of(model, [model.joint(f"robot0:{name}_joint").id for name in ARM])
        self._columns = columns(model, STATE)
        self._before = np.empty_like(self.batch.state)
        self._were = self._before.view(world)[:, 0]
        self._goals, self._holds = np.zeros((n, 3)), np.zeros((n, scene.units), bool)
        kinds = position_type(self.bench), velocity_type(self.bench), sensor_type(self.bench, scene.units)
        self._sensed = self.batch.bind("sensordata").view(kinds[-1])[:, 0]
        self._recorded = {name: np.empty((n, SUBSTEPS, self.batch.bind(name).shape[1])) for name in RECORDED}
        self._steps = [numbers.view(kind)[..., 0] for numbers, kind in zip(self._recorded.values(), kinds, strict=True)]

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made from, which goes on to the last bit like this one."""
        made_from = {"scene": self.scene, "n": self.n, "threads": self.threads}
        return {"made_from": made_from, "worlds": read_worlds(self.batch), "seen": self.seen.copy()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["made_from"])  # type: ignore[misc]
        write_worlds(self.batch, state["worlds"])
        self.seen[:] = state["seen"]

    def start(self, ids: np.ndarray, start: Start) -> None:
        """Put scenes into the worlds `ids`, shape (k,)."""
        worlds, poses = self.worlds, self.worlds["poses"]
        self.batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        self.qpos[ids] = self.bench.home
        poses[ids, :, :3], poses[ids, :, 4:6] = start.position, 0.0
        poses[ids, :, 3], poses[ids, :, 6] = np.cos(start.yaw / 2), np.sin(start.yaw / 2)
        worlds["leads_to"][ids] = self.scene.home + LINK
        self.batch.bind("mocap_quat")[ids, 0] = DOWN
        worlds["finger_targets"][ids], worlds["hand_target"][ids] = FINGER_OPEN, self.scene.hand_home
        self.task_state[ids] = start.task_state
        self.batch.forward(ids)
        self.see()
        worlds["before"][ids] = self.seen["grip"][ids]

    def states(self) -> np.ndarray:
        """Return the states of all worlds, shape (n, size), float64: STATE, one part after the other."""
        return self.batch.state.take(self._columns, axis=1)

    def put(self, ids: np.ndarray, states: np.ndarray) -> None:
        """Put states, shape (k, size), into the worlds `ids`, and wake everything in them.

        Which bodies sleep and from where the solver starts is no part of a state. Worlds that go on from here are the
        same to the last bit as any others that had the same states put in.
        """
        self.batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        self.batch.state[ids[:, None], self._columns] = states
        self.batch.forward(ids)

    def see(self) -> None:
        """Read what all worlds look like now into `seen`."""
        angles, arm = self.worlds["arm"], self._arm
        read(self.worlds, self._sensed, np.cos(angles), np.sin(angles), arm.places, arm.axes, arm.tip, self.seen)
        self.scene.owners(self.seen)

    def step(self, ids: np.ndarray, actions: np.ndarray, samples: np.ndarray) -> None:
        """Carry out a decision in the worlds `ids`, shape (k,), and see what they look like then.

        A world that MuJoCo cannot go on with stays as it was before, and has ended as UNSTABLE.

        Args:
            ids: Numbers of worlds.
            actions: Shape (n, 4); cut off at -1 and 1.
            samples: Records of `sample_type`, shape (n,), zeros: what happened is written there.
        """
        np.copyto(self._before, self.batch.state)
        self.scene.step_coworker(self.worlds, self.seen, ids, self._goals, self._holds)
        lead(self.worlds, self.seen, ids, actions, self._goals, self._holds)
        after = {name: buffer[: len(ids)] for name, buffer in self._recorded.items()}
        raised = _failures(lambda: self.batch.rollout(SUBSTEPS, record=RECORDED, ids=ids, out=after))
        note_events(ids, self._were, self.worlds, *self._steps, samples)
        lost = ids[is_lost(after["qpos"], after["qvel"])]
        if raised or len(lost):
            lost = np.union1d(lost, list(raised)).astype(int)
            self.put(lost, self._before[lost].take(self._columns, axis=1))
            self.worlds["ended"][lost] = UNSTABLE
        self.see()


@compiled(nogil=True)
def is_lost(positions, velocities):
    """Return which worlds are not to be believed, shape (k,) bool: NaN, infinity, or WILD after the last step.

    Args:
        positions: qpos after every simulation step, shape (k, steps, nq).
        velocities: qvel likewise, shape (k, steps, nv).
    """
    lost = np.zeros(len(positions), np.bool_)
    for row in range(len(positions)):
        for value in positions[row, -1]:
            lost[row] |= not np.isfinite(value)
        for value in velocities[row, -1]:
            lost[row] |= not abs(value) < WILD  # NaN is no less than anything
    return lost


def _failures(call: Callable[[], object]) -> set[int]:
    """Make a call of the batch and return the worlds in which MuJoCo raised an error; the others went on.

    MuJoCo's warnings would go into a file in the user's folder; how a world ended is said in its own words.
    """
    handler = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda _: None)
    try:
        call()
    except SimulationError as error:
        return {int(world) for world in error.ids}
    finally:
        mujoco.set_mju_user_warning(handler)
    return set()
