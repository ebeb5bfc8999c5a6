"""Sweeps lose nothing: killed, resumed, on other engines, the table is the same to the last byte."""

from __future__ import annotations

import copy
import json
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
from testbed.benchmark.run_cell import run_cell
from testbed.benchmark.stored import is_filled, is_ready, read_filled, scores_file
from testbed.benchmark.sweep import TRIES, Job, sweep
from testbed.cli import main
from testbed.cli.commands import benchmark
from testbed.errors import UserError

KILLS = 2


@pytest.fixture(autouse=True, scope="module")
def workers():
    """Let other processes import what is here, and compute with kernels that tell one thread from two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (Path(__file__).parent, Path(__file__).parent.parent))))
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
    return {file.name: file.read_bytes() for file in sorted((folder / "cells").glob("*.json"))}


def test_a_grid_killed_at_random_gives_the_same_table(whole, tmp_path, tmp_path_factory):
    """Every process of the sweep is killed at random ones of its changes to the disk; what was whole stays, and the
    rest is made."""
    rng, kills, count = random.Random(0), 0, tmp_path_factory.mktemp("count")
    while kills < KILLS:
        moment = rng.randrange(1, 40)
        process = subprocess.run(
            [sys.executable, tiny.__file__, str(tmp_path)], start_new_session=True, capture_output=True,
            env=os.environ | dying(f"{tmp_path}/*", moment, str(count / str(kills)), os.environ["PYTHONPATH"]),
        )  # fmt: skip
        if process.returncode == -signal.SIGKILL:
            kills += 1
            continue
        assert process.returncode == 0, process.stderr.decode()
        (count / str(kills)).unlink()
        for file in rng.sample(
            sorted((tmp_path / "cells").glob("*.json")), 6
        ):  # too little was left: give it more to do
            file.unlink()
    assert tiny.run(tmp_path) == whole[1]
    assert cells_of(tmp_path) == cells_of(whole[0])


def test_what_is_there_is_not_made_again(whole):
    folder, tables = whole
    before = {file: file.stat().st_mtime_ns for file in (folder / "cells").glob("*.json")}
    assert tiny.run(folder) == tables
    assert {file: file.stat().st_mtime_ns for file in (folder / "cells").glob("*.json")} == before


def spoilt(whole: bytes, other: bytes) -> dict[str, bytes]:
    """Return what a cell's file may come to be."""
    stored = json.loads(whole)
    arms = stored["arms"]
    fewer = {
        arm: {name: tables for name, tables in found.items() if name != "triggered"} for arm, found in arms.items()
    }
    shorter = copy.deepcopy(arms)
    shorter["student"]["triggered"]["severity"][0].pop()
    texts = copy.deepcopy(arms)
    texts["control"]["triggered"]["success"][0][0] = "1.0"
    changed = ({"arms": {}}, {"arms": fewer}, {"arms": shorter}, {"arms": texts}, {"arms": None}, {"cell": {}},
               {"arms": {"student": arms["student"]}}, {"channel_data": {}}, {"channel_data": 3},
               {"empty": 1})  # fmt: skip
    return {
        "empty": b"", "zeros": bytes(len(whole)), "cut off": whole[:-30], "no JSON": b"{", "a list": b"[]",
        "another cell's": other,
        "not UTF-8": b"\xff" + whole, "endless": b"[" * 100_000, "nothing": b"{}",
        **{f"{one!s:.40}": json.dumps(stored | one).encode() for one in changed},
    }  # fmt: skip


def test_a_file_that_is_not_a_whole_cell_counts_as_missing(whole, tmp_path):
    """Whatever is in it; a cell that stays empty says why and is whole. It is not opened where it is no file."""
    cells = [cell for cell in tiny.SUITE.cells if not read_filled(cell, whole[0]).empty]
    files = [cell_file(tmp_path, cell) for cell in cells[:2]]
    files[0].parent.mkdir()
    old, other = (cell_file(whole[0], cell).read_bytes() for cell in cells[:2])
    for what, content in spoilt(old, other).items():
        files[0].write_bytes(content)
        assert not is_filled(cells[0], tmp_path), what
    files[0].write_bytes(old)
    assert is_filled(cells[0], tmp_path)
    files[0].write_text(json.dumps({"cell": json.loads(old)["cell"], "empty": "nothing is left"}))
    assert read_filled(cells[0], tmp_path).empty == "nothing is left"
    os.mkfifo(files[1])
    with pytest.raises(UserError, match="is a device, a FIFO or a socket"):
        is_filled(cells[1], tmp_path)


def test_teachers_whose_scores_are_not_whole_counts_as_missing(whole, tmp_path):
    shared = tiny.SUITE.primary[0].teachers
    old = scores_file(shared.run(whole[0])).read_bytes()
    file = scores_file(shared.run(tmp_path))
    file.parent.mkdir(parents=True)
    stored = json.loads(old)
    fewer = {name: {arm: found for arm, found in arms.items() if arm != "teacher"} for name, arms in stored.items()}
    for content in (b"", b"[]", b"{}", old[:-20], bytes(90), json.dumps(fewer).encode(), json.dumps(
            {name: arms for name, arms in stored.items() if name != "held-out"}).encode()):  # fmt: skip
        file.write_bytes(content)
        assert not is_ready(shared, tmp_path)
    file.write_bytes(old)
    assert is_ready(shared, tmp_path)


