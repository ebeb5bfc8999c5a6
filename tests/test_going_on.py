"""A collection goes on from what is whole of it: a damaged part is collected again, a damaged index is refused."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from testbed.datasets.reader import load_episodes
from testbed.datasets.validation import validate
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.lineage import Lineage

ENVIRONMENT, LINEAGE = "testbed/Merge-v0", Lineage("collect", 0)


def begun(file: Path, episodes) -> Path:
    """Begin a data set and return the second of its three parts."""
    with DatasetWriter(file, ENVIRONMENT, LINEAGE) as writer:
        for episode in episodes[:3]:
            writer.append(episode)
    return file.with_name(f"{file.name}.parts") / "demo_1.hdf5"


def ended(file: Path, episodes) -> bytes:
    """Go on with a data set to its end and return its bytes."""
    with DatasetWriter(file, ENVIRONMENT, LINEAGE) as writer:
        for episode in episodes[len(writer) : 4]:
            writer.append(episode)
        writer.finish()
    return file.read_bytes()


def _flip(part: Path) -> None:
    """Damage a compressed chunk of the actions."""
    with h5py.File(part) as file:
        place = file["episode/actions"].id.get_chunk_info(0)
    data = bytearray(part.read_bytes())
    data[place.byte_offset + place.size // 2] ^= 0xFF
    part.write_bytes(data)


def _shorten(part: Path) -> None:
    with h5py.File(part, "r+") as file:
        rewards = file["episode/rewards"][:-1]
        del file["episode/rewards"]
        file["episode/rewards"] = rewards


def _forget(part: Path) -> None:
    with h5py.File(part, "r+") as file:
        file["episode/states"][0] = np.nan


def _loop(part: Path) -> None:
    with h5py.File(part, "r+") as file:
        del file["episode/trace"]
        file["episode/trace"] = h5py.SoftLink("/episode")


@pytest.mark.parametrize("damage", [_flip, _shorten, _forget, _loop, Path.unlink, lambda part: part.write_bytes(b"")])
def test_a_damaged_part_is_collected_again(damage, episodes, tmp_path):
    whole = ended(tmp_path / "whole.hdf5", episodes)
    damage(begun(tmp_path / "data.hdf5", episodes))
    with DatasetWriter(tmp_path / "data.hdf5", ENVIRONMENT, LINEAGE) as writer:
        assert len(writer) == 1
    assert ended(tmp_path / "data.hdf5", episodes) == whole
    assert validate(tmp_path / "data.hdf5") == []


def test_a_pipe_in_the_place_of_a_part_hangs_nothing(episodes, tmp_path):
    part = begun(tmp_path / "data.hdf5", episodes)
    part.unlink()
    os.mkfifo(part)
    with pytest.raises(UserError, match=r"demo_1\.hdf5"):
        ended(tmp_path / "data.hdf5", episodes)


@pytest.mark.parametrize("value", ["none", 3, [True, False], np.nan])
def test_an_index_that_does_not_say_whether_it_is_finished_is_refused(value, episodes, tmp_path):
    begun(tmp_path / "data.hdf5", episodes)
    with h5py.File(tmp_path / "data.hdf5", "r+") as file:
        file["data"].attrs["complete"] = value
    with pytest.raises(UserError, match="attribute complete"):
        ended(tmp_path / "data.hdf5", episodes)


def test_a_finished_set_of_which_episodes_were_removed_is_not_added_to(episodes, tmp_path):
    ended(tmp_path / "data.hdf5", episodes)
    with h5py.File(tmp_path / "data.hdf5", "r+") as file:
        del file["data/demo_2"]
    with DatasetWriter(tmp_path / "data.hdf5", ENVIRONMENT, LINEAGE) as writer:
        assert writer.complete and len(writer) == 3
        with pytest.raises(UserError, match="some were removed"):
            writer.append(episodes[3])
    assert len(load_episodes(tmp_path / "data.hdf5")) == 3
