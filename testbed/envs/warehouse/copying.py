"""Copies of MuJoCo's batches that go on to the last bit like the original, which does not notice that it was copied.

MuJoCo keeps outside a world's state which bodies sleep, or how soon they will. `Batch` tells it but does not take it
back, so it is put into the `MjData` that the batch keeps for a world: a callback of MuJoCo's is told where that is.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch

_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_WHOLE = mujoco.mjtState.mjSTATE_INTEGRATION


SLEEP = ("tree_asleep", "tree_awake", "body_awake", "body_awake_ind", "parent_awake_ind", "dof_awake_ind")
COUNTS = ("ntree_awake", "nbody_awake", "nparent_awake", "nv_awake")
"""What `MjData` knows of which bodies sleep: arrays and numbers."""


@dataclass(frozen=True)
class World:
    """All that a world of a batch goes on from."""

    state: np.ndarray
    """MuJoCo's integration state, shape (size,)."""
    known: Mapping[str, Any]
    """The fields SLEEP and COUNTS, and what sensors said last."""


def read_worlds(batch: Batch) -> list[World]:
    """Return what the worlds of a persistent batch go on from; the batch stays as it is."""
    data, worlds = mujoco.MjData(batch.model), []
    for number, state in enumerate(batch.state):
        batch.get_data(number, data)
        known = {name: np.copy(getattr(data, name)) for name in (*SLEEP, *COUNTS, "sensordata")}
        worlds.append(World(state.copy(), known))
    return worlds


def write_worlds(batch: Batch, worlds: Sequence[World]) -> None:
    """Let a persistent batch of the same model and size go on from what was read."""
    model, data, library = batch.model, mujoco.MjData(batch.model), _library()
    for world, place in zip(worlds, _places(batch), strict=True):
        mujoco.mj_resetData(model, data)
        mujoco.mj_setState(model, data, world.state, _WHOLE)
        mujoco.mj_forward(model, data)  # what follows from positions, also of what sleeps
        mujoco.mj_setState(model, data, world.state, _WHOLE)  # the solver's warm start as it was
        for name, values in world.known.items():
            setattr(data, name, values if values.ndim else int(values))
        library.mj_copyData(place, model._address, data._address)
    batch.state[:] = [world.state for world in worlds]
    batch.forward(stage=mujoco.mjtStage.mjSTAGE_NONE)  # only hands out what is in the worlds


def _places(batch: Batch) -> list[int]:
    """Return the address of every world's `MjData`; the worlds are stepped forward for that.

    Raises:
        RuntimeError: if another thread uses another batch meanwhile: MuJoCo has one callback for all.
    """
    places: list[int] = []
    note, before = _CALLBACK(lambda model, data: places.append(data)), mujoco.get_mjcb_control()
    mujoco.set_mjcb_control(note)
    try:
        for world in range(batch.nsim):
            batch.forward([world])
    finally:
        mujoco.set_mjcb_control(before)
    if len(places) != batch.nsim:
        raise RuntimeError("MuJoCo was at work in another thread: copy an environment while nothing is stepped")
    return places


def _library() -> ctypes.CDLL:
    folder = Path(mujoco.__file__).parent
    library = ctypes.CDLL(str(next(file for name in ("libmujoco*", "mujoco.dll") for file in folder.glob(name))))
    library.mj_copyData.argtypes = [ctypes.c_void_p] * 3
    library.mj_copyData.restype = ctypes.c_void_p
    return library
