"""Tables that may be larger than the memory: beyond a size they lie in a file without a name, gone with the process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np

LARGE = 1 << 28
"""Larger tables lie on the disk [bytes]."""
PIECE = 1 << 24
"""About so much of a table is worked on at once [bytes]."""


def empty_table(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """Return a table to be filled, first axis rows: in memory, or where it is large in a file of `tempfile`'s folder.

    What the file takes is given back when the table is let go of; parts that were not used lately are not in memory.
    """
    if np.prod(shape, dtype=float) * np.dtype(dtype).itemsize <= LARGE:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def pieces(table: np.ndarray) -> Iterator[slice]:
    """Yield slices of a table's rows, one after the other, each of about PIECE bytes."""
    rows = max(PIECE * len(table) // max(table.nbytes, 1), 1)
    for start in range(0, len(table), rows):
        yield slice(start, start + rows)
