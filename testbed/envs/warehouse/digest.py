"""A fingerprint of what determines how a bench moves: equal wherever the same physics is compiled by the same MuJoCo.

A stored model also holds what does not move anything: the absolute paths of meshes, names, colours, lights, cameras,
textures, decoration that nothing touches, and look-up tables that follow from the rest. None of that is hashed, so a
bench is the same one wherever gymnasium-robotics is installed and however it is painted. What is left out too much does
no harm, because a replay compares every state anyway; what is hashed too much refuses replays that would be exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import mujoco
import numpy as np

MOVING = ("body_", "jnt_", "dof_", "tree_", "site_", "eq_", "actuator_", "sensor_", "tendon_", "wrap_", "pair_",
          "exclude_", "flex_", "flexedge_", "hfield_", "plugin_", "qpos")  # fmt: skip
"""Groups of a model's arrays that say where things are, how heavy they are, how they are joined, driven and sensed."""
TOUCHING = "geom_"
"""The group of shapes: of these only the rows that can collide. What the others weigh is in their bodies' masses."""
IDLE = ("_rgba", "_matid", "_group", "_user", "_castshadow", "_pathadr", "_texcoord", "_texcoordadr", "_dataid",
        "_bvhadr", "_bvhnum", "_geomadr", "_geomnum")  # fmt: skip
"""Endings of arrays in these groups that are looks, labels, or places in tables."""
SIZES = ("nq", "nv", "na", "nu", "nmocap", "nuserdata", "nsensordata", "npluginstate")
"""What a state is long; that of `userdata` is nowhere else."""


def physics_digest(model: mujoco.MjModel) -> str:
    """Return SHA-256 of all that determines a model's physics, and of MuJoCo's version."""
    digest = hashlib.sha256(mujoco.__version__.encode())
    for name, values in _parts(model):
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _parts(model: mujoco.MjModel) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what is hashed, by name, in a fixed order."""
    touches = (model.geom_contype | model.geom_conaffinity) != 0
    for name in sorted(dir(model)):
        if name.startswith((*MOVING, TOUCHING)) and not name.endswith(IDLE):
            values = np.asarray(getattr(model, name))
            yield name, values[touches] if name.startswith(TOUCHING) else values
    for mesh in model.geom_dataid[touches & (model.geom_type == mujoco.mjtGeom.mjGEOM_MESH)]:
        start = model.mesh_vertadr[mesh]
        yield "mesh_vert", model.mesh_vert[start : start + model.mesh_vertnum[mesh]]
    for name in sorted(name for name in dir(model.opt) if not name.startswith("_")):
        yield f"opt.{name}", np.asarray(getattr(model.opt, name))
    # The solver measures its tolerance by the mean inertia; the other statistics are for cameras.
    yield "stat.meaninertia", np.asarray(model.stat.meaninertia)
    yield "sizes", np.array([getattr(model, name) for name in SIZES])
