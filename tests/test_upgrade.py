"""After an upgrade a run takes nothing stale for finished: it makes everything again, says so, and gets the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import ROAD

from testbed import lineage
from testbed.datasets.reader import load_episode
from testbed.experiment import distill, evaluate
from testbed.experiment.arms import gather_arms
from testbed.experiment.collect import collect_demonstrations
from testbed.experiment.config import Run
from testbed.experiment.distill import distil_students
from testbed.experiment.train_teachers import teach
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
        monkeypatch.setattr(lineage, "VERSION", version)
        lineage.code_version.cache_clear()

    yield to
    lineage.code_version.cache_clear()


def test_what_an_older_version_made_is_made_again(upgrade, tmp_path, monkeypatch, capsys):
    """Once; data sets, teachers, values, students and scores. What the older one left is read until then."""
    for module in (distill, evaluate):
        monkeypatch.setattr(module, "in_parallel", lambda work, items, title, total: [work(item) for item in items])
    student = replace(ROAD.student, routes=("cloning", "value"), seeds=1, hidden=(8,))
    run = Run(replace(ROAD, student=student), tmp_path / "run")
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
    assert recorded["code"] == {"testbed": "0.9.0", "sources": lineage.code_version().sources}
    carry_out(run)
    assert made(run.folder) == after and "made again" not in capsys.readouterr().out
