"""Sweeps lose nothing: killed, resumed, on other engines, the table is the same to the last byte."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import alike
import pytest
import tiny
from dying.sitecustomize import dying

from testbed.benchmark.cell import cell_file
from testbed.benchmark.engines import Cluster
from testbed.benchmark.sweep import TRIES, Job, sweep
from testbed.cli import main
from testbed.commands import benchmark
from testbed.errors import UserError

KILLS = 6


@pytest.fixture(autouse=True, scope="module")
def workers():
    """Let other processes import what is here, and compute with kernels that tell one thread from two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        patch.setenv("OMP_NUM_THREADS", "1")
        for name, value in alike.KERNELS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def whole(workers, tmp_path_factory) -> tuple[Path, tuple[bytes, bytes]]:
    """A grid that was filled without a disturbance."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, tiny.run(folder)


def cells_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / "cells").iterdir())}


def test_a_grid_killed_at_random_gives_the_same_table(whole, tmp_path, tmp_path_factory):
    """Every process of the sweep is killed at random ones of its changes to the disk; what was whole stays, and the
    rest is made."""
    rng, kills, count = random.Random(0), 0, tmp_path_factory.mktemp("count")
    while kills < KILLS:
        moment = rng.randrange(1, 60)
        process = subprocess.run(
            [sys.executable, tiny.__file__, str(tmp_path)], start_new_session=True, capture_output=True,
            env=os.environ | dying(f"{tmp_path}/*", moment, str(count / str(kills)), os.environ["PYTHONPATH"]),
        )  # fmt: skip
        if process.returncode == -signal.SIGKILL:
            kills += 1
            continue
        assert process.returncode == 0, process.stderr.decode()
        (count / str(kills)).unlink()
        for file in rng.sample(sorted((tmp_path / "cells").iterdir()), 6):  # too little was left: give it more to do
            file.unlink()
    assert tiny.run(tmp_path) == whole[1]
    assert cells_of(tmp_path) == cells_of(whole[0])


def test_what_is_there_is_not_made_again(whole):
    folder, tables = whole
    before = {file: file.stat().st_mtime_ns for file in (folder / "cells").iterdir()}
    assert tiny.run(folder) == tables
    assert {file: file.stat().st_mtime_ns for file in (folder / "cells").iterdir()} == before


def test_the_command_prints_answers_and_writes_tables_and_page(whole, tmp_path, monkeypatch, capsys):
    folder, (comma, parquet) = whole
    monkeypatch.setattr(benchmark, "make_suite", lambda name, seed: tiny.SUITE)
    monkeypatch.setattr(
        sys, "argv", ["testbed", "benchmark", "transfer", "--folder", str(folder), "--write", str(tmp_path)]
    )
    main()
    said = capsys.readouterr().out
    assert "transfer ratios in triggered scenes" in said
    assert "Does scrubbing help every route equally?" in said and f"{tmp_path}/transfer.html" in said
    assert (tmp_path / "transfer.csv").read_bytes() == comma
    assert (tmp_path / "transfer.parquet").read_bytes() == parquet
    assert "<h1>Transfer benchmark, suite tiny</h1>" in (tmp_path / "transfer.html").read_text()


def test_no_workers_are_a_mistake(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["testbed", "benchmark", "transfer", "--workers", "0"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--workers 0: give a whole number from 1 to 1024" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["local", "dask", "ray", "slurm"])
def test_every_engine_loses_a_worker_and_nothing_else(whole, tmp_path, engine, monkeypatch):
    """One of two workers is killed at its first cell; the cells are the same bytes as those of the local run.

    That one had a thread for its arithmetic, these are offered two.
    """
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole[0] / "schools", tmp_path / "schools")
    cells = tiny.SUITE.primary[:3]
    job = Job("fill", cells, partial(tiny.fill_or_die, folder=tmp_path), partial(cell_file, tmp_path), lambda _: 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # clusters warn of what they do when a worker is gone
        sweep(job, Cluster(engine, 2, queue=tmp_path / "queue"))
    assert (tmp_path / "queue").is_dir() == (engine == "slurm")
    assert (tmp_path / "died").exists()
    made = cells_of(tmp_path)
    assert len(made) == len(cells)
    assert all(cells_of(whole[0])[name] == content for name, content in made.items())


def die(item: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(item: int) -> None:
    raise UserError("no such thing: choose another")


def test_workers_lost_again_and_again_are_given_up(tmp_path):
    job = Job("die", [1], die, lambda item: tmp_path / str(item), lambda _: 1.0)
    with pytest.raises(UserError, match=f"workers were lost {TRIES} times"):
        sweep(job, Cluster("local", 2))


def test_a_mistake_in_a_cell_is_told_as_one_line(tmp_path):
    job = Job("refuse", [1], refuse, lambda item: tmp_path / str(item), lambda _: 1.0)
    with pytest.raises(UserError, match="no such thing: choose another"):
        sweep(job, Cluster("local", 2))
