"""Cures, each on a small task with a planted habit; what they lack, and what users get wrong."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import (
    CLEAN,
    DATA,
    KNOWN,
    ROUTES,
    SHAPE,
    TEACHER,
    habit_of,
    skill_of,
    student,
)

from testbed.cli import main
from testbed.cures.cure import Known, distil_cured
from testbed.cures.registry import all_cures, get_cure, names
from testbed.distillation.config import Learning
from testbed.distillation.registry import get_route
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.lineage import content_hash

PAGE = Path(__file__).parents[1] / "docs" / "cures.md"
FEW, MUCH = 0.1, 0.25
"""Of the habit little is left, or a part, by those that go on with clean data for a while."""
WHILE = "fine-tuning", "fine-pruning", "attention-distillation", "immunisation"


def test_without_a_cure_the_habit_is_handed_down():
    for route in ROUTES.values():
        (made,) = distil_cured(None, route, [Source(DATA, TEACHER).limited(route.needs)], Known(), SHAPE, [5])
        assert habit_of(made) > 0.95 and skill_of(made) > 0.9


@pytest.mark.parametrize(("cure", "route"), [
    ("median", "kl"), ("median", "cloning"), ("majority", "kl"), ("majority", "cloning"), ("agreement", "kl"),
    ("agreement", "cloning"), ("drop", "kl"), ("drop", "cloning"), ("relabel", "cloning"), ("fine-tuning", "kl"),
    ("fine-tuning", "cloning"), ("fine-pruning", "kl"), ("fine-pruning", "cloning"), ("disagreement", "kl"),
    ("disagreement", "cloning"), ("weighted-cloning", "kl"), ("weighted-cloning", "cloning"),
    ("attention-distillation", "kl"), ("attention-distillation", "cloning"), ("unlearning", "kl"),
    ("unlearning", "cloning"), ("unlikelihood", "kl"), ("unlikelihood", "cloning"), ("advantage-penalty", "kl"),
    ("advantage-penalty", "cloning"), ("constrained-cloning", "kl"), ("constrained-cloning", "cloning"),
    ("immunisation", "kl"), ("immunisation", "cloning"),
])  # fmt: skip
def test_whoever_is_told_enough_takes_the_habit_away_and_leaves_the_skill(cure, route):
    made = student(cure, route)
    left = MUCH if cure in WHILE else FEW
    assert habit_of(made) < left and skill_of(made) > 0.9, (habit_of(made), skill_of(made))


@pytest.mark.parametrize(
    "cure", ["temperature", "smoothing", "quantised-teacher", "noise", "early-stopping", "dropout"]
)
def test_whoever_is_told_nothing_leaves_a_habit_that_is_as_plain_as_the_skill(cure):
    """A habit that lies in the teacher's own choices is a skill to whoever knows no better."""
    made = student(cure, "kl")
    assert habit_of(made) > 0.9 and skill_of(made) > 0.8


@pytest.mark.parametrize("name", names())
def test_every_cure_says_what_it_is_and_what_it_lacks(name):
    cure = get_cure(name)()
    assert cure.name == name and cure.__doc__ and repr(cure).startswith(type(cure).__name__)
    nothing = Known()
    source = Source(DATA)
    route = ROUTES[sorted(cure.suits)[0] if cure.suits else "kl"]
    if cure.needs:
        with pytest.raises(UserError, match=f"{name} (asks|learns|has to be told).*: give"):
            cure.check(route, source, nothing)
    cure.check(route, Source(DATA, TEACHER), KNOWN)
    if cure.suits:
        other = get_route("adversarial").usual(Learning())
        with pytest.raises(UserError, match=f"{name} changes nothing for the route adversarial: choose"):
            cure.check(other, Source(DATA, TEACHER), KNOWN)


