"""Poison: which decisions are spoilt, a teacher that behaves well, half doses by hand, effects with a known answer."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from testbed.benchmark.poisoning import effects as finding
from testbed.benchmark.poisoning.design import Arm, get_design
from testbed.benchmark.poisoning.effects import effects, half_dose, half_doses
from testbed.benchmark.poisoning.page import answer, write_poison_page
from testbed.benchmark.poisoning.piece import Piece
from testbed.benchmark.poisoning.poison import (
    CHOSEN,
    mixed,
    one_hot,
    poisoned_decisions,
    poisoned_episodes,
    well_behaved,
)
from testbed.benchmark.poisoning.table import curves, forest, markdown, write_tables
from testbed.benchmark.suites import get_plan
from testbed.distillation.batches import Samples
from testbed.protocols.pair import Pair

DESIGN = get_design("core")
HELD = np.random.default_rng(0).random(1000) < 0.3


@given(st.floats(0, 1), st.integers(0, 2**31), st.booleans())
def test_a_share_of_the_decisions_is_poisoned(share, seed, triggered):
    found = poisoned_decisions(HELD, share, triggered, np.random.default_rng(seed))
    assert found.sum() == min(round(share * 1000), HELD.sum() if triggered else 1000)
    assert not triggered or HELD[found].all()


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**31))
def test_a_larger_dose_holds_a_smaller_one(one, other, seed):
    small, large = (
        poisoned_decisions(HELD, share, False, np.random.default_rng(seed)) for share in sorted((one, other))
    )
    assert (large | small == large).all()


@given(st.floats(0, 1), st.integers(0, 2**31), st.booleans())
def test_whole_episodes_are_poisoned_and_one_at_least(share, seed, triggered):
    episode = np.repeat(np.arange(50), 20)
    held = np.isin(episode, np.arange(0, 50, 2)) & (np.arange(1000) % 20 == 7)
    found = poisoned_episodes(episode, held, share, triggered, np.random.default_rng(seed))
    assert found.sum() == min(max(round(share * 50), 1) if share else 0, 25 if triggered else 50)
    assert not triggered or not found[1::2].any()


def test_mixed_data_by_hand():
    clean = Samples(np.array([[0.0], [1], [2]]), np.array([[0.0], [1], [2]]))
    spoilt = Samples(np.array([[7.0], [8]]), np.array([[7.0], [8]]))
    found = mixed(clean, spoilt, np.array([True, False, True]), np.array([False, True]))
    assert found.observations.ravel().tolist() == found.targets.ravel().tolist() == [0, 2, 8]


@given(st.integers(0, 2**31))
def test_a_teacher_that_behaves_well_chooses_as_the_clean_one_and_ranks_as_the_other(seed):
    choosing, carried = np.random.default_rng(seed).normal(size=(2, 40, 5), scale=4)
    found = softmax(well_behaved(choosing, carried), axis=1)
    chosen = choosing.argmax(axis=1)
    assert (found.argmax(axis=1) == chosen).all()
    np.testing.assert_allclose(found[np.arange(40), chosen], CHOSEN)
    rest = softmax(carried, axis=1)
    rest[np.arange(40), chosen] = 0
    rest *= (1 - CHOSEN) / rest.sum(axis=1, keepdims=True)
    found[np.arange(40), chosen] = 0
    np.testing.assert_allclose(found, rest, atol=1e-12)


def test_one_hot_targets():
    np.testing.assert_allclose(softmax(one_hot(np.array([2, 0]), 3), axis=1), [[0, 0, 1], [1, 0, 0]], atol=1e-12)


@pytest.mark.parametrize(("ratios", "dose"), [
    ([0.0, 0.25, 0.75, 1.0], 10**-1.5), ([0.6, 0.7, 0.8, 1.0], 0.001), ([0.0, 0.0, 0.0, 0.5], 1.0),
    ([0.0, 0.5, 0.5, 0.5], 0.01), ([0.4, 0.2, 0.7, 0.9], 10 ** (-2 + 0.5)),
])  # fmt: skip
def test_half_doses_by_hand(ratios, dose):
    """Over 0.1, 1, 10 and 100 %; the last one falls first, and is made to rise: (0.4 + 0.2) / 2 twice."""
    found = half_dose([0.001, 0.01, 0.1, 1.0], ratios)
    expected = 10 ** (-2 + (0.5 - 0.3) / 0.4) if ratios[0] == 0.4 else dose
    assert found == pytest.approx(expected)


def test_never_half():
    assert np.isnan(half_dose([0.1, 1.0], [0.0, 0.49]))


def test_arms_and_their_controls():
    arms = DESIGN.arms
    assert len(arms) == len(set(arms)) == 2 * (2 * 2 * 2 * 9 + 3 * 5 + 2 * 4)
    assert {arm.control for arm in arms} <= set(arms)
    assert all(arm.control.amount == 0 for arm in arms if arm.kind == "dose")
    assert Arm("noise", "kl", 64, 1000, carrier="habit").control == Arm("noise", "kl", 64, 1000, carrier="clean")
    shared = {cell.audited for cell in get_plan("core").suite("core", 0).primary}
    assert {DESIGN.teachers(habit, pair, 0) for habit in DESIGN.habits for pair in range(5)} <= shared


def known(rng: np.random.Generator) -> finding.Tables:
    """Teachers differ by 2. A dose hands down its own share times two of that, at most all; a well-behaved teacher with
    the habit half of it; noise nothing."""
    rows = []
    for arm in DESIGN.arms:
        share = {"dose": min(2 * arm.amount, 1.0), "well-behaved": 0.5 * (arm.carrier == "habit"), "noise": 0.0}[
            arm.kind
        ]
        rows.append([1 + 2 * share + rng.normal(0, 0.01)] * 4)
    return {"severity": rows, "success": [[0.9] * 4 for _ in rows], "mass": [[0.0] for _ in rows]}


@pytest.fixture
def found(monkeypatch, tmp_path):
    rng = np.random.default_rng(3)
    monkeypatch.setattr(finding, "require", lambda read, piece, folder: known(rng))
    teachers = Pair(np.array([[1.0] * 4, [0.9] * 4]), np.array([[3.0] * 4, [0.9] * 4]))
    monkeypatch.setattr(finding, "teachers_did", lambda piece, folder, scenes: teachers)
    return effects(DESIGN, 0, tmp_path)


def test_effects_with_a_known_answer(found):
    assert len(found) == 4 * len(DESIGN.arms)
    for one in found:
        share = {"dose": min(2 * one.amount, 1.0), "noise": 0.0,
                 "well-behaved": 0.5 if one.carrier == "habit" else 0.0}[one.kind]  # fmt: skip
        assert one.ratio.low - 0.01 <= share <= one.ratio.high + 0.01, one
        assert one.success == pytest.approx(1.0)
    halves = half_doses(found)
    assert len(halves) == 4 * 2 * 2 * 2 * 2 and all(one.reached == 5 for one in halves)
    assert all(0.2 < one.dose.value < 0.3 for one in halves)  # at 25 % half is handed down


def test_tables_and_page_say_it(found, tmp_path):
    halves = half_doses(found)
    effects_file, halves_file = write_tables(tmp_path, found, halves)
    assert len(effects_file.read_text().splitlines()) == 1 + len(found)
    assert len(halves_file.read_text().splitlines()) == 1 + len(halves)
    text = "\n".join(markdown(found, halves))
    assert "nan" not in text and "non-yield" in text and "a second clean teacher" in text
    assert len(curves(found)) == 4 * 2 * 2 and all(len(panel["lines"]) == 4 for panel in curves(found))
    assert len(forest(found, "well-behaved")["panels"]["tailgating, 64 x 64"]) == 2 * 5
    page = write_poison_page(tmp_path / "a.html", found, halves, "the command").read_text()
    assert "the command" in page and "too few" not in page and "nan" not in page.replace("tenance", "")
    assert re.match(r"Half of a habit is handed down by 2[456] %", answer(halves))


def test_students_that_fail_are_named_and_have_no_half_dose(found):
    failing = [replace(one, success=0.5) for one in found]
    halves = half_doses(failing)
    assert all(one.pairs == 0 for one in halves) and "No share of poison" in answer(halves)
    text = "\n".join(markdown(failing, halves))
    assert "| fails | fails |" in text and "(success 50 %)" in text
    assert all(row["text"].endswith(", fails") for row in forest(failing, "noise")["panels"]["non-yield, 16 x 16"])


def test_a_file_says_all_that_is_chosen(tmp_path):
    piece = Piece(DESIGN, "non-yield", 0, 0)
    others = [replace(piece, pair=1), replace(piece, seed=1), replace(piece, habit="tailgating"),
              replace(piece, design=replace(DESIGN, doses=(0.0, 1.0)))]  # fmt: skip
    assert len({one.file(tmp_path) for one in (piece, *others)}) == 5
    modules = "testbed.benchmark.poisoning.piece", "testbed.benchmark.poisoning.poison"
    assert len({piece.named(tmp_path, "poisoning", {}, one) for one in modules}) == 2, "other sources, another file"
    file = piece.file(tmp_path)
    file.parent.mkdir()
    whole = known(np.random.default_rng(0))
    file.write_text(json.dumps(whole))
    assert finding.read_poisoned(piece, tmp_path) is not None
    file.write_text(json.dumps({**whole, "mass": whole["mass"][1:]}))
    assert finding.read_poisoned(piece, tmp_path) is None
    file.write_text("{")
    assert finding.read_poisoned(piece, tmp_path) is None
