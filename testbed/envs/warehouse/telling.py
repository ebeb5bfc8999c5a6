"""What a trace says once of a warehouse episode: sizes, orders, zones, and what contact forces hang on."""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.fetch import FINGERS
from testbed.envs.warehouse.physics import Physics
from testbed.envs.warehouse.scene import UNIT_HALF, WarehouseScene

BODY_HALF = ((0.035, 0.062, 0.085), (0.05, 0.038, 0.022))
"""Half the extent of the gripper and of the coworker's hand along x, y, z [m]."""


def constants(scene: WarehouseScene, physics: Physics) -> dict[str, np.ndarray]:
    """Return what a trace of each world says once, by name, first axis n; see CONSTANT_UNITS."""
    n, model = physics.n, physics.bench.model
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
        "zone": scene.shared.area,
        "solver": np.array(solver),
    }
    told = {name: np.tile(values, (n, *(1,) * values.ndim)) for name, values in once.items()}
    return told | {"order": physics.task_state["order"].copy(), "start": physics.seen["units"].copy()}
