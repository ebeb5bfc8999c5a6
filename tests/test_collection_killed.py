"""Collection killed at any moment: the file holds what was reported, and collecting goes on from there."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from testbed.demonstrations import reader
from testbed.demonstrations.writer import DatasetWriter
from testbed.episode import Episode
from testbed.lineage import Lineage

ENVIRONMENT = "testbed/Merge-v0"
LINEAGE = Lineage("collect", 3, versions={"numpy": "1"})
EPISODES, KILLS = 8, 20

_COLLECT = """
import pickle, sys
from pathlib import Path
from testbed.demonstrations.writer import DatasetWriter
from testbed.lineage import Lineage
episode = pickle.loads(Path(sys.argv[2]).read_bytes())
print("ready", flush=True)
writer = DatasetWriter(Path(sys.argv[1]), "testbed/Merge-v0", Lineage("collect", 3, versions={"numpy": "1"}))
for _ in range(int(sys.argv[3])):
    writer.append(episode)
    print(len(writer), flush=True)
writer.finish()
print("finished", flush=True)
"""


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _continue(path: Path, episode: Episode) -> None:
    writer = DatasetWriter(path, ENVIRONMENT, LINEAGE)
    while not writer.complete and len(writer) < EPISODES:
        writer.append(episode)
    writer.finish()


@pytest.fixture(scope="module")
def whole(episodes, tmp_path_factory) -> tuple[Path, float]:
    """A data set collected without interruption, and how long that takes [s]."""
    path = tmp_path_factory.mktemp("whole") / "demos.hdf5"
    start = time.perf_counter()
    _continue(path, episodes[0])
    return path, time.perf_counter() - start


def _collect_and_kill(path: Path, stored: Path, delay: float) -> tuple[int, bool]:
    """Collect in another process, kill it after a delay [s]; return what it reported last, and if it finished."""
    command = [sys.executable, "-c", _COLLECT, str(path), str(stored), str(EPISODES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay)
        process.kill()
        reported = process.stdout.read().split()
    return max((int(word) for word in reported if word.isdigit()), default=0), "finished" in reported


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


def test_killed_collection_loses_nothing_and_goes_on(episodes, whole, tmp_path):
    """Killed at 20 moments from its first to its last write, it ends in the same bytes as if it had not been."""
    finished, duration = whole
    stored = tmp_path / "episode.pickle"
    stored.write_bytes(pickle.dumps(episodes[0]))
    rng, cut_short = np.random.default_rng(0), 0
    for number, share in enumerate((np.arange(KILLS) + rng.random(KILLS)) / KILLS):
        path = tmp_path / str(number) / "demos.hdf5"
        reported, ended = _collect_and_kill(path, stored, 1.1 * share * duration)
        cut_short += reported > 0 and not ended
        assert path.exists() or reported == 0
        if path.exists():
            _check_file(path, reported, episodes[0])
            assert len(DatasetWriter(path, ENVIRONMENT, LINEAGE)) >= reported
        _continue(path, episodes[0])
        assert _sha(path) == _sha(finished)
        assert not path.with_name("demos.hdf5.parts").exists()
    assert cut_short >= KILLS // 4
