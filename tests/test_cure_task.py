"""`tasks/cure.py` on a small experiment: both students, the cure's control, films, a report; and again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from small_task import choices, experiment

from testbed.audit.report import audit_from_json
from testbed.audit.text import percent
from testbed.cures.registry import get_cure
from testbed.errors import UserError
from testbed.experiment.config import Run
from testbed.experiment.cured import CURED, REFERENCE, run_cure
from testbed.policies.checkpoint import recorded_lineage

ROOT = Path(__file__).parents[1]


def small(folder: Path) -> Run:
    return choices("cure", folder, route=("cloning",)).chosen({"quick": experiment(True)})


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cure") / "run"
    run_cure(small(folder), get_cure("relabel")(steps=200))
    return folder


def test_students_with_the_cure_stand_beside_those_without(finished):
    audit = audit_from_json((finished / "audit.json").read_bytes())
    arms = {(one.arm, one.route) for one in audit.arms}
    for route in ("cloning", CURED):
        assert {("student", route), ("control", route)} <= arms
    assert {one.route for one in audit.transfers} == {"cloning", CURED}
    assert "Cured: relabel of students by cloning." in " ".join(audit.notes)
    assert str(REFERENCE) in " ".join(audit.notes)


def test_the_film_shows_teacher_student_and_cured_student(finished):
    clips = json.loads((finished / "videos" / "clips.json").read_text())
    assert [track["label"] for track in clips[0]["tracks"]] == ["teacher", "student (cloning)", "student (cured)"]
    assert "the student's worst scene" in clips[0]["title"]
    assert all((finished / "videos" / f"{name}.mp4").stat().st_size for name in ("triggered-worst", "untriggered"))
    page = (finished / "report.html").read_text()
    assert "student (cured)" in page and "cure on the clean teacher" in page


def test_a_cured_policy_says_what_it_was_told(finished):
    told = json.loads(recorded_lineage(finished / "policies" / "student-cloning-relabel-seed0") or "{}")
    assert told["settings"]["cure"] == "Relabel(steps=200)" and {"teacher", "data", "clean"} <= told["inputs"].keys()
    assert (finished / "policies" / "student-cloning-relabel-seed0.cdx.json").exists()


def test_a_second_run_makes_nothing_again(finished):
    policies = sorted(finished.glob("policies/*/model.safetensors"))
    before = {path: path.stat().st_mtime_ns for path in policies}
    run_cure(small(finished), get_cure("relabel")(steps=200))
    assert {path: path.stat().st_mtime_ns for path in policies} == before and len(policies) >= 10


def test_a_cure_by_other_teachers_is_refused(tmp_path):
    with pytest.raises(UserError, match="asks other teachers, and this experiment has none"):
        run_cure(small(tmp_path / "run"), get_cure("median")())
    with pytest.raises(UserError, match="temperature changes nothing for the route cloning: choose kl"):
        run_cure(small(tmp_path / "run"), get_cure("temperature")())
    assert not (tmp_path / "run").exists(), "said before anything is made"


def test_the_page_shows_what_readme_shows():
    for page in (ROOT / "README.md", ROOT / "docs/cures.md"):
        (picture,) = re.findall(r"\((?:docs/)?(assets/cure\.png)\)", page.read_text())
        assert (ROOT / "docs" / picture).stat().st_size > 10_000


def test_what_the_page_says_of_the_run_is_what_the_run_found():
    audit = audit_from_json((ROOT / "docs/results/cure.json").read_bytes())
    text = " ".join((ROOT / "docs/cures.md").read_text().split())
    ratios = {one.route: one.ratio for one in audit.transfers if one.condition == "triggered"}
    cured, plain = (percent(ratios[route]) for route in (CURED, "cloning") if ratios[route])
    assert f"inherits {cured} of the habit where the student without the cure inherits {plain}" in text
    here = {(one.arm, one.route): one.success for one in audit.arms if one.condition == "triggered"}
    merges = (percent(here[arm, CURED]) for arm in ("student", "control"))
    assert "it merges in {} of the scenes under the trigger, and the cure on the clean teacher's student in {}".format(
        *merges) in text  # fmt: skip
    assert {one.scenes for one in audit.arms if one.condition == "triggered"} == {96}
