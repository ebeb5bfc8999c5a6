"""n benches in MuJoCo's batch: lead the hand, move the coworker, step, and say what happened in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from testbed.envs.warehouse.copying import read_worlds, write_worlds
from testbed.envs.warehouse.fetch import ARM, DOWN, FINGER_GAP, FINGER_OPEN
from testbed.envs.warehouse.furniture import GRIP_DROP, TOUCH, bench
from testbed.envs.warehouse.kinematics import arm_of
from testbed.envs.warehouse.scene import (
    DECISION_HZ,
    HAND,
    RESTING,
    ROBOT,
    SUBSTEPS,
    TABLE_TOP,
    TIMESTEP,
    UNITS,
    Seen,
    Start,
    TaskState,
    WarehouseScene,
)
from testbed.mechanics.separation import box_to_segment

LINK = np.array([0.0, 0.0, GRIP_DROP])
"""From the grip to the gripper link's origin, which the mocap body leads [m]."""
REACH = 0.04
"""How far an action leads the hand at most, along each axis [m]."""
LEASH = 0.06
"""How far ahead of the hand it is led at most [m]."""
WORKSPACE = np.array([[1.08, 0.30, TABLE_TOP + 0.0205], [1.50, 1.26, 0.66]])
"""Where the grip can be led to, lowest and highest corner [m]; fingertips are 18.5 mm below the grip."""
HAND_PACE = 1.0
"""Speed at which the coworker's hand is led [m/s]."""
GRIPPER = np.array([[-0.035, -0.062, -0.022], [0.035, 0.062, 0.155]])
"""The box round palm, fingers and what they hold, from the grip [m]."""
FOREARM = np.array([[-0.03, 0.0, 0.0], [0.30, 0.0, 0.10]])
"""The coworker's hand and forearm as a segment, from the hand, and its radius [m]."""
FOREARM_RADIUS = 0.036
CLOSED_ON = (0.036, 0.052)
"""Between these distances of the fingers' faces a unit is between them, if it is there at all [m]."""
IN_GRASP = np.array([0.016, 0.016, 0.020])
"""How far from the grip a unit may be that is held [m]."""
STATE = ("time", "qpos", "qvel", "ctrl", "eq_active", "mocap_pos", "mocap_quat", "userdata")
"""What a world's state is made of: MuJoCo's mjSTATE_INTEGRATION without applied forces, which are always 0, and
without the solver's warm start, which `put` clears."""
RECORDED = ("qpos", "qvel", "sensordata")
"""What is looked at after every simulation step."""
LANDED = RESTING + 0.0015
"""A unit whose centre comes below this has landed on the bench [m]."""
WILD = 50.0
"""No velocity exceeds this [m/s, rad/s] in a simulation that is to be believed."""


@dataclass(frozen=True)
class Events:
    """What happened during one decision, from every simulation step of it."""

    landing: np.ndarray
    """Speed at which each unit came down on the bench, shape (n, bodies) [m/s]; 0 if it did not."""
    force: np.ndarray
    """Largest contact force between the gripper and each body, shape (n, bodies) [N]."""
    impulse: np.ndarray
    """The same force integrated over time, shape (n, bodies) [N s]."""
    hand: np.ndarray
    """Mean velocity of the coworker's hand, shape (n, 3) [m/s]."""
    unstable: np.ndarray
    """Which worlds MuJoCo could not go on with, shape (n,) bool."""

    @classmethod
    def none(cls, n: int, bodies: int) -> Events:
        """Return that nothing happened in n worlds."""
        landing, force, impulse = np.zeros((3, n, bodies))
        return cls(landing, force, impulse, np.zeros((n, 3)), np.zeros(n, bool))


