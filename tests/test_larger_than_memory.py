"""Data sets that are larger than the memory: what lies on the disk teaches the same, and a file is written through."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from testbed import scratch
from testbed.datasets.disk import new_file
from testbed.distillation import normaliser
from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.exchange.table import arrow_modules, pieces
from testbed.policies.loaders import policy_config
from testbed.rollouts.transitions import load_transitions, transitions

ROOT = Path(__file__).parent.parent
DATA = ROOT / "demonstrations/merge-habit.hdf5"


def test_large_tables_lie_on_the_disk_and_leave_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(scratch, "LARGE", 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    table = scratch.empty_table((300, 4), np.float32)
    assert isinstance(table, np.memmap) and table.flags.writeable and not list(tmp_path.iterdir())
    table[:] = np.arange(1200).reshape(300, 4)
    assert (table[7] == [28, 29, 30, 31]).all()
    assert not isinstance(scratch.empty_table((10, 4), np.float32), np.memmap)


@given(st.integers(0, 50), st.integers(1, 400))
def test_pieces_are_every_row_once(rows, size):
    table = np.arange(3 * rows, dtype=np.float64).reshape(rows, 3)
    before, scratch.PIECE = scratch.PIECE, size
    try:
        parts = [table[part] for part in scratch.pieces(table)]
    finally:
        scratch.PIECE = before
    assert np.concatenate([table[:0], *parts]).tolist() == table.tolist()


@given(arrays(np.float32, (37, 3), elements=st.floats(-100, 100, width=32)))
def test_moments_piece_by_piece_are_numpys(values):
    found = normaliser._moments(values)
    before = normaliser.LARGE, scratch.PIECE
    normaliser.LARGE, scratch.PIECE = 0, 60
    try:
        piecewise = normaliser._moments(values)
    finally:
        normaliser.LARGE, scratch.PIECE = before
    for one, other in zip(found, piecewise, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_a_student_of_data_on_the_disk_is_the_one_of_data_in_memory(monkeypatch):
    """But for the last digits of the normaliser, which is summed in another order."""
    config, route = policy_config("testbed/Merge-v0", (16,)), Cloning(Training(steps=40))
    (small,) = route.distil([Source(load_transitions(DATA))], config, [3])
    monkeypatch.setattr(scratch, "LARGE", 10_000)
    monkeypatch.setattr(scratch, "PIECE", 4_096)
    monkeypatch.setattr(normaliser, "LARGE", 10_000)
    decisions = load_transitions(DATA)
    assert isinstance(decisions.observations, np.memmap)
    (large,) = route.distil([Source(decisions)], config, [3])
    for name, values in small.arrays.items():
        np.testing.assert_allclose(large.arrays[name], values, rtol=2e-3, atol=2e-4, err_msg=name)


def test_decisions_of_a_file_are_those_of_its_episodes():
    from testbed.datasets.reader import load_episodes

    one, other = load_transitions(DATA), transitions(load_episodes(DATA))
    for name in ("observations", "actions", "rewards", "next_observations", "terminated", "lengths"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype


def test_a_file_that_is_written_through_is_the_one_of_the_library(tmp_path):
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(400, 30)) for _ in range(20)]

    def fill(file: h5py.File) -> None:
        for number, array in enumerate(values):
            file.create_dataset(f"group{number % 3}/{number}", data=array, chunks=(50, 30), compression="gzip")
            file[f"group{number % 3}"].attrs[f"text{number}"] = "word " * number

    for name in ("through", "again"):
        with new_file(tmp_path / f"{name}.hdf5") as file:
            fill(file)
    with h5py.File(tmp_path / "usual.hdf5", "w") as file:
        fill(file)
    with h5py.File(tmp_path / "through.hdf5") as found, h5py.File(tmp_path / "usual.hdf5") as usual:
        names: list[str] = []
        usual.visit(names.append)
        for name in names:
            assert dict(found[name].attrs) == dict(usual[name].attrs)
            if isinstance(usual[name], h5py.Dataset):
                np.testing.assert_array_equal(found[name][()], usual[name][()])
    assert (tmp_path / "through.hdf5").read_bytes() == (tmp_path / "again.hdf5").read_bytes()


@pytest.mark.parametrize("room", [0, 3_000, 50_000])
def test_a_disk_that_fills_up_is_said_once_the_library_is_done(monkeypatch, tmp_path, room):
    written, write = 0, os.pwrite

    def full(descriptor: int, data: memoryview, place: int) -> int:
        nonlocal written
        if written + len(data) > room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written += len(data)
        return write(descriptor, data, place)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"), new_file(tmp_path / "full.hdf5") as file:
        for number in range(30):
            file.create_dataset(f"{number}", data=np.random.default_rng(number).normal(size=(100, 100)))


def test_a_parquet_file_is_read_without_keeping_what_was_read(tmp_path):
    """Of 24 MB in sixty row groups no more than a few are in memory at once."""
    pyarrow, _ = arrow_modules()
    file, rng = tmp_path / "large.parquet", np.random.default_rng(0)
    writer = None
    for group in range(60):
        episodes = np.repeat(np.arange(4 * group, 4 * group + 4, dtype=np.int32), 100)
        numbers = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rng.normal(size=400 * 125)), 125)
        table = pyarrow.table({"episode": episodes, "numbers": numbers})
        writer = writer or pyarrow.parquet.ParquetWriter(file, table.schema)
        writer.write_table(table)
    assert writer
    writer.close()
    size, before, most, count = file.stat().st_size, pyarrow.total_allocated_bytes(), 0, 0
    for rows in pieces(file, "episode"):
        most, count = max(most, pyarrow.total_allocated_bytes() - before), count + 1
        assert len(rows) == 100
    assert count == 240 and size > 20e6 and most < size / 5, most
