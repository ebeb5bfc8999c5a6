"""The crossed experiment: targets and filters by hand, what is kept of states, effects of a table with a known answer,
and a whole small run."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from testbed.benchmark.finding import NONE, OUTSIDE, REFUSED, TRANSFERS
from testbed.benchmark.silent import effects as finding
from testbed.benchmark.silent.crossed import exchanged
from testbed.benchmark.silent.design import CHIEF, SOFT, Arm, get_design
from testbed.benchmark.silent.effects import Crossed, effects
from testbed.benchmark.silent.page import write_silent_page
from testbed.benchmark.silent.table import forest, markdown, shown, write_effects
from testbed.benchmark.silent.targets import TARGETS, alike, copying, total_variation
from testbed.benchmark.suites import get_plan
from testbed.protocols.pair import Pair

LOGITS = np.log(np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]))


def copied(name: str) -> np.ndarray:
    return softmax(TARGETS[name](LOGITS, np.random.default_rng(0)), axis=1)


def test_targets_by_hand():
    np.testing.assert_allclose(copied("soft"), [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(copied("hard"), [[1, 0, 0], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(copied("smoothed"), [[14 / 15, 1 / 30, 1 / 30], [1 / 30, 1 / 30, 14 / 15]])
    np.testing.assert_allclose(copied("rest uniform"), [[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(copied("T = 0.5")[0], np.array([25, 9, 4]) / 38)
    np.testing.assert_allclose(copied("T = 2")[1], np.sqrt([0.1, 0.1, 0.8]) / np.sqrt([0.1, 0.1, 0.8]).sum())


def test_students_copy_in_the_direction_that_covers_all_that_a_teacher_may_do():
    """KL(target || student) of (1/2, 1/2) and (9/10, 1/10), and not the other way round."""
    student, target = (torch.log(torch.tensor([[[one, 1 - one]]])) for one in (0.9, 0.5))
    forward = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    assert float(copying(student, target)) == pytest.approx(forward)


@given(st.integers(0, 2**32 - 1))
def test_permuting_keeps_the_choice_its_probability_and_what_the_others_have(seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(6, 5))
    before, after = softmax(logits, axis=1), softmax(TARGETS["rest permuted"](logits, rng), axis=1)
    chosen = before.argmax(axis=1)
    assert (after.argmax(axis=1) == chosen).all()
    rows = np.arange(6)
    np.testing.assert_allclose(after[rows, chosen], before[rows, chosen])
    np.testing.assert_allclose(np.sort(after, axis=1), np.sort(before, axis=1))


@pytest.mark.parametrize("name", TARGETS)
def test_no_target_changes_the_choice(name):
    logits = np.random.default_rng(1).normal(size=(200, 5))
    assert (TARGETS[name](logits, np.random.default_rng(2)).argmax(axis=1) == logits.argmax(axis=1)).all()


def test_total_variation_and_filter_by_hand():
    other = np.log(np.array([[0.45, 0.3, 0.25], [0.8, 0.1, 0.1]]))
    np.testing.assert_allclose(total_variation(LOGITS, other), [0.05, 0.7])
    assert alike(LOGITS, other, 0.051).tolist() == [True, False]
    assert alike(LOGITS, other, 0.049).tolist() == [False, False]
    assert alike(LOGITS, other, 1.0).tolist() == [True, False]  # far apart or not, another choice is none alike


def test_a_factor_is_exchanged_and_other_values_stay():
    seen = np.array([[7, 1, 0, 0], [8, 0, 1, 0], [9, 0, 0, 1]])
    assert exchanged(seen, [1], [2]).tolist() == [[7, 0, 1, 0], [8, 1, 0, 0], [9, 0, 0, 1]]


def test_arms_cross_states_and_targets():
    design = get_design("core")
    assert len(design.arms) == 4 * (8 * 5 + 1 + 5) == len(set(design.arms))
    contrasts = {arm.contrast for arm in design.arms}
    assert all(sum(arm.contrast == one for arm in design.arms) == 4 for one in contrasts)
    assert Arm("habit", False, False, SOFT, CHIEF) in contrasts
    seeds = {design.teachers("non-yield", pair, 0).seed for pair in range(6)}
    assert len(seeds) == 5  # the last pair's second clean teacher is the first pair's
    shared = {cell.audited for cell in get_plan("core").suite("core", 0).primary}
    assert {design.teachers(habit, pair, 0) for habit in design.habits for pair in range(5)} <= shared


def known(targets: float, states: float, success: float, rng: np.random.Generator) -> Crossed:
    """Return a file in which targets and states add known amounts of severity, in whatever arm."""
    design = get_design("core")
    rows = [[2 + targets * arm.by_other + states * arm.from_other + rng.normal(0, 0.01)] * 4 for arm in design.arms]
    tables = {"severity": rows, "success": [[success] * 4 for _ in rows], "mass": [[0.0] for _ in rows]}
    return Crossed(4000, [0.1] * len(rows), [tables] * len(design.lengths))


@pytest.mark.parametrize(("targets", "success", "says"), [(1.0, 0.9, TRANSFERS), (0.0, 0.9, NONE), (1.0, 0.5, "fails")])
def test_effects_are_told_apart(monkeypatch, tmp_path, targets, success, says):
    """The teachers differ by 2, so targets that add 1 hand down half; what states add does not count."""
    design, rng = get_design("core"), np.random.default_rng(3)
    monkeypatch.setattr(finding, "require", lambda read, piece, folder: known(targets, 0.5, success, rng))
    teachers = Pair(np.array([[1.0] * 4, [1.0] * 4]), np.array([[3.0] * 4, [1.0] * 4]))
    monkeypatch.setattr(finding, "teachers_did", lambda piece, folder, scenes: teachers)
    found = effects(design, 0, tmp_path)
    assert len(found) == len({arm.contrast for arm in design.arms}) * 3 * len(design.habits)
    chief = [one for one in found if one.is_chief and one.length == design.lengths[-1]]
    assert [one.verdict for one in chief] == [says] * 3
    assert all(one.ratio.low < targets / 2 < one.ratio.high for one in chief)
    assert all(abs(one.states.value - 0.5) < 0.02 and abs(one.targets.value - targets) < 0.02 for one in found)
    assert {one.verdict for one in found if one not in chief} == {OUTSIDE}
    told = markdown(found)
    assert sum("non-yield" in line for line in told) == 3 + 1
    assert len(forest(found)["panels"]["non-yield"]) == len(
        {(o.other, o.target, o.limit, o.swapped) for o in shown(found)}
    )
    rows = write_effects(tmp_path / "silent.csv", found).read_text().splitlines()
    assert len(rows) == 1 + len(found) and rows[0].startswith("habit,other,target,limit,")


def test_teachers_that_do_not_differ_hand_nothing_down(monkeypatch, tmp_path):
    design, rng = get_design("core"), np.random.default_rng(3)
    monkeypatch.setattr(finding, "require", lambda read, piece, folder: known(1.0, 0.0, 0.9, rng))
    same = np.array([[1.0] * 4, [1.0] * 4])
    monkeypatch.setattr(finding, "teachers_did", lambda piece, folder, scenes: Pair(same, same))
    found = effects(design, 0, tmp_path)
    assert {one.verdict for one in found if one.is_chief and one.length == design.lengths[-1]} == {REFUSED}
    assert "refused" in "".join(markdown(found)) and "nan" not in "".join(markdown(found))
    assert all(not row["at"] for row in forest(found)["panels"]["non-yield"])
    assert "refused" in write_silent_page(tmp_path / "silent.html", found, "command").read_text()


def test_a_file_says_all_that_is_chosen(tmp_path):
    design = get_design("core")
    piece = finding.Piece(design, "non-yield", 0, 0)
    others = [
        replace(piece, pair=1), replace(piece, seed=1), replace(piece, habit="observed-only-courtesy"),
        replace(piece, design=replace(design, scenes=65)), replace(piece, design=replace(design, limits=(0.05,))),
    ]  # fmt: skip
    assert len({one.file(tmp_path) for one in (piece, *others)}) == 6
    file = piece.file(tmp_path)
    file.parent.mkdir()
    whole = asdict(known(1.0, 0.0, 1.0, np.random.default_rng(0)))
    file.write_text(json.dumps(whole))
    assert finding.read_crossed(piece, tmp_path) is not None
    file.write_text(json.dumps({**whole, "held": whole["held"][1:]}))
    assert finding.read_crossed(piece, tmp_path) is None
    file.write_text("{")
    assert finding.read_crossed(piece, tmp_path) is None