class Physics:
    """n simulations of one scene; every array is the batch's own state, live."""

    def __init__(self, scene: WarehouseScene, n: int, threads: int = 0) -> None:
        self.scene, self.n, self.threads, self.bench = scene, n, threads, bench(scene)
        model = self.bench.model
        self.batch = Batch(model, n, nthread=threads, persistent=True)
        self.qpos, self.qvel = self.batch.bind("qpos"), self.batch.bind("qvel")
        self.ctrl, self.mocap = self.batch.bind("ctrl"), self.batch.bind("mocap_pos")
        self.welds, self._sensed = self.batch.bind("eq_active"), self.batch.bind("sensordata")
        self.task_state: TaskState = self.batch.bind("userdata").view(scene.task_state)[:, 0]
        """What the worlds remember, live, shape (n,)."""
        hinges = [model.joint(f"robot0:{name}_joint") for name in ARM]
        self._angles = np.array([hinge.qposadr[0] for hinge in hinges])
        self._arm = arm_of(model, [hinge.id for hinge in hinges])
        forces = ["force_hand", *(f"force_unit{u}" for u in range(scene.units))]
        self._touch = np.array([model.sensor(name).adr[0] for name in TOUCH])[:, None] + np.arange(3)
        self._forces = np.array([model.sensor(name).adr[0] for name in forces])[:, None] + np.arange(3)
        self._recorded = {name: np.empty((n, SUBSTEPS, self.batch.bind(name).shape[1])) for name in RECORDED}
        self._parts = [self.batch.bind(name) for name in STATE]

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made from, which goes on to the last bit like this one."""
        made_from = {"scene": self.scene, "n": self.n, "threads": self.threads}
        return {"made_from": made_from, "worlds": read_worlds(self.batch)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["made_from"])  # type: ignore[misc]
        write_worlds(self.batch, state["worlds"])

    def start(self, ids: np.ndarray, start: Start) -> None:
        """Put scenes into the worlds `ids`, shape (k,)."""
        bench = self.bench
        self.batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        self.qpos[ids] = bench.home
        self.qpos[np.ix_(ids, bench.units.ravel())] = start.position.reshape(len(ids), -1)
        turn = bench.units[:, 0] + 3
        self.qpos[np.ix_(ids, turn)] = np.cos(start.yaw / 2)
        self.qpos[np.ix_(ids, turn + 1)] = self.qpos[np.ix_(ids, turn + 2)] = 0.0
        self.qpos[np.ix_(ids, turn + 3)] = np.sin(start.yaw / 2)
        self.mocap[ids, 0] = self.scene.home + LINK
        self.batch.bind("mocap_quat")[ids, 0] = DOWN
        self.ctrl[ids, :2], self.ctrl[ids, 2:] = FINGER_OPEN, self.scene.hand_home
        self.task_state[ids] = start.task_state
        self.batch.forward(ids)
        self.task_state["before"][ids] = self._arm.grip(self.qpos[np.ix_(ids, self._angles)])

    def states(self) -> np.ndarray:
        """Return the states of all worlds, shape (n, size), float64: STATE, one part after the other."""
        return np.concatenate([part.reshape(self.n, -1) for part in self._parts], axis=1)

    def put(self, ids: np.ndarray, states: np.ndarray) -> None:
        """Put states, shape (k, size), into the worlds `ids`, and wake everything in them.

        Which bodies sleep and from where the solver starts is no part of a state. Worlds that go on from here are the
        same to the last bit as any others that had the same states put in.
        """
        self.batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        start = 0
        for part in self._parts:
            width = part[0].size
            part[ids] = states[:, start : start + width].reshape(len(ids), *part.shape[1:])
            start += width
        self.batch.forward(ids)

    def see(self) -> Seen:
        """Return what all worlds look like now."""
        bench, n = self.bench, self.n
        grip = self._arm.grip(self.qpos[:, self._angles])
        units = self.qpos[:, bench.units.ravel()].reshape(n, -1, 3)
        width = self.qpos[:, bench.fingers].sum(-1) + FINGER_GAP
        inside = (np.abs(units - grip[:, None]) < IN_GRASP).all(-1)
        closed = (width > CLOSED_ON[0]) & (width < CLOSED_ON[1])
        hand = self.qpos[:, bench.hand]
        touch = np.linalg.norm(self._sensed[:, self._touch], axis=-1)
        seen = Seen(
            grip=grip,
            speed=(grip - self.task_state["before"]) * DECISION_HZ,
            lead=self.mocap[:, 0] - LINK - grip,
            width=width,
            touch=touch,
            units=units,
            held=inside & closed[:, None],
            hand=hand,
            hand_speed=self.qvel[:, bench.hand_dofs],
            carried=self.welds[:, bench.welds] > 0,
            separation=box_to_segment(grip, GRIPPER, hand, FOREARM) - FOREARM_RADIUS,
            owner=np.zeros(units.shape[:2], np.int8),
        )
        return replace(seen, owner=self.scene.owners(seen))

    def step(self, ids: np.ndarray, actions: np.ndarray, seen: Seen) -> Events:
        """Carry out a decision in the worlds `ids`, shape (k,); actions of shape (n, 4), clipped to [-1, 1]."""
        self._lead(ids, np.clip(actions, -1.0, 1.0), seen)
        self._coworker(ids, seen)
        self.task_state["before"][ids] = seen.grip[ids]
        return self._substeps(ids)

    def _lead(self, ids: np.ndarray, actions: np.ndarray, seen: Seen) -> None:
        """Move the point that the hand is led to, and the fingers' targets."""
        grip = seen.grip[ids]
        wish = grip + np.clip(seen.lead[ids] + REACH * actions[ids, :3], -LEASH, LEASH)
        self.mocap[ids, 0] = np.clip(wish, *WORKSPACE) + LINK
        self.ctrl[ids, :2] = (FINGER_OPEN / 2 * (1 + actions[ids, 3]))[:, None]

    def _coworker(self, ids: np.ndarray, seen: Seen) -> None:
        """Lead the coworker's hand a step towards its goal, and let it hold what it wants to hold."""
        task_state = self.task_state[ids]
        goal, holds = self.scene.step_coworker(task_state, seen.of(ids))
        self.task_state[ids] = task_state
        way = goal - self.ctrl[ids, 2:]
        length = np.linalg.norm(way, axis=1, keepdims=True)
        self.ctrl[ids, 2:] += way * np.minimum(HAND_PACE / DECISION_HZ / np.maximum(length, 1e-9), 1.0)
        self.welds[np.ix_(ids, self.bench.welds)] = holds

    def _substeps(self, ids: np.ndarray) -> Events:
        """Step, and look at every simulation step of it."""
        bench, bodies, n = self.bench, self.scene.bodies, self.n
        tall, fast, hand = bench.units[:, 2], bench.unit_dofs[:, 2], self.qpos[:, bench.hand]
        start, falling = self.qpos[np.ix_(ids, tall)], -self.qvel[np.ix_(ids, fast)]
        after = {name: buffer[: len(ids)] for name, buffer in self._recorded.items()}
        raised = _failures(lambda: self.batch.rollout(SUBSTEPS, record=RECORDED, ids=ids, out=after))
        forces = after["sensordata"][:, :, self._forces]
        forces = np.sqrt((forces * forces).sum(-1))
        moved = (self.qpos[:, bench.hand] - hand) * DECISION_HZ
        events = replace(Events.none(n, bodies), hand=moved)
        events.force[ids, HAND:] = forces.max(axis=1)
        events.impulse[ids, HAND:] = forces.sum(axis=1) * TIMESTEP
        events.force[ids, ROBOT], events.impulse[ids, ROBOT] = events.force[ids, HAND], events.impulse[ids, HAND]
        height = np.concatenate([start[:, None], after["qpos"][:, :, tall]], axis=1)
        # The speed before the step that touches: after it, the bench has stopped the unit already.
        down = np.concatenate([falling[:, None], -after["qvel"][:, :-1, fast]], axis=1)
        lands = (height[:, :-1] > LANDED) & (height[:, 1:] <= LANDED)
        events.landing[ids, UNITS:] = np.where(lands, np.maximum(down, 0.0), 0.0).max(axis=1)
        speed = np.abs(after["qvel"][:, -1]).max(axis=1)  # NaN is no less than anything
        events.unstable[ids] = ~(speed < WILD) | ~np.isfinite(self.qpos[ids]).all(1) | np.isin(ids, list(raised))
        return events


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
