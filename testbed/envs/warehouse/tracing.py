"""The trace of a warehouse episode: one sample a decision, with what happened in all simulation steps since."""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.fetch import FINGERS
from testbed.envs.warehouse.physics import Events, Physics
from testbed.envs.warehouse.scene import HAND, ROBOT, TRACE_UNITS, UNIT_HALF, UNITS, Seen, WarehouseScene

BODY_HALF = ((0.035, 0.062, 0.085), (0.05, 0.038, 0.022))
"""Half the extent of the gripper and of the coworker's hand along x, y, z [m]."""


def sample(scene: WarehouseScene, physics: Physics, seen: Seen, events: Events) -> dict[str, np.ndarray]:
    """Return a sample of all signals of TRACE_UNITS for n worlds, each of shape (n, 1, bodies, ...)."""
    n, bodies = physics.n, scene.bodies
    position = np.concatenate([seen.grip[:, None], seen.hand[:, None], seen.units], axis=1)
    velocity = np.zeros((n, bodies, 3))
    velocity[:, ROBOT], velocity[:, HAND] = seen.speed, events.hand
    velocity[:, UNITS:] = physics.qvel[:, physics.bench.unit_dofs.ravel()].reshape(n, -1, 3)
    owner = np.full((n, bodies), -1, np.int8)
    owner[:, UNITS:] = seen.owner
    signals = {
        "position": position,
        "velocity": velocity,
        "landing": events.landing,
        "owner": owner,
        "contact": events.impulse > 0,
        "impulse": events.impulse,
        "force": events.force,
        "in_zone": scene.shared.holds(position),
        "separation": seen.separation[:, None],
        "width": seen.width[:, None],
        "grip_force": seen.touch.mean(1)[:, None],
        "open_need": scene.open_need(physics.task_state, seen)[:, None].astype(np.int8),
    }
    return {name: signals[name][:, None].copy() for name in TRACE_UNITS}


def constants(scene: WarehouseScene, physics: Physics) -> dict[str, np.ndarray]:
    """Return what a trace of each world says once, by name, first axis n; see CONSTANT_UNITS."""
    n, model = physics.n, physics.bench.model
    units = physics.see().units
    finger = model.geom(FINGERS[0])
    solver = [
        model.opt.timestep, model.opt.iterations, model.opt.tolerance, model.opt.impratio, *finger.solref,
        *finger.solimp[:3], *model.geom("unit0").solref, *model.geom("unit0").solimp[:3],
    ]  # fmt: skip
    size = np.array([*BODY_HALF, *[(UNIT_HALF,) * 3] * scene.units])
    once = {
        "size": size,
        "mine": np.array(scene.mine, np.int8),
        "slots": scene.slots,
        "zone": np.array([scene.shared.centre, scene.shared.half]),
        "solver": np.array(solver),
    }
    told = {name: np.tile(values, (n, *(1,) * values.ndim)) for name, values in once.items()}
    task_state = physics.task_state
    return told | {"order": task_state["order"].copy(), "start": units.copy()}