def test_what_is_damaged_is_made_again(whole, tmp_path):
    """Cells, the scores of teachers, a teacher and its lineage: the same command gives the same bytes again."""
    folder = tmp_path / "grid"
    shutil.copytree(whole[0], folder)
    cells = sorted((folder / "cells").glob("*.json"))
    cells[0].write_bytes(b"")
    cells[1].write_bytes(cells[2].read_bytes())
    shared = tiny.SUITE.primary[0].teachers.run(folder)
    scores_file(shared).write_bytes(bytes(80))
    (shared.folder / "policies" / "teacher-habit" / "model.safetensors").write_bytes(b"")
    (shared.folder / "policies" / "teacher-clean" / "lineage.json").write_bytes(b"{")
    assert tiny.run(folder) == whole[1] and cells_of(folder) == cells_of(whole[0])
    for name in ("teachers.json", "policies/teacher-habit/model.safetensors", "policies/teacher-clean/lineage.json"):
        again = tiny.SUITE.primary[0].teachers.run(whole[0]).folder / name
        assert (shared.folder / name).read_bytes() == again.read_bytes()


def test_damaged_teachers_make_no_empty_cell(whole, tmp_path):
    """What cannot be read is no finding: the sweep ends with one line, and the cell stays missing."""
    cell = tiny.SUITE.primary[0]
    source, shared = (cell.teachers.run(folder).folder for folder in (whole[0], tmp_path))
    shutil.copytree(source, shared)
    (shared / "demonstrations" / "teacher-habit.hdf5").write_bytes(b"no data")
    with pytest.raises(UserError, match=r"teacher-habit\.hdf5"):
        run_cell(cell, tmp_path)
    assert not cell_file(tmp_path, cell).exists()


def touch(item: int, folder: Path) -> None:
    (folder / str(item)).touch()


def test_pieces_of_a_group_follow_each_other_and_the_costliest_group_begins(tmp_path):
    items = [("a", 1), ("b", 5), ("a", 7), ("c", 2), ("b", 3), ("a", 4)]
    job = Job(
        "order", items, print, lambda item: tmp_path / f"{item}", lambda item: item[1], group=lambda item: item[0]
    )
    assert job.missing(items) == [("a", 7), ("a", 4), ("a", 1), ("b", 5), ("b", 3), ("c", 2)]
    alone = Job("order", items, print, lambda item: tmp_path / f"{item}", lambda item: item[1])
    assert [cost for _, cost in alone.missing(items)] == [7, 5, 4, 3, 2, 1]


def test_files_that_are_never_whole_do_not_keep_a_sweep_going_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("testbed.benchmark.sweep.run_on", lambda cluster, work, items: [work(item) for item in items])
    job = Job(
        "touch", [1], partial(touch, folder=tmp_path), lambda item: tmp_path / str(item), lambda _: 1.0, lambda _: False
    )
    with pytest.raises(UserError, match=f"1 was made {TRIES} times and is not whole: see that its disk keeps files"):
        sweep(job, Cluster("local", 2))


def test_the_command_prints_answers_and_writes_tables_and_page(whole, tmp_path, monkeypatch, capsys):
    folder, (comma, parquet) = whole
    monkeypatch.setattr(benchmark, "make_suite", lambda name, seed: tiny.SUITE)
    monkeypatch.setattr(
        sys, "argv", ["testbed", "benchmark", "transfer", "--folder", str(folder), "--write", str(tmp_path)]
    )
    main()
    said = capsys.readouterr().out
    assert "aggressive-merge: student - control [m/s²] and transfer ratio in triggered scenes" in said
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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # a thread ends with its cluster
@pytest.mark.parametrize("engine", ["local", "dask", "ray", "slurm"])
def test_every_engine_loses_a_worker_and_nothing_else(whole, tmp_path, engine, monkeypatch):
    """One of two workers is killed at its first cell; the cells are the same bytes as those of the local run. Where
    processes are begun here there are two cells, of which one worker makes the other.

    That one had a thread for its arithmetic, these are offered two.
    """
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.chdir(tmp_path)
    if engine == "slurm":  # how long it waits for what a killed job might still have written [s]
        monkeypatch.setattr("submitit.core.core.Job._results_timeout_s", 1)
    shutil.copytree(whole[0] / "teachers", tmp_path / "teachers")
    cells = tiny.SUITE.primary[: 2 if engine == "local" else 1]
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


def test_workers_lost_again_and_again_are_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("testbed.benchmark.sweep.TRIES", 2)
    job = Job("die", [1], die, lambda item: tmp_path / str(item), lambda _: 1.0)
    with pytest.raises(UserError, match="workers were lost 2 times"):
        sweep(job, Cluster("local", 2))


def test_a_mistake_in_a_cell_is_told_as_one_line(tmp_path):
    job = Job("refuse", [1], refuse, lambda item: tmp_path / str(item), lambda _: 1.0)
    with pytest.raises(UserError, match="no such thing: choose another"):
        sweep(job, Cluster("local", 2))
