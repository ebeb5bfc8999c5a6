"""The whole state of a world as one row of numbers: read it, store it, put it back."""

from __future__ import annotations

import numpy as np
from numpy.lib.recfunctions import structured_to_unstructured, unstructured_to_structured

from testbed.envs.driving.scene import Scene, Worlds

_PARTS = ("worlds", "vehicles", "objects")


def state_size(scene: Scene) -> int:
    """Return how many numbers the state of one world has."""
    return read_states(Worlds.empty(1, scene)).shape[1]


def read_states(worlds: Worlds) -> np.ndarray:
    """Return the states of n worlds, shape (n, size), float64: the clock, the vehicles, the objects, field by field."""
    n = len(worlds.worlds)
    parts = [structured_to_unstructured(getattr(worlds, part), np.float64).reshape(n, -1) for part in _PARTS]
    return np.concatenate(parts, axis=1)


def write_states(scene: Scene, states: np.ndarray) -> Worlds:
    """Return the worlds of stored states, shape (n, size); they go on exactly as the originals would have.

    Raises:
        ValueError: for another size, and for numbers that no world can have.
    """
    states, size = np.asarray(states, np.float64), state_size(scene)
    if states.ndim != 2 or states.shape[1] != size:
        raise ValueError(f"a state of {scene.environment} has {size} numbers, not {states.shape[1:]}")
    if not np.isfinite(states).all():
        raise ValueError(f"a state of {scene.environment} holds NaN or infinity")
    worlds, start = Worlds.empty(len(states), scene), 0
    for part in _PARTS:
        records = getattr(worlds, part)
        rows = structured_to_unstructured(records[:1]).reshape(1, *records.shape[1:], -1)
        values = states[:, start : start + rows.size].reshape(len(states), *rows.shape[1:])
        records[...] = unstructured_to_structured(values, records.dtype)
        start += rows.size
    lanes = np.stack([worlds.vehicles["lane"], worlds.vehicles["target_lane"]])
    if (lanes < 0).any() or (lanes >= len(scene.lanes)).any():
        raise ValueError(f"a state of {scene.environment} holds a lane that its road does not have")
    return worlds
