"""Statistics against known answers."""

from __future__ import annotations

import numpy as np
import pytest

from testbed.audit import compare, names
from testbed.audit.result import Interval
from testbed.audit.statistics import (
    Resamples,
    cvar,
    difference_interval,
    mean_interval,
    rate_interval,
    transfer_ratio,
)
from testbed.scenes.registry import primary_of

SCENES = 60


def test_the_hierarchical_interval_covers_the_truth_on_nested_data():
    """Severity = scene effect + seed effect + noise: the interval holds the true mean in 88 to 98 % of trials."""
    rng = np.random.default_rng(0)
    covered = []
    for trial in range(200):
        scenes, seeds = rng.normal(0, 1.0, (1, 40)), rng.normal(0, 0.5, (12, 1))
        table = 3.0 + scenes + seeds + rng.normal(0, 1.0, (12, 40))
        found = mean_interval(table, Resamples.make(40, trial))
        covered.append(found.low <= 3.0 <= found.high)
    assert 0.88 <= np.mean(covered) <= 0.98


def test_ignoring_the_seeds_would_be_too_narrow():
    """With a strong seed effect the interval is wider than one over episodes that are taken as independent."""
    rng = np.random.default_rng(1)
    table = rng.normal(0, 2.0, (10, 1)) + rng.normal(0, 0.1, (10, SCENES))
    found = mean_interval(table, Resamples.make(SCENES, 0))
    naive = 1.96 * table.std() / np.sqrt(table.size)
    assert (found.high - found.low) / 2 > 3 * naive


def test_a_mean_agrees_with_a_bootstrap_written_as_loops():
    rng = np.random.default_rng(2)
    table = rng.normal(1.0, 1.0, (4, 20))
    loops = []
    for _ in range(4000):
        rows, columns = rng.integers(4, size=4), rng.integers(20, size=20)
        loops.append(table[np.ix_(rows, columns)].mean())
    found = mean_interval(table, Resamples.make(20, 0))
    low, high = np.percentile(loops, [2.5, 97.5])
    assert found.value == pytest.approx(table.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.06)


def test_pairing_over_scenes_cancels_the_scenes():
    """Two arms that differ by exactly 0.3 in every scene differ by 0.3 with no uncertainty."""
    table = np.random.default_rng(3).normal(0, 50.0, (1, SCENES))
    found = difference_interval(table + 0.3, table, Resamples.make(SCENES, 0))
    assert (found.value, found.low, found.high) == pytest.approx((0.3, 0.3, 0.3))


def test_none_in_n_scenes_is_reported_by_the_rule_of_three():
    draws = Resamples.make(SCENES, 0)
    assert rate_interval(np.zeros((3, SCENES)), draws) == Interval(0.0, 0.0, 3 / SCENES)
    assert rate_interval(np.ones((3, SCENES)), draws) == Interval(1.0, 1.0 - 3 / SCENES, 1.0)


def test_a_known_transfer_ratio_is_found():
    rng = np.random.default_rng(4)
    scene = rng.normal(0, 1, (1, SCENES))
    clean, teacher = 1 + scene, 4 + scene + rng.normal(0, 0.2, (1, SCENES))
    control, student = np.repeat(clean, 5, 0), np.repeat(clean, 5, 0) + 1.5 + rng.normal(0, 0.2, (5, SCENES))
    ratio, refused = transfer_ratio(student, control, teacher, clean, Resamples.make(SCENES, 0))
    assert refused == ""
    assert ratio is not None and ratio.low < 0.5 < ratio.high and ratio.high - ratio.low < 0.2


def test_a_ratio_without_an_injected_habit_is_refused_with_the_reason():
    rng = np.random.default_rng(5)
    student, control, clean = (rng.normal(1, 1, (n, SCENES)) for n in (5, 5, 1))
    teacher = clean[:, ::-1]  # the same mean, so no habit
    ratio, refused = transfer_ratio(student, control, teacher, clean, Resamples.make(SCENES, 0))
    assert ratio is None
    assert "includes 0" in refused


def test_clean_against_clean_is_refused_or_covers_zero():
    """No habit anywhere: in at least 90 % of trials there is no ratio or its interval includes 0."""
    rng = np.random.default_rng(6)
    fine = 0
    for trial in range(100):
        tables = [rng.normal(1, 1, (n, 40)) for n in (5, 5, 1, 1)]
        ratio, _ = transfer_ratio(*tables, Resamples.make(40, trial))
        fine += ratio is None or not ratio.excludes_zero
    assert fine >= 90


def test_cvar_is_the_mean_of_the_worst_tenth():
    values = np.arange(20.0)
    assert cvar(values, "higher") == 18.5
    assert cvar(values, "lower") == 0.5


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
    _, transfers = compare.compare(scores, primary, seed=0)
    by_condition = {transfer.condition: transfer for transfer in transfers}
    assert by_condition[names.CONTRAST].ratio.value == pytest.approx(2 / 3)
    assert by_condition[names.UNTRIGGERED].ratio is None
