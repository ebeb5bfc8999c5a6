"""The whole state of a world as one row of numbers: read it, store it, put it back."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.recfunctions import structured_to_unstructured, unstructured_to_structured

from testbed.envs.compiling import compiled
from testbed.envs.driving.scene import Scene, Worlds

_PARTS = ("worlds", "vehicles", "objects")


def state_size(scene: Scene) -> int:
    """Return how many numbers the state of one world has."""
    return read_states(Worlds.empty(1, scene)).shape[1]


def read_states(worlds: Worlds) -> np.ndarray:
    """Return the states of n worlds, shape (n, size), float64: the clock, the vehicles, the objects, field by field."""
    parts = [_rows(getattr(worlds, part)) for part in _PARTS]
    states, start = np.empty((len(worlds.worlds), sum(part.shape[1] for part in parts))), 0
    for name, rows in zip(_PARTS, parts, strict=True):
        into = states[:, start : start + rows.shape[1]]
        as_numbers(rows, rows.view(np.int64), _whole(getattr(worlds, name).dtype, rows.shape[1]), into)
        start += rows.shape[1]
    return states


def _rows(records: np.ndarray) -> np.ndarray:
    """Return records, shape (n, ...), as rows of the 8 bytes of each field, shape (n, fields)."""
    return np.ascontiguousarray(records).view(np.float64).reshape(len(records), -1)


@cache
def _whole(dtype: np.dtype, columns: int) -> np.ndarray:
    """Return which columns of rows of such records are whole numbers, shape (columns,) bool."""
    fields = [(one.base.kind == "i", one.itemsize // 8) for one, *_ in (dtype.fields or {}).values()]
    record = np.repeat(*np.array(fields).T)
    return np.resize(record.astype(bool), columns)


@compiled(nogil=True)
def as_numbers(floats, integers, whole, numbers):
    """Write n rows as floating-point numbers, each column from that one of two views which it is meant in."""
    for row in range(len(numbers)):
        for column in range(numbers.shape[1]):
            number, integer = floats[row, column], np.float64(integers[row, column])
            numbers[row, column] = integer if whole[column] else number


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
