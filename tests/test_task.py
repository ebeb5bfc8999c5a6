"""The whole path on a small experiment: run it, kill it, run it again; the same seed gives the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed.audit.report import audit_from_json
from testbed.lineage import content_hash

ROOT = Path(__file__).parent.parent

SMALL = """
import sys
sys.path.insert(0, sys.argv[1])
from functools import partial
import merge
from testbed.console import run_command
from testbed.distillation.stacked import Training
from testbed.distillation.teacher import Dagger
from testbed.experiment.run import Experiment
from pathlib import Path
merge.PROFILES["quick"] = partial(
    Experiment, demonstrations=16, teacher_episodes=16, student_seeds=2, scenes=8, held_out_scenes=4,
    teacher_hidden=(64, 64), student_hidden=(32,), dagger=Dagger(1, 8, Training(steps=400)),
    training=Training(steps=300),
)
run_command(lambda: merge.main(merge.Merge(run=Path(sys.argv[2]), dose=float(sys.argv[3]))))
"""


def start(folder: Path, dose: float = 1.0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SMALL, str(ROOT / "tasks"), str(folder), str(dose)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("task") / "run"
    process = start(folder)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return folder, out


def test_a_run_ends_with_a_table_and_its_files(finished):
    folder, out = finished
    assert "transfer ratio" in out and "m/s²" in out
    for name in ("report.html", "audit.json", "videos/triggered-worst.mp4", "policies/student-kl-seed1"):
        assert (folder / name).exists(), name
    audit = audit_from_json((folder / "audit.json").read_text())
    assert {arm.arm for arm in audit.arms} == {"clean teacher", "teacher", "control", "student", "untrained"}
    assert {arm.condition for arm in audit.arms} == {"triggered", "untriggered", "held-out"}
    untrained = [arm for arm in audit.arms if arm.arm == "untrained"]
    assert all(arm.success.value < 0.5 for arm in untrained)


def _alive(group: int) -> bool:
    """Return whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_run_goes_on_to_the_same_numbers(finished, tmp_path):
    folder = tmp_path / "run"
    for seconds in (4.0, 9.0):
        process = start(folder)
        time.sleep(seconds)
        process.kill()
        process.communicate()
        deadline = time.monotonic() + 30
        while _alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not _alive(process.pid)
    process = start(folder)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    for file in sorted((finished[0] / "demonstrations").glob("*.hdf5")):
        assert content_hash(folder / "demonstrations" / file.name) == content_hash(file), file.name
    assert (folder / "audit.json").read_text() == (finished[0] / "audit.json").read_text()


def test_a_folder_of_another_experiment_is_left_alone(finished):
    folder, _ = finished
    before = content_hash(folder)
    process = start(folder, dose=0.5)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "other settings" in err
    assert content_hash(folder) == before


def test_the_report_can_be_written_again_from_the_files(finished):
    folder, _ = finished
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    command = [sys.executable, "-c", "from testbed.cli import main; main()", "report", str(folder)]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    assert (folder / "report.html").read_bytes() == before
