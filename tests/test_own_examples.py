"""The scenes in `tasks/own_scene/`: nothing of the package knows them, and the whole experiment runs in them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gymnasium.envs.registration import registry as gymnasium_registry
from PIL import Image

from testbed.cli.commands import habits as habits_command
from testbed.cli.commands.dataset import replay, validate_file
from testbed.cli.commands.parsing import habit_named, habits_in
from testbed.datasets.form import form_of
from testbed.distillation.config import Dagger, Learning, Training
from testbed.experiment import distill, evaluate, film_run, pipeline, train_teachers
from testbed.experiment.choices import SceneChoices
from testbed.experiment.config import AuditConfig, Experiment, Run, StudentConfig, TeacherConfig
from testbed.experiment.parallel import in_parallel
from testbed.rollouts.adapter import world
from testbed.rollouts.contracts.all import check
from testbed.scenes import outside
from testbed.scenes.registry import use

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tasks" / "own_scene"
TINY = Experiment(
    teacher=TeacherConfig(
        demonstrations=2, episodes=2,
        dagger=Dagger(rounds=1, episodes=2, training=Training(steps=30), final=Training(steps=150)),
    ),
    student=StudentConfig(routes=("cloning",), seeds=1, learning=Learning(Training(steps=60))),
    audit=AuditConfig(scenes=2, held_out_scenes=1),
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch) -> Iterator[None]:
    """No scene of somebody else's is known before, nor is any afterwards."""
    monkeypatch.setattr(outside, "SCENES", {})
    monkeypatch.setattr(outside, "_plugins_loaded", True)
    monkeypatch.setattr(world, "_idle", {})
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    before = set(gymnasium_registry)
    yield
    for name in set(gymnasium_registry) - before:
        del gymnasium_registry[name]
    form_of.cache_clear()


@pytest.mark.parametrize("name", ["intersection", "reacher"])
def test_a_scene_outside_takes_at_most_80_lines(name):
    assert len((FOLDER / f"{name}.py").read_text().splitlines()) <= 80


def test_no_file_of_the_package_knows_them():
    known = ("own_scene", "own/Intersection", "own/Reacher", "Reacher-v5", "pushing-in", "hurrying", "minihack")
    sources = {file: file.read_text() for file in (ROOT / "testbed").rglob("*.py")}
    assert [file for file, text in sources.items() if any(word in text for word in known)] == []


@pytest.mark.parametrize("name", ["intersection", "reacher"])
def test_the_whole_experiment_runs_in_it(name, tmp_path, monkeypatch):
    """From collection to films and report, in this one process and with few of everything."""
    for stage in (train_teachers, distill, evaluate, film_run):
        monkeypatch.setattr(stage, "in_parallel", lambda work, items, title, total: [work(item) for item in items])
    monkeypatch.setattr(pipeline, "preload", lambda modules: None)
    reference = f"{name}:SPEC"
    spec = use(reference)
    choices = SceneChoices.of(spec, reference)
    assert choices.run == Path("runs") / name and choices.habit == spec.habits[0].name
    run = Run(replace(TINY, habit=choices.habit, scene=reference), tmp_path / "run")
    pipeline.run_experiment(run, spec.environment)
    found = json.loads((run.folder / "audit.json").read_text())
    assert found["environment"] == spec.environment and set(found["units"]) == set(spec.measures)
    clips = json.loads((run.folder / "videos" / "clips.json").read_text())
    assert len(clips) == 3 and all((run.folder / "videos" / Path(clip["video"]).name).is_file() for clip in clips)
    for clip in clips:  # what the environment draws is there, below titles and headers
        still = np.asarray(
            Image.open((run.folder / "videos" / Path(clip["video"]).name).with_suffix(".png")).convert("L")
        )
        assert still[200:400, 40:300].std() > 1
    assert spec.habits[0].signature in (run.folder / "report.html").read_text()
    for data in ("demonstrator-habit", "teacher-clean"):
        validate_file(run.folder / "demonstrations" / f"{data}.hdf5")
    replay(run.folder / "demonstrations" / "demonstrator-habit.hdf5", 0, None, verify=True, every=True, tolerance=0.0)


@pytest.mark.parametrize("name", ["reacher"])
def test_it_keeps_every_contract(name):
    assert [finding for _, findings in check(use(f"{name}:SPEC"), 6) for finding in findings] == []


def test_its_habits_are_measured_where_a_command_names_it(capsys):
    assert habits_in("reacher:SPEC") == ("hurrying",) == (habit_named(None, "reacher:SPEC"),)
    habits_command.habits(4, 0, None, habits_in("reacher:SPEC"))
    said = capsys.readouterr().out
    assert "hurrying" in said and "hoarding" not in said


def _habits(reference: str) -> list[str]:
    return [habit.name for known in outside.SCENES.values() for habit in known.spec.habits]


def test_processes_that_work_for_this_one_know_the_scene():
    use("reacher:SPEC")
    assert in_parallel(_habits, ["any"], "ask a process", 1) == [["hurrying"]]
