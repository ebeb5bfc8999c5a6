"""After an upgrade a run takes nothing stale for finished: it makes everything again, says so, and gets the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import ROAD

from testbed import sources
from testbed.benchmark.cell import cell_file
from testbed.benchmark.stored import is_filled, say_outdated
from testbed.benchmark.suites import Plan
from testbed.datasets.reader import load_episode
from testbed.experiment import distill, evaluate
from testbed.experiment.arms import gather_arms
from testbed.experiment.collect import collect_demonstrations
from testbed.experiment.config import AuditConfig, Run
from testbed.experiment.distill import distil_students
from testbed.experiment.train_teachers import teach
from testbed.files import write_text
from testbed.policies.checkpoint import load_policy

MADE = ("demonstrations/*.hdf5", "policies/*/model.safetensors", "audit/*/*.json")


def carry_out(run: Run) -> None:
    """Every stage up to the audit, in this process."""
    demonstrations = collect_demonstrations(run)
    teachers, data = teach(run, demonstrations, at_once=False)
    students = distil_students(run, teachers, data)
    evaluate.audit(run, gather_arms(run, teachers, students), ())


def made(folder: Path) -> dict[str, int]:
    """Return when each artefact was made."""
    files = [file for pattern in MADE for file in folder.glob(pattern)]
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files}


@pytest.fixture
def upgrade(monkeypatch):
    """What makes this another version."""

    def to(version: str) -> None:
        monkeypatch.setattr(sources, "VERSION", version)
        sources._code_version.cache_clear()

    yield to
    sources._code_version.cache_clear()


def test_what_an_older_version_made_is_made_again(upgrade, tmp_path, monkeypatch, capsys):
    """Once; data sets, teachers, values, students and scores. What the older one left is read until then."""
    for module in (distill, evaluate):
        monkeypatch.setattr(module, "in_parallel", lambda work, items, title, total: [work(item) for item in items])
    student = replace(ROAD.student, routes=("cloning", "value"), seeds=1, hidden=(8,))
    teacher = replace(
        ROAD.teacher, demonstrations=4, episodes=6, evaluation=replace(ROAD.teacher.evaluation, episodes=4)
    )
    experiment = replace(ROAD, teacher=teacher, student=student, audit=AuditConfig(2, 2))
    run = Run(experiment, tmp_path / "run")
    upgrade("0.8.9")
    carry_out(run)
    before, whole = made(run.folder), (run.folder / "audit.json").read_text()
    assert len(before) == 4 + 2 + 2 + 4 + 3 * 10 and "made again" not in capsys.readouterr().out
    upgrade("0.9.0")
    assert load_episode(run.folder / "demonstrations/teacher-habit.hdf5", 0).behaviour.policy == "teacher"
    assert load_policy(run.folder / "policies/student-value-seed0")[0].config.hidden == (8,)
    carry_out(run)
    said, after = capsys.readouterr().out, made(run.folder)
    assert after.keys() == before.keys() and not {name for name in before if after[name] == before[name]}
    assert (run.folder / "audit.json").read_text() == whole
    told = "made by testbed 0.8.9, this is 0.9.0: made again"
    for what in ("demonstrator-clean.hdf5 was", "demonstrator-habit.hdf5 was", "teacher-clean was", "teacher-habit was",
                 "teacher-clean.hdf5 was", "teacher-habit.hdf5 was", "2 policies by cloning were",
                 "2 policies by value were", "triggered: scores of 10 policies were"):  # fmt: skip
        assert f"\n{said}".count(f"\n{what} {told}\n") == 1, what
    recorded = json.loads((run.folder / "policies/student-value-seed0/lineage.json").read_text())
    assert recorded["code"] == {"testbed": "0.9.0", "sources": sources.code_version().sources}
    carry_out(run)
    assert made(run.folder) == after and "made again" not in capsys.readouterr().out


def test_cells_of_an_older_version_are_filled_again_and_told(upgrade, tmp_path, capsys):
    """In one line; those of other choices, and what is damaged, are not spoken of."""
    suite = Plan(("aggressive-merge",), 1, 2, ROAD, ROAD, silently=(), widths=(), doses=()).suite("tiny", 0)
    upgrade("0.8.9")
    for cell in suite.cells[:2]:
        write_text(cell_file(tmp_path, cell), json.dumps({"cell": cell.record, "code": vars(cell.code), "empty": "so"}))
    assert all(is_filled(cell, tmp_path) for cell in suite.cells[:2])
    upgrade("0.9.0")
    assert not any(is_filled(cell, tmp_path) for cell in suite.cells)
    (tmp_path / "cells" / "damaged.json").write_text("{")
    say_outdated(suite.cells[1:], tmp_path)
    assert capsys.readouterr().out == "1 cell was made by testbed 0.8.9, this is 0.9.0: filled again\n"
    say_outdated(suite.cells, tmp_path)
    assert capsys.readouterr().out == "2 cells were made by testbed 0.8.9, this is 0.9.0: filled again\n"
    say_outdated(suite.cells[2:], tmp_path)
    assert capsys.readouterr().out == ""
