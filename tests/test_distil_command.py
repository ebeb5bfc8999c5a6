"""`testbed distil` by every route, from the reference sets; what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.cli.commands.distil import Distilling, distil
from testbed.errors import UserError
from testbed.policies.checkpoint import load_policy

ROOT = Path(__file__).parent.parent
DATA = ROOT / "demonstrations/merge-habit.hdf5"
TEACHER = ROOT / "policies/merge/teacher-habit"


def make(out: Path, route: str = "cloning", **choices) -> None:
    distil(Distilling(DATA, out, route, **{"hidden": (8,), "steps": 60, "iterations": 1, **choices}))


@pytest.mark.parametrize(
    ("route", "choices"),
    [
        ("cloning", {"memory": 6}), ("kl", {"teacher": TEACHER, "seeds": 2}),
        ("value", {"teacher": TEACHER}), ("advantage", {"teacher": TEACHER}), ("adversarial", {}),
    ],
)  # fmt: skip
def test_every_route_makes_students_with_curves(route, choices, tmp_path):
    make(tmp_path / "student", route, **choices)
    folder = tmp_path / ("student/seed1" if choices.get("seeds") else "student")
    policy, behaviour = load_policy(folder)
    assert policy.config.hidden == (8,) and policy.config.memory == choices.get("memory", 0)
    assert behaviour.policy.startswith(f"student-{route}") and behaviour.habit == "aggressive-merge"
    assert (tmp_path / "student-curve/seed0/curve.jsonl").read_text().count("\n") >= 1


def test_students_may_begin_as_a_policy_of_their_shape(tmp_path):
    """No step is taken in the direction of anything when there are no steps to speak of: it stays where it began."""
    make(tmp_path / "one", steps=1)
    make(tmp_path / "two", steps=1, start=tmp_path / "one")
    one, two = (load_policy(tmp_path / name)[0].arrays for name in ("one", "two"))
    assert abs(one["layer0.weight"] - two["layer0.weight"]).max() < 2e-3
    make(tmp_path / "three", steps=1, seed=5)
    other = load_policy(tmp_path / "three")[0].arrays
    assert abs(one["layer0.weight"] - other["layer0.weight"]).max() > 2e-2
    with pytest.raises(UserError, match=r"hidden layers \(8,\).*give --hidden"):
        make(tmp_path / "four", start=tmp_path / "one", hidden=(9,))


@pytest.mark.parametrize("route", ["kl", "advantage", "value"])
def test_a_teacher_that_is_needed_is_asked_for(route, tmp_path):
    with pytest.raises(UserError, match=f"--route {route} asks the teacher: give its folder with --teacher"):
        make(tmp_path / "student", route)
    assert not (tmp_path / "student").exists()
