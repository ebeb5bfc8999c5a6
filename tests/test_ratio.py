"""Transfer ratios: refused, covered, told from none, and what few scenes cannot show."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testbed.audit import compare, names
from testbed.audit.ratio import equivalence, ratio_interval, transfer_ratio, unseen
from testbed.audit.statistics import Unseen, mean_interval, student
from testbed.scenes.registry import primary_of

SCENES, TRIALS = 60, 300
NOTHING = Unseen(0.0, 1)


def test_fiellers_interval_is_that_of_the_formula():
    """Of a row of pairs of means it is the two roots of (a - r b)^2 = t^2 (s_aa - 2 r s_ab + r^2 s_bb) / n."""
    rng = np.random.default_rng(1)
    b = rng.normal(3, 1, 30)
    a = 0.5 * b + rng.normal(0, 1, 30)
    found = ratio_interval(a[None], b[None], NOTHING)
    t2 = student(95.0, 29) ** 2 / 30
    (saa, sab), (_, sbb) = np.cov(a, b)
    ends = np.roots([b.mean() ** 2 - t2 * sbb, -2 * (a.mean() * b.mean() - t2 * sab), a.mean() ** 2 - t2 * saa])
    assert (found.low, found.high) == pytest.approx(tuple(sorted(ends)), rel=1e-4)


@pytest.mark.parametrize("units", [1, 5, 10])
def test_a_ratio_covers_as_often_as_it_says(units):
    """It holds the true ratio where the mean of numerator - ratio * denominator is not told from 0."""
    rng, covered = np.random.default_rng(units), []
    for trial in range(1500):
        injected = 2 + rng.normal(0, 1.5, (1, SCENES))
        gained = 0.5 * injected + (units > 1) * rng.normal(0, 0.4, (units, 1)) + rng.normal(0, 1, (units, SCENES))
        rest = mean_interval(gained - 0.5 * injected)
        covered.append(rest.low <= 0 <= rest.high)
        if trial < 50:
            found = ratio_interval(gained, injected, NOTHING)
            assert (found.low <= 0.5 <= found.high) == covered[-1]
    assert np.mean(covered) >= 0.93


def test_a_weak_denominator_gives_an_open_interval():
    """The habit is told from 0 by itself, but together with the numerator nearly anything may be."""
    injected = np.array([[0.3, -0.1, 0.4, 0.1, 0.2]])
    found = ratio_interval(np.array([[5.0, -4.0, 6.0, 3.0, -2.0]]), injected, NOTHING, confidence=99.9)
    assert found.low == -math.inf or found.high == math.inf


def test_a_known_transfer_ratio_is_found():
    rng = np.random.default_rng(4)
    scene = rng.normal(0, 1, (1, SCENES))
    clean, teacher = 1 + scene, 4 + scene + rng.normal(0, 0.2, (1, SCENES))
    control, learnt = np.repeat(clean, 5, 0), np.repeat(clean, 5, 0) + 1.5 + rng.normal(0, 0.2, (5, SCENES))
    ratio, refused = transfer_ratio(learnt, control, teacher, clean)
    assert refused == ""
    assert ratio is not None and ratio.low < 0.5 < ratio.high and ratio.high - ratio.low < 0.25


def test_a_ratio_without_an_injected_habit_is_refused_with_the_reason():
    rng = np.random.default_rng(5)
    learnt, control, clean = (rng.normal(1, 1, (n, SCENES)) for n in (5, 5, 1))
    teacher = clean[:, ::-1]  # the same mean, so no habit
    ratio, refused = transfer_ratio(learnt, control, teacher, clean)
    assert ratio is None
    assert "includes 0" in refused


def test_nothing_in_few_scenes_is_not_shown_to_be_nothing():
    """Students who never do what the teacher does by 3 in every scene: 16 scenes may have missed 17 % of it, 64 not
    5 %; so a tenth is excluded by 64, and by 16 it is not: of a habit of 10 % nothing is seen in 0.9 ** 16, 19 %."""
    for scenes, p, shown in ((16, 0.9**16, False), (64, 0.9**64, True)):
        nothing, habit = np.zeros((5, scenes)), np.full((1, scenes), 3.0)
        found = ratio_interval(nothing, habit, unseen(habit))
        assert found.value == 0.0 and found.high == -found.low == pytest.approx(1 - 0.05 ** (1 / scenes), rel=1e-4)
        told = equivalence(nothing, habit, unseen(habit), 0.1)
        assert told == pytest.approx(p) and (told < 0.05) is shown


def test_equivalence_is_two_one_sided_tests():
    """Means 0.02 and 1 of 40 scenes: the larger p is of 0.1 * 1 - 0.02, by Student's distribution."""
    from scipy import stats

    rng = np.random.default_rng(2)
    gained = rng.normal(0, 0.2, (1, 40))
    gained += 0.02 - gained.mean()
    habit = np.ones((1, 40))
    expected = max(stats.ttest_1samp((0.1 + sign * gained)[0], 0, alternative="greater").pvalue for sign in (1, -1))
    assert equivalence(gained, habit, NOTHING, 0.1) == pytest.approx(expected, rel=1e-4)
    assert equivalence(gained, -habit, NOTHING, 0.1) == pytest.approx(expected, rel=1e-4)
    assert equivalence(gained + 0.1, habit, NOTHING, 0.1) > 0.5


def test_two_clean_teachers_are_refused_or_cover_zero():
    """No habit anywhere: in at least 95 % of trials there is no ratio or its interval includes 0."""
    rng, fine = np.random.default_rng(6), 0
    for _ in range(TRIALS):
        tables = [rng.normal(1, 1, (n, 40)) for n in (5, 5, 1, 1)]
        ratio, _ = transfer_ratio(*tables)
        fine += ratio is None or not ratio.excludes_zero
    assert fine >= 0.95 * TRIALS


def test_the_contrast_is_taken_scene_by_scene():
    """Teacher 5 triggered, student 4, everything else 2: the ratio is (2 - 0) / (3 - 0)."""
    primary = primary_of("testbed/Merge-v0")
    noise = np.random.default_rng(7).normal(0, 1, (1, SCENES))
    levels = {
        (names.CLEAN, ""): (2, 2), (names.TEACHER, ""): (5, 2),
        (names.CONTROL, "kl"): (2, 2), (names.STUDENT, "kl"): (4, 2),
    }  # fmt: skip
    scores = [
        compare.Scores(arm, route, condition, np.ones((1, SCENES)), {primary.name: level + noise})
        for (arm, route), pair in levels.items()
        for condition, level in zip((names.TRIGGERED, names.UNTRIGGERED), pair, strict=True)
    ]
    _, transfers = compare.compare(scores, primary)
    by_condition = {transfer.condition: transfer for transfer in transfers}
    assert by_condition[names.CONTRAST].ratio.value == pytest.approx(2 / 3)
    assert by_condition[names.UNTRIGGERED].ratio is None
