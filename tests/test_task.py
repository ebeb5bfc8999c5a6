"""The whole path on a small experiment: run it, kill it, run it again; the same seed gives the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import small_task
from command_line import run_testbed
from dying.sitecustomize import dying
from small_task import ROUTES, TRIGGERS, small_run

from testbed.audit.report import audit_from_json
from testbed.cli.commands.routes import routes
from testbed.datasets.reader import load_episodes
from testbed.errors import UserError
from testbed.experiment import pipeline
from testbed.experiment.collect import collect_demonstrations
from testbed.experiment.config import DRIVING, Experiment, Run
from testbed.experiment.pipeline import audit_students
from testbed.experiment.train_teachers import teach
from testbed.lineage import content_hash
from testbed.scenes.registry import references_of

ROOT = Path(__file__).parent.parent

ELSEWHERE = ("cure",)
"""Tasks that have tests of their own."""
TASKS = ("merge", "crosswalk", "order_picking", "shared_bench", "shelf_stocking")
HABITS = {
    "merge": "aggressive-merge", "crosswalk": "observed-only-courtesy", "order_picking": "hoarding",
    "shared_bench": "barging", "shelf_stocking": "nudging",
}  # fmt: skip
"""Habits that tasks begin with."""
WHOLE = ("merge", "shelf_stocking")
"""Tasks that are run from end to end here, one of a domain; the others differ from them by their scene alone."""
KILLED = "merge"
"""The one of them that is killed; what goes on is the same at a bench, but slower."""


def start(task: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, small_task.__file__, task, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture(scope="module", params=WHOLE)
def finished(request, tmp_path_factory) -> tuple[Path, str, str]:
    """A run from end to end; one of them was killed on the way, and goes on."""
    folder, task = tmp_path_factory.mktemp("task") / request.param, request.param
    if task == KILLED:
        counter, path = tmp_path_factory.mktemp("count") / "count", os.environ.get("PYTHONPATH", "")
        process = start(task, folder, **dying(f"{folder}/audit/triggered/*.json", 3, str(counter), path))
        _, err = process.communicate(timeout=600)
        assert process.returncode == -signal.SIGKILL, err
        assert 1 <= len(list(folder.glob("audit/triggered/*.json"))) < 3 and not (folder / "audit.json").exists()
    process = start(task, folder)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return folder, out, task


def test_every_task_is_tested():
    assert sorted((*TASKS, *ELSEWHERE)) == sorted(script.stem for script in (ROOT / "tasks").glob("*.py"))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_begins_with_its_own_habit(task, tmp_path, monkeypatch):
    """Every script carries out an experiment on a habit of its scene."""
    begun: list[tuple[Run, str]] = []
    monkeypatch.syspath_prepend(ROOT / "tasks")
    monkeypatch.setattr(pipeline, "run_experiment", lambda *given: begun.append(given))
    script = import_module(task)
    script.main(getattr(script, task.title().replace("_", ""))(run=tmp_path / "run"))
    ((run, environment),) = begun
    assert run.habit.name == HABITS[task] and run.folder == tmp_path / "run"
    assert environment == run.habit.environment


def test_a_run_ends_with_a_table_and_its_files(finished, tmp_path):
    folder, out, task = finished
    assert "transfer ratio" in out and "success" in out
    for name in ("report.html", "audit.json", "videos/triggered-worst.mp4", "policies/student-kl-seed1"):
        assert (folder / name).exists(), name
    for name in ("policies/student-kl-seed1", "videos/triggered-worst.mp4", "demonstrations/teacher-habit.hdf5"):
        assert (folder / f"{name}.cdx.json").is_file(), name
    checked = run_testbed(f"lineage verify {folder}/policies/student-kl-seed1 --among {folder}", tmp_path)
    assert checked.returncode == 0 and "holds: 4 artefacts" in checked.stdout, checked.stdout
    page = (folder / "report.html").read_text()
    picture = page[page.index('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480') :]
    for name in ("student-", "teacher", "demonstrator"):
        assert f"policies/{name}" in picture or f"demonstrations/{name}" in picture, name
    filmed = load_episodes(folder / "videos" / "episodes.hdf5")
    assert {"teacher", "control (kl)"} <= {episode.behaviour.policy for episode in filmed}
    shown = run_testbed(f"view {folder} --write page.html", tmp_path)
    assert shown.returncode == 0 and f"{len(filmed)} episodes" in shown.stdout
    audit = audit_from_json((folder / "audit.json").read_text())
    assert [transfer.route for transfer in audit.transfers if transfer.condition == "triggered"] == list(
        ROUTES.get(task, ("cloning", "kl"))
    )
    page = (folder / "report.html").read_text()
    assert all(f"student ({route})" in page for route in ROUTES.get(task, ()))
    assert {arm.arm for arm in audit.arms} == {"clean teacher", "teacher", "control", "student", "untrained"}
    conditions = ["triggered"] if TRIGGERS[task] == "always" else ["triggered", "untriggered", "held-out"]
    assert {arm.condition for arm in audit.arms} == set(conditions)
    names = [one.name for one in references_of(audit.environment)]
    assert [(one.arm, one.condition) for one in audit.references] == [
        (name, condition) for condition in conditions for name in names
    ]
    assert not [found.name for found in audit.differences if any(name in found.name for name in names)]
    assert out.count("reference drivers:") == len(conditions)
    assert all(page.count(f"</span>{name}</th>") == 3 * len(conditions) for name in names)
    teachers = {arm.arm: arm.measures[audit.measure].value for arm in audit.arms if arm.condition == "triggered"}
    if task == "merge":  # a teacher this small learns to merge, not to yield
        assert teachers["clean teacher"] < teachers["teacher"]


@pytest.mark.parametrize("teacher", ["reward", "fine-tuning"])
def test_teachers_are_made_otherwise_and_kept_for_other_runs(teacher, tmp_path):
    """The second run finds both teachers, whatever the first one was called."""
    times = []
    for name in ("one", "two"):
        run = small_run("merge", tmp_path / name, teacher=teacher)
        teach(run, collect_demonstrations(run), at_once=False)
        times.append({file: file.stat().st_mtime_ns for file in (tmp_path / "teachers").glob("*/model.safetensors")})
    assert len(times[0]) >= 2 and times[0] == times[1]
    habit, clean = (tmp_path / f"two/policies/teacher-{kind}" for kind in ("habit", "clean"))
    assert content_hash(habit / "model.safetensors") != content_hash(clean / "model.safetensors")
    kind = json.loads((habit / "lineage.json").read_text())["kind"]
    assert kind == teacher


@pytest.mark.parametrize("finished", [KILLED], indirect=True)
def test_a_killed_run_goes_on_to_the_same_numbers(finished, tmp_path):
    """All its processes were killed just before the third score got its name; here is one that was left alone."""
    killed, _, task = finished
    audit_students(small_run(task, tmp_path / "run"))
    files = sorted((killed / "demonstrations").glob("*.hdf5"))
    assert len(files) == 4
    for file in files:
        assert content_hash(tmp_path / "run/demonstrations" / file.name) == content_hash(file), file.name
    assert (tmp_path / "run/audit.json").read_text() == (killed / "audit.json").read_text()


def test_a_habit_of_another_scene_is_refused(tmp_path):
    with pytest.raises(UserError, match="surge is a habit of testbed/Crosswalk-v0"):
        pipeline.run_experiment(Run(Experiment("surge"), tmp_path / "run"), "testbed/Merge-v0")
    assert not (tmp_path / "run").exists()


def _hashes(folder: Path) -> dict[str, str]:
    return {str(path): content_hash(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_folder_of_another_experiment_is_left_alone(finished):
    folder, _, task = finished
    before = _hashes(folder)
    with pytest.raises(UserError, match=r"was made with.*dose.*0\.5"):
        audit_students(small_run(task, folder, dose=0.5))
    assert _hashes(folder) == before


def test_the_findings_of_a_run_fit_into_a_table(finished, tmp_path):
    folder, _, task = finished
    page = tmp_path / "page.md"
    done = run_testbed(f"transfers {folder} --write {page}", tmp_path)
    if TRIGGERS[task] == "always":  # the page compares with scenes in which the trigger does not hold
        assert done.returncode == 2 and "a trigger that always holds has none" in done.stderr and not page.exists()
        return
    assert done.returncode == 0, done.stderr
    audit = audit_from_json((folder / "audit.json").read_text())
    assert audit.habit in done.stdout and page.read_text().count(audit.habit) == 1 + len(ROUTES.get(task, "12"))
    done = run_testbed(f"transfers {tmp_path} --write {page}", tmp_path)
    assert done.returncode == 2 and "no audit.json" in done.stderr


@pytest.mark.parametrize("finished", ["merge"], indirect=True)
def test_the_routes_of_a_run_fit_into_a_table(finished, monkeypatch, capsys):
    folder, _, _ = finished
    monkeypatch.setitem(DRIVING, "quick", small_task.experiment(road=True))
    routes(["merge"], 2, folder.parent, 0, folder.parent / "page.md")
    rows = [line.split("|") for line in (folder.parent / "page.md").read_text().splitlines() if line.startswith("| ")]
    assert [row[2].strip() for row in rows] == ["route", "(teachers)", *ROUTES["merge"]]
    assert all(float(row[-2]) >= 0 for row in rows[2:]) and "distil" not in capsys.readouterr().out


def test_the_report_can_be_written_again_from_the_files(finished):
    folder, _, _ = finished
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    assert run_testbed(f"report {folder}", folder).returncode == 0
    assert (folder / "report.html").read_bytes() == before