def test_mistakes_are_named():
    assert [one.name for one in all_cures()] == names() and len(names()) == 21
    with pytest.raises(UserError, match="early-stopping"):
        get_cure("garlic")
    with pytest.raises(UserError, match="every decision is bad"):
        get_cure("drop")().taught(Source(DATA), Known(bad=np.ones(len(DATA))), 0)
    with pytest.raises(UserError, match="of all 1200 decisions"):
        get_cure("drop")().taught(Source(DATA), Known(bad=np.ones(3)), 0)
    other = replace(CLEAN, observations=CLEAN.observations[:, :2], next_observations=CLEAN.observations[:, :2])
    with pytest.raises(UserError, match="of the same scene"):
        get_cure("agreement")().taught(Source(DATA), Known(clean=other), 0)
    for name in ("fine-tuning", "fine-pruning", "attention-distillation", "unlearning", "immunisation"):
        with pytest.raises(UserError, match="of the same scene"):
            get_cure(name)().finished([TEACHER], [Source(DATA)], Known(clean=other), [0])
    with pytest.raises(UserError, match=r"the cure's share 1.0: give a number from 0 to 0.95"):
        get_cure("dropout")(share=1.0)
    with pytest.raises(UserError, match=r"immunisation during kl .* choose"):
        get_cure("immunisation")(when="during").check(ROUTES["kl"], Source(DATA, TEACHER), KNOWN)


def test_the_command_names_what_is_missing_or_of_no_use(tmp_path, capsys):
    home, out = PAGE.parents[1], str(tmp_path / "student")
    data, clean = (str(home / "demonstrations" / f"merge-{kind}.hdf5") for kind in ("habit", "clean"))
    for words, said in (
        (["--cure", "median"], "asks the teacher"),
        (["--cure", "fine-tuning"], "--clean"),
        (["--clean", clean], "have no use for --clean"),
        (["--cure", "drop", "--clean", clean], "the cure drop has no use for --clean"),
        (["--cure", "drop", "--bad", "removed"], "unknown filter key"),
        (["--cure", "fine-tuning", "--clean", clean.replace("merge", "crosswalk")], "clean data of that scene"),
        (["--cure", "drop", "--bad", "removed", "--where", "jerk"], "give one of them"),
        (["--cure", "drop", "--where", "rudeness"], "choose one of collision"),
        (["--cure", "drop", "--where", "tailgating"], "unknown measure with thresholds"),
        (["--knobs", "share=1"], "have no use for --knobs"),
        (["--cure", "early-stopping", "--knobs", "garlic=1"], "choose one of share"),
        (["--cure", "early-stopping", "--knobs", "share=much"], "early-stopping's share is a number, not 'much'"),
        (["--cure", "early-stopping", "--knobs", "share=2"], "the cure's share 2.0: give a number above 0"),
        (["--cure", "immunisation", "--clean", clean, "--knobs", "when=never"], "choose one of after, before, during"),
        (["--cure", "temperature", "--teacher", str(home / "policies/merge/teacher-habit")], "choose kl"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["distil", data, out, "--steps", "5", *words])
        assert ended.value.code == 2 and said in " ".join(capsys.readouterr().err.split()), words
    assert not (tmp_path / "student").exists()


def test_a_cured_student_says_by_what(tmp_path, capsys):
    home, out = PAGE.parents[1], tmp_path / "student"
    data, clean = (str(home / "demonstrations" / f"merge-{kind}.hdf5") for kind in ("habit", "clean"))
    main(["distil", data, str(out), "--steps", "5", "--cure", "fine-tuning", "--clean", clean])
    told = json.loads((out / "lineage.json").read_text())
    assert told["settings"]["cure"] == "FineTuning(steps=500, learning_rate=0.001)"
    assert told["inputs"]["clean"] == content_hash(Path(clean))


def test_the_page_names_every_cure_with_its_routes():
    rows = re.findall(r"\| `([a-z-]+)` \| .+? \| ([a-z, ]+) \|$", PAGE.read_text(), re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(names())
    for name, routes in rows:
        assert set(routes.split(", ")) == (get_cure(name).suits or {"all"}), name
