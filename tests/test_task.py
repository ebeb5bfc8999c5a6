"""The whole path on a small experiment: run it, kill it, run it again; the same seed gives the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
from command_line import run_testbed
from dying.sitecustomize import dying

from testbed.audit.report import audit_from_json
from testbed.errors import UserError
from testbed.experiment import pipeline
from testbed.experiment.config import Experiment, Run
from testbed.lineage import content_hash
from testbed.scenes.registry import references_of

ROOT = Path(__file__).parent.parent

SMALL = """
import sys
sys.path.insert(0, sys.argv[1])
from importlib import import_module
from pathlib import Path
from testbed.console import run_command
from testbed.distillation.config import Dagger, Evaluation, FineTuning, Learning, PPOConfig, Training
from testbed.experiment.config import DRIVING, WAREHOUSE, AuditConfig, Experiment, StudentConfig, TeacherConfig
name, folder, dose, teacher, *routes = sys.argv[2:]
practice = PPOConfig(iterations=2, worlds=8, steps=80, batch=64, epochs=1)  # some episodes end
task = import_module(name)
road = name in ("merge", "crosswalk")
profiles, few = (DRIVING, 16) if road else (WAREHOUSE, 8)
profiles["quick"] = Experiment(
    teacher=TeacherConfig(
        demonstrations=24 if road else 8, episodes=few, hidden=(64, 64),
        dagger=Dagger(1, few, Training(steps=300), Training(steps=1500 if road else 300)),
        practice=practice, fine_tuning=FineTuning(0.01),
        evaluation=Evaluation(episodes=16, hidden=(32,), training=Training(steps=100)),
    ),
    student=StudentConfig(seeds=2, hidden=(32,), learning=Learning(Training(steps=300), practice)),
    audit=AuditConfig(scenes=few // 2, held_out_scenes=few // 4),
)
if folder == "routes":  # the table of a run that is there
    from testbed.cli.commands import routes as table
    table.DRIVING["quick"] = profiles["quick"]
    run_command(lambda: table.routes(["merge"], 2, Path(dose), 0, Path(dose) / "page.md"))
    sys.exit()
make = getattr(task, name.title().replace("_", ""))
options = make(run=Path(folder), dose=float(dose), teacher=teacher, route=tuple(routes), hidden=(32,))
run_command(lambda: task.main(options))
"""
TASKS = ("merge", "crosswalk", "order_picking", "shared_bench", "shelf_stocking")
ROUTES = {"merge": ("cloning", "kl", "value", "adversarial")}
"""Routes of a task's runs here, where they are not the usual two."""
HABITS = {
    "merge": "aggressive-merge", "crosswalk": "observed-only-courtesy", "order_picking": "hoarding",
    "shared_bench": "barging", "shelf_stocking": "nudging",
}  # fmt: skip
"""Habits that tasks begin with."""
WHOLE = ("merge", "shelf_stocking")
"""Tasks that are run from end to end here, one of a domain; the others differ from them by their scene alone."""


def start(
    task: str, folder: Path, dose: float = 1.0, teacher: str = "demonstration", **environment: str
) -> subprocess.Popen[str]:  # fmt: skip
    routes = ROUTES.get(task, ("cloning", "kl"))
    command = [sys.executable, "-c", SMALL, str(ROOT / "tasks"), task, str(folder), str(dose), teacher, *routes]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture(scope="module", params=WHOLE)
def finished(request, tmp_path_factory) -> tuple[Path, str, str]:
    folder = tmp_path_factory.mktemp("task") / request.param
    process = start(request.param, folder)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return folder, out, request.param


def test_every_task_is_tested():
    assert sorted(TASKS) == sorted(script.stem for script in (ROOT / "tasks").glob("*.py"))


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


def test_a_run_ends_with_a_table_and_its_files(finished):
    folder, out, task = finished
    assert "transfer ratio" in out and "success" in out
    for name in ("report.html", "audit.json", "videos/triggered-worst.mp4", "policies/student-kl-seed1"):
        assert (folder / name).exists(), name
    audit = audit_from_json((folder / "audit.json").read_text())
    assert [transfer.route for transfer in audit.transfers if transfer.condition == "triggered"] == list(
        ROUTES.get(task, ("cloning", "kl"))
    )
    page = (folder / "report.html").read_text()
    assert all(f"student ({route})" in page for route in ROUTES.get(task, ()))
    assert {arm.arm for arm in audit.arms} == {"clean teacher", "teacher", "control", "student", "untrained"}
    assert {arm.condition for arm in audit.arms} == {"triggered", "untriggered", "held-out"}
    names = [one.name for one in references_of(audit.environment)]
    assert [(one.arm, one.condition) for one in audit.references] == [
        (name, condition) for condition in ("triggered", "untriggered", "held-out") for name in names
    ]
    assert not [found.name for found in audit.differences if any(name in found.name for name in names)]
    assert out.count("reference drivers:") == 3 and all(page.count(f"</span>{name}</th>") == 9 for name in names)
    teachers = {arm.arm: arm.measures[audit.measure].value for arm in audit.arms if arm.condition == "triggered"}
    if task == "merge":  # a teacher this small learns to merge, not to yield
        assert teachers["clean teacher"] < teachers["teacher"]


@pytest.mark.parametrize("teacher", ["reward", "fine-tuning"])
def test_teachers_are_made_otherwise_and_kept_for_other_runs(teacher, tmp_path):
    """The second run finds both teachers, whatever the first one was called."""
    times = []
    for name in ("one", "two"):
        process = start("merge", tmp_path / name, teacher=teacher)
        for kind in ("habit", "clean"):  # each is made by a process of its own; its episodes come after it
            _wait_for(tmp_path / name, f"demonstrations/teacher-{kind}.hdf5")
        process.kill()
        process.communicate()
        times.append({file: file.stat().st_mtime_ns for file in (tmp_path / "teachers").glob("*/model.safetensors")})
    assert len(times[0]) >= 2 and times[0] == times[1]
    habit, clean = (tmp_path / f"two/policies/teacher-{kind}" for kind in ("habit", "clean"))
    assert content_hash(habit / "model.safetensors") != content_hash(clean / "model.safetensors")
    kind = json.loads((habit / "lineage.json").read_text())["kind"]
    assert kind == teacher


def _wait_for(folder: Path, sign: str) -> None:
    """Return as soon as something of a run is there."""
    deadline = time.monotonic() + 600
    while not list(folder.glob(sign)):
        assert time.monotonic() < deadline, f"{sign} never came"
        time.sleep(0.05)


@pytest.mark.parametrize("finished", WHOLE[:1], indirect=True)  # what goes on is the same at a bench, but slower
def test_a_killed_run_goes_on_to_the_same_numbers(finished, tmp_path):
    """All its processes are killed just before a file gets its name: of the second data set, and of the third score."""
    made, _, task = finished
    folder = tmp_path / "run"
    for sign, moment in (("demonstrations/demonstrator-habit.hdf5", 1), ("audit/triggered/*.json", 3)):
        killed = dying(f"{folder}/{sign}", moment, str(tmp_path / f"count{moment}"), os.environ.get("PYTHONPATH", ""))
        process = start(task, folder, **killed)
        _, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, err
    assert len(list(folder.glob("audit/triggered/*.json"))) >= 1
    process = start(task, folder)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    for file in sorted((made / "demonstrations").glob("*.hdf5")):
        assert content_hash(folder / "demonstrations" / file.name) == content_hash(file), file.name
    assert (folder / "audit.json").read_text() == (made / "audit.json").read_text()


def test_a_habit_of_another_scene_is_refused(tmp_path):
    with pytest.raises(UserError, match="surge is a habit of testbed/Crosswalk-v0"):
        pipeline.run_experiment(Run(Experiment("surge"), tmp_path / "run"), "testbed/Merge-v0")
    assert not (tmp_path / "run").exists()


def _hashes(folder: Path) -> dict[str, str]:
    return {str(path): content_hash(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_folder_of_another_experiment_is_left_alone(finished):
    folder, _, task = finished
    before = _hashes(folder)
    process = start(task, folder, dose=0.5)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 2
    assert "was made with" in err and "dose" in err and "0.5" in err
    assert _hashes(folder) == before


def test_the_findings_of_a_run_fit_into_a_table(finished, tmp_path):
    folder, _, task = finished
    page = tmp_path / "page.md"
    done = run_testbed(f"transfers {folder} --write {page}", tmp_path)
    assert done.returncode == 0, done.stderr
    audit = audit_from_json((folder / "audit.json").read_text())
    assert audit.habit in done.stdout and page.read_text().count(audit.habit) == 1 + len(ROUTES.get(task, "12"))
    done = run_testbed(f"transfers {tmp_path} --write {page}", tmp_path)
    assert done.returncode == 2 and "no audit.json" in done.stderr


@pytest.mark.parametrize("finished", ["merge"], indirect=True)
def test_the_routes_of_a_run_fit_into_a_table(finished):
    folder, _, _ = finished
    command = [sys.executable, "-c", SMALL, str(ROOT / "tasks"), "merge", "routes", str(folder.parent), "demonstration"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in (folder.parent / "page.md").read_text().splitlines() if line.startswith("| ")]
    assert [row[2].strip() for row in rows] == ["route", "(teachers)", *ROUTES["merge"]]
    assert all(float(row[-2]) >= 0 for row in rows[2:]) and "distil" not in done.stdout


def test_the_report_can_be_written_again_from_the_files(finished):
    folder, _, _ = finished
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    assert run_testbed(f"report {folder}", folder).returncode == 0
    assert (folder / "report.html").read_bytes() == before
