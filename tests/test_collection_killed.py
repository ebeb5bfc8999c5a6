"""Collection killed at any moment: the file holds what was reported, and collecting goes on from there."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from dying.sitecustomize import on_change

from testbed.datasets import reader
from testbed.datasets.writer import DatasetWriter
from testbed.lineage import Lineage
from testbed.protocols.episode import Episode

ENVIRONMENT = "testbed/Merge-v0"
LINEAGE = Lineage("collect", 3, versions={"numpy": "1"})
EPISODES, KILLS = 6, 20


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _continue(path: Path, episode: Episode, report=lambda count: None) -> None:
    writer = DatasetWriter(path, ENVIRONMENT, LINEAGE)
    while not writer.complete and len(writer) < EPISODES:
        writer.append(episode)
        report(len(writer))
    writer.finish()


@pytest.fixture(scope="module")
def stored(episodes, tmp_path_factory) -> Path:
    """An episode for another process."""
    file = tmp_path_factory.mktemp("stored") / "episode.pickle"
    file.write_bytes(pickle.dumps(episodes[0]))
    return file


@pytest.fixture(scope="module")
def whole(episodes, tmp_path_factory) -> Path:
    """A data set collected without interruption."""
    path = tmp_path_factory.mktemp("whole") / "demos.hdf5"
    _continue(path, episodes[0])
    return path


def collect_and_die(stored: Path, folder: Path, kills: int) -> list[tuple[str, int]]:
    """Collect in a process that is killed just before one of its changes to the disk, as often as is said.

    Returns:
        Of each folder and what was reported last. The first is of one that was not killed, in which changes are
        counted; the moments are spread over them all.
    """
    episode = pickle.loads(stored.read_bytes())
    changes, reported = _collected(folder / "whole", episode, 0)
    found, rng = [("whole", reported)], random.Random(0)
    for number in range(kills):
        moment = 1 + int((number + rng.random()) / kills * changes)
        found.append((str(number), _collected(folder / str(number), episode, moment)[1]))
    return found


def _collected(folder: Path, episode: Episode, moment: int) -> tuple[int, int]:
    """Collect in a fork of this process, which is killed at its `moment`-th change; return changes and the report."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        changes = 0

        def change() -> None:
            nonlocal changes
            changes += 1
            if changes == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        on_change(f"{folder}/*", change)
        _continue(folder / "demos.hdf5", episode, lambda count: os.write(writing, b"%d " % count))
        os.write(writing, b"%d" % changes)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        numbers = [int(word) for word in pipe.read().split()]
    _, status = os.wait()
    assert os.WIFSIGNALED(status) == bool(moment)
    return (numbers[-1], numbers[-2]) if not moment else (moment, max(numbers, default=0))


def _check_file(path: Path, reported: int, episode: Episode) -> None:
    """Assert with plain h5py, then with the reader, that every reported episode is there and whole."""
    with h5py.File(path, "r") as file:
        assert len(file["data"]) >= reported
        for number in range(reported):
            assert len(file[f"data/demo_{number}/actions"]) == len(episode)
    for read in reader.load_episodes(path):
        np.testing.assert_array_equal(read.observations, episode.observations)
        np.testing.assert_array_equal(read.trace["position"], episode.trace["position"])
    assert reader.count_episodes(path) >= reported


def test_killed_collection_loses_nothing_and_goes_on(episodes, whole, stored, tmp_path):
    """Killed at 20 moments from its first change to its last, it ends in the same bytes as if it had not been."""
    command = [sys.executable, __file__, str(stored), str(tmp_path), str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found[0] == ["whole", EPISODES] and _sha(tmp_path / "whole" / "demos.hdf5") == _sha(whole)
    assert len(found) == 1 + KILLS
    for name, reported in found[1:]:
        path = tmp_path / name / "demos.hdf5"
        assert path.exists() or reported == 0
        if path.exists():
            _check_file(path, reported, episodes[0])
            assert len(DatasetWriter(path, ENVIRONMENT, LINEAGE)) >= reported
        _continue(path, episodes[0])
        assert _sha(path) == _sha(whole)
        assert [file.name for file in path.parent.iterdir()] == ["demos.hdf5"]
    assert len({reported for _, reported in found}) >= EPISODES // 2


if __name__ == "__main__":
    print(json.dumps(collect_and_die(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
