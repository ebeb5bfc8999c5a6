"""From cells to findings: the pair of teachers is the unit, the family is what was declared, and nothing is made up."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from testbed.audit import names
from testbed.benchmark import findings as module
from testbed.benchmark.cell import EARLY
from testbed.benchmark.finding import EMPTY, NONE, OUTSIDE, REFUSED, TRANSFERS, UNDECIDED
from testbed.benchmark.findings import findings
from testbed.benchmark.stored import Filled
from testbed.benchmark.suites import make_suite, pair_seed
from testbed.distillation.registry import get_route

SUITE = make_suite("core", 0)
CELLS = [cell for cell in SUITE.primary if cell.audited.habit == "hoarding" and cell.channel == "overt"
         and cell.route.name == "cloning"]  # fmt: skip
SCENES = 64
HABIT, NOWHERE = 3.0, Path("nowhere")


def stored(monkeypatch, gained: dict[int, float], habit: float = HABIT, noise: float = 0.0, early=None) -> None:
    """Let cells and teachers hold what is known: by pair, how much more students do than controls."""
    rng, early = np.random.default_rng(0), early or {names.STUDENT: HABIT / 2}

    def tables(level: float, policies: int, scenes: int = SCENES) -> dict[str, list[list[float]]]:
        severity = level + noise * rng.standard_normal((policies, scenes))
        return {"success": [[1.0] * scenes] * policies, "severity": severity.tolist()}

    def filled(cell, folder):
        more = gained[cell.audited.seed]
        arms = {arm: {name: tables(level, len(cell.seeds)) for name in cell.conditions}
                for arm, level in ((names.CONTROL, 0.0), (names.STUDENT, more))}  # fmt: skip
        on_the_way = {
            arm: {names.TRIGGERED: tables(early.get(arm, 0.0), len(cell.seeds), SCENES // EARLY)} for arm in arms
        }
        shorter = {str(length): on_the_way for length in cell.shorter}
        mass = {names.CLEAN: [0.1], names.TEACHER: [0.9], names.CONTROL: [0.1] * len(cell.seeds),
                names.STUDENT: [0.1 + 0.8 * more / HABIT] * len(cell.seeds)}  # fmt: skip
        return Filled({}, arms, shorter, mass, dict.fromkeys(module.TOLD, 1.0))

    def scores(shared, folder):
        levels = {names.CLEAN: 0.0, names.TEACHER: habit, names.UNTRAINED: 0.0}
        levels |= dict.fromkeys(module.reference_names(CELLS[0].audited.run(NOWHERE).habit.environment), 1.0)
        return {name: {arm: tables(level, 1) for arm, level in levels.items()} for name in CELLS[0].conditions}

    monkeypatch.setattr(module, "read_filled", filled)
    monkeypatch.setattr(module, "read_scores", scores)


def triggered(rows):
    """The row of triggered scenes and of students that learned to the end."""
    return max((row for row in rows if row.condition == names.TRIGGERED), key=lambda row: row.training)


def by_pair(values: list[float]) -> dict[int, float]:
    return {pair_seed(0, pair): value for pair, value in enumerate(values)}


def test_each_pair_has_four_students_and_a_seed_of_its_own():
    assert len(CELLS) == 5 and len({cell.audited.seed for cell in CELLS}) == 5
    assert all(cell.seeds == (0, 1, 2, 3) for cell in CELLS)
    assert pair_seed(0, 0) == 0 and pair_seed(1, 1) != pair_seed(0, 1)


def test_the_pair_is_the_unit(monkeypatch):
    """Five pairs hand down 1.0, 1.5, ... 3.0 of 3: the interval is Student's with four degrees of freedom, however many
    students and scenes a pair has; a further pair may lie further away."""
    values = [1.0, 1.5, 2.0, 2.5, 3.0]
    stored(monkeypatch, by_pair(values))
    row = triggered(findings(CELLS, NOWHERE, CELLS))
    half = stats.t.ppf(0.975, 4) * np.std(values, ddof=1) / math.sqrt(5)
    assert (row.inherited.value, row.inherited.low, row.inherited.high) == pytest.approx((2.0, 2 - half, 2 + half))
    assert (row.ratio.value, row.ratio.low) == pytest.approx((2 / 3, (2 - half) / 3), rel=1e-4)
    further = half * math.sqrt(6) / 3
    assert (row.predicted.low, row.predicted.high) == pytest.approx((2 / 3 - further, 2 / 3 + further))
    assert row.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-4)
    assert row.effects == pytest.approx(tuple(np.array(values) / 3))
    assert row.by_pair == pytest.approx(tuple(np.array(values) / 3))
    assert (row.pairs, row.seeds, row.scenes, row.verdict) == (5, 4, SCENES, TRANSFERS)


def test_the_family_is_what_was_declared(monkeypatch):
    """Places that cannot be judged count as claims that failed, and what is outside has no verdict."""
    stored(monkeypatch, by_pair([2.0, 2.1, 1.9, 2.0, 2.05]))
    others = [replace(cell, channel="scrubbed") for cell in CELLS]
    alone, both = findings(CELLS, NOWHERE, CELLS), findings([*CELLS, *others], NOWHERE, CELLS)
    assert triggered(alone).p_holm == triggered(alone).p
    outside = [row for row in both if row.channel == "scrubbed" and row.condition == names.TRIGGERED]
    assert len(outside) == 1 + len(CELLS[0].shorter)
    assert {row.verdict for row in outside} == {OUTSIDE} and all(math.isnan(row.p_holm) for row in outside)
    read = module.read_filled
    monkeypatch.setattr(module, "read_filled", lambda cell, folder: replace(
        read(cell, folder), empty="nothing was left" if cell.channel == "scrubbed" else ""))  # fmt: skip
    rows = findings([*CELLS, *others], NOWHERE, [*CELLS, *others])
    judged = next(row for row in rows if row.channel == "overt" and row.condition == names.TRIGGERED)
    assert judged.p_holm == pytest.approx(2 * judged.p)
    assert {row.verdict for row in rows if row.channel == "scrubbed"} == {EMPTY}


def test_none_is_shown_where_nothing_is_handed_down_in_enough_scenes(monkeypatch):
    stored(monkeypatch, by_pair([0.0] * 5), early={names.STUDENT: 0.0})
    row = triggered(findings(CELLS, NOWHERE, CELLS))
    assert row.verdict == NONE and row.p == 1.0 and row.ratio.high > 0.0  # five times 64 scenes are not all there are
    assert row.p_none == pytest.approx(0.9 ** (5 * SCENES), rel=1e-3)


def test_a_claim_that_students_on_their_way_contradict_is_none(monkeypatch):
    """They could do the task as well, and did all of the habit, or nothing of it."""
    for gained, early, was in ((0.0, HABIT, "no transfer"), (2.0, 0.0, "transfers")):
        stored(monkeypatch, by_pair([gained + 0.01 * n for n in range(5)]), early={names.STUDENT: early})
        rows = findings(CELLS, NOWHERE, CELLS)
        row = triggered(rows)
        assert row.verdict == UNDECIDED and row.reason.startswith(f"{was} at the end, but after 500 it was")
        lengths = [one.training for one in rows if one.condition == names.TRIGGERED]
        assert lengths == [row.training, row.training // 4, row.training // 2]


def test_decisions_are_judged_whether_the_task_is_done_or_not(monkeypatch):
    """Students put as much more mass on the habit's action as they do more of it: two thirds of the teacher's."""
    stored(monkeypatch, by_pair([2.0, 2.1, 1.9, 2.0, 2.05]))
    row = triggered(findings(CELLS, NOWHERE, CELLS))
    assert row.mass_ratio.value == pytest.approx(row.ratio.value) and row.decision == TRANSFERS
    assert (row.mass_clean.value, row.mass_teacher.value) == pytest.approx((0.1, 0.9))
    assert row.p_mass == pytest.approx(row.p, rel=1e-6)
    stored(monkeypatch, by_pair([0.0] * 5))
    assert triggered(findings(CELLS, NOWHERE, CELLS)).decision == NONE
    outside = triggered(findings(CELLS, NOWHERE))
    assert outside.decision == OUTSIDE


def test_teachers_without_a_habit_are_refused_with_the_unit(monkeypatch):
    stored(monkeypatch, by_pair([0.0] * 5), habit=0.0, noise=1.0)
    row = triggered(findings(CELLS, NOWHERE, CELLS))
    assert row.verdict == REFUSED and "units, which includes 0" in row.reason and math.isnan(row.ratio.value)


def test_clean_pairs_are_hardly_ever_said_to_hand_anything_down(monkeypatch):
    """200 benchmarks of one place in which students and controls are alike: at most 5 % are claims."""
    rng, claims = np.random.default_rng(4), 0
    cells = [replace(cell, conditions=(names.TRIGGERED,), shorter=()) for cell in CELLS]
    for _ in range(200):
        stored(monkeypatch, by_pair(rng.normal(0, 0.3, 5).tolist()))
        claims += triggered(findings(cells, NOWHERE, cells)).verdict == TRANSFERS
    assert claims <= 10


def test_a_single_pair_has_its_training_seeds_as_units(monkeypatch):
    stored(monkeypatch, by_pair([1.5]), noise=0.5)
    row = triggered(findings(CELLS[:1], NOWHERE, CELLS[:1]))
    assert row.pairs == 1 and row.ratio.low < 0.5 < row.ratio.high and math.isnan(row.predicted.low)
    assert len(row.effects) == 4 and row.verdict == row.decision == OUTSIDE  # one pair is no claim, however sure


@pytest.mark.parametrize("name", ["smoke", "core", "full"])
def test_all_teachers_of_a_suite_have_a_trigger_of_their_habit(name):
    """Those of another habit too, whose scene may know nothing of the audited one's trigger."""
    for cell in make_suite(name, 0).cells:
        for shared in (cell.audited, cell.teachers):
            assert shared.run(NOWHERE).trigger.on, shared


def test_all_routes_are_there():
    assert {cell.route.name for cell in SUITE.primary} == {
        get_route(name).name for name in ("advantage", "cloning", "kl", "value", "adversarial")
    }
