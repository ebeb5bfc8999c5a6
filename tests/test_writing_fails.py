"""Writing that cannot go on: other files in the way, no folder, a full disk. What was there before stays."""

from __future__ import annotations

import dataclasses
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

from testbed.datasets import reader
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.protocols.episode import Episode

ENVIRONMENT = "testbed/Merge-v0"
LINEAGE = Lineage("collect", 3, {"episodes": 6}, versions={"numpy": "1"})


def _same_episode(first: Episode, second: Episode) -> None:
    """Assert that what was recorded is equal; `test_demonstrations.py` compares every field."""
    for name in ("observations", "actions", "rewards", "states"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(first.trace["position"], second.trace["position"])


def _refused(call, *words: str) -> None:
    """Assert that a call is refused in one line that holds the given words."""
    with pytest.raises(UserError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text and all(word in text for word in words), text


@pytest.mark.parametrize("complete", [True, False])
def test_file_with_another_lineage_is_in_the_way(episodes, tmp_path, complete):
    """A file made with other settings is refused and stays as it was, finished or not."""
    writer = DatasetWriter(tmp_path / "demos.hdf5", ENVIRONMENT, LINEAGE)
    writer.append(episodes[0])
    if complete:
        writer.finish()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for change in ({"seed": 4}, {"settings": {"episodes": 7}}, {"kind": "clone"}):
        other = dataclasses.replace(LINEAGE, **change)
        _refused(lambda other=other: DatasetWriter(writer.path, ENVIRONMENT, other), str(writer.path), "in the way")
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert writer.parts.exists() is not complete


def test_file_of_another_kind_is_in_the_way(tmp_path):
    """A file that is no data set is refused and stays as it was."""
    path = tmp_path / "demos.hdf5"
    path.write_text("my notes")
    _refused(lambda: DatasetWriter(path, ENVIRONMENT, LINEAGE), str(path), "not an HDF5 file")
    assert path.read_text() == "my notes"


def test_folder_that_cannot_be_written(tmp_path):
    """A parent that is a regular file is refused."""
    (tmp_path / "file").write_text("")
    _refused(
        lambda: DatasetWriter(tmp_path / "file" / "demos.hdf5", ENVIRONMENT, LINEAGE),
        "could not write",
        "Not a directory",
        "another place",
    )


_FULL_DISK = """
import pickle, resource, signal, sys
from pathlib import Path
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.lineage import Lineage
lineage = Lineage("collect", 3, {"episodes": 6}, versions={"numpy": "1"})
episode = pickle.loads(Path(sys.argv[2]).read_bytes())
writer = DatasetWriter(Path(sys.argv[1]), "testbed/Merge-v0", lineage)
writer.append(episode)
writer.append(episode)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    getattr(writer, sys.argv[4])(*([episode] if sys.argv[4] == "append" else []))
except UserError as error:
    sys.exit(f"{len(writer)}: {error}")
"""


@pytest.mark.parametrize("call", ["append", "finish"])
@pytest.mark.parametrize("limit", [4096, 20000])
def test_full_disk_leaves_what_was_there(episodes, tmp_path, limit, call):
    """Where files may not grow, appending and finishing fail, and the two earlier episodes stay readable."""
    path, stored = tmp_path / "demos.hdf5", tmp_path / "episode.pickle"
    stored.write_bytes(pickle.dumps(episodes[0]))
    command = [sys.executable, "-c", _FULL_DISK, str(path), str(stored), str(limit), call]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("2: could not write") and "unchanged" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("*.tmp"))
    read = reader.load_episodes(path)
    assert len(read) == 2
    _same_episode(read[1], episodes[0])
    assert len(DatasetWriter(path, ENVIRONMENT, LINEAGE)) == 2


def test_write_failure_leaves_what_was_there(episodes, tmp_path, monkeypatch):
    """An episode that cannot be written is refused in one line; the one before stays, and the next one follows it."""
    writer = DatasetWriter(tmp_path / "demos.hdf5", ENVIRONMENT, LINEAGE)
    writer.append(episodes[0])

    def fail(source, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        _refused(lambda: writer.append(episodes[1]), "could not write", "No space left", "unchanged")
    assert len(writer) == reader.count_episodes(writer.path) == 1 and not list(tmp_path.rglob("*.tmp"))
    _same_episode(reader.load_episode(writer.path, 0), episodes[0])
    writer.append(episodes[2])
    writer.finish()
    _same_episode(reader.load_episode(writer.path, 1), episodes[2])


def test_nothing_is_written_before_the_first_episode(tmp_path):
    """A typing error that is found while the first episode is played leaves nothing that is in the way."""
    with DatasetWriter(tmp_path / "demos.hdf5", ENVIRONMENT, LINEAGE):
        assert [path.name for path in tmp_path.iterdir()] == [".demos.hdf5.lock"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["gone", "empty", "no HDF5", "all gone"])
def test_parts_that_vanished_are_collected_again_from_the_beginning(episodes, tmp_path, damage):
    """What is missing is found when the data set is opened, not when all else was collected."""
    whole = DatasetWriter(tmp_path / "whole.hdf5", ENVIRONMENT, LINEAGE)
    cut = DatasetWriter(tmp_path / "cut.hdf5", ENVIRONMENT, LINEAGE)
    for episode in episodes[:4]:
        whole.append(episode)
        cut.append(episode)
    cut.close()
    part = cut.parts / "demo_2.hdf5"
    if damage == "gone":
        part.unlink()
    elif damage == "all gone":
        shutil.rmtree(cut.parts)
    else:
        part.write_bytes(b"" if damage == "empty" else b"power was lost here")
    again = DatasetWriter(cut.path, ENVIRONMENT, LINEAGE)
    assert len(again) == (0 if damage == "all gone" else 2)
    for episode in episodes[len(again) : 4]:
        again.append(episode)
    for writer in (whole, again):
        writer.finish()
    assert cut.path.read_bytes() == whole.path.read_bytes() and not cut.parts.exists()


def test_a_part_that_vanishes_at_the_end_is_named(episodes, tmp_path):
    writer = DatasetWriter(tmp_path / "demos.hdf5", ENVIRONMENT, LINEAGE)
    for episode in episodes[:2]:
        writer.append(episode)
    (writer.parts / "demo_1.hdf5").unlink()
    _refused(writer.finish, str(writer.path), "demos.hdf5.parts", "run the same command again")
    writer.close()
    assert len(DatasetWriter(writer.path, ENVIRONMENT, LINEAGE)) == 1


def test_a_folder_of_somebody_else_is_not_taken_for_parts(episodes, tmp_path):
    (tmp_path / "demos.hdf5.parts").mkdir()
    (tmp_path / "demos.hdf5.parts" / "thesis.txt").write_text("eight years")
    _refused(lambda: DatasetWriter(tmp_path / "demos.hdf5", ENVIRONMENT, LINEAGE), "demos.hdf5.parts", "in the way")
    assert (tmp_path / "demos.hdf5.parts" / "thesis.txt").read_text() == "eight years"


def test_the_second_writer_of_a_data_set_is_told_of_the_first(episodes, tmp_path):
    first = DatasetWriter(tmp_path / "demos.hdf5", ENVIRONMENT, LINEAGE)
    first.append(episodes[0])
    _refused(lambda: DatasetWriter(first.path, ENVIRONMENT, LINEAGE), "another writer", str(first.path), "wait")
    first.append(episodes[1])
    first.finish()
    assert DatasetWriter(first.path, ENVIRONMENT, LINEAGE).complete
    assert [path.name for path in tmp_path.iterdir()] == ["demos.hdf5"]
