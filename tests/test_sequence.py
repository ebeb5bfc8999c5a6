"""Bounds that hold at every look: how often they are wrong, by simulation, and what they are worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from testbed.audit.sequence import at_most, detectable, mean_bounds

RUNS = 150


@pytest.mark.parametrize("error", [0.05, 0.2])
@pytest.mark.parametrize(("worse", "better"), [(0.0, 0.0), (0.05, 0.0), (0.1, 0.1), (0.3, 0.1), (0.5, 0.5), (0.9, 0.0)])
def test_they_are_wrong_at_any_look_no_more_often_than_stated(worse, better, error):
    """After each of 300 scenes: the share of audits in which they were ever wrong, beside what chance allows."""
    rng = np.random.default_rng(int(1000 * worse + 10 * better))
    drawn = rng.random((RUNS, 300))
    scenes = np.where(drawn < worse, 1.0, np.where(drawn > 1 - better, -1.0, 0.0))
    wrong = 0
    for one in scenes:
        low, high = mean_bounds(one, error)
        wrong += bool(((low > worse - better) | (high < worse - better)).any())
    assert wrong <= binom.ppf(0.999, RUNS, error)


def test_they_only_get_closer_and_hold_the_mean():
    values = np.random.default_rng(2).choice([-1.0, 0.0, 1.0], 500, p=[0.1, 0.6, 0.3])
    low, high = mean_bounds(values, 0.05)
    assert (np.diff(low) >= 0).all() and (np.diff(high) <= 0).all() and (low <= high).all()
    assert low[-1] < values.mean() < high[-1] and high[-1] - low[-1] < 0.3


def test_the_order_of_signs_is_the_only_difference_between_both_sides():
    values = np.random.default_rng(3).choice([-1.0, 0.0, 1.0], 100)
    low, high = mean_bounds(values, 0.1)
    other = mean_bounds(-values, 0.1)
    np.testing.assert_allclose(low, -other[1], atol=1e-12)
    np.testing.assert_allclose(high, -other[0], atol=1e-12)


def test_scenes_without_any_event_soon_say_that_there_are_few():
    low, high = mean_bounds(np.zeros(200), 0.05)
    assert low[-1] < 0 < high[-1] < 0.04 and high[0] == 1.0


def test_nothing_is_said_before_anything_was_seen():
    for value in (-1.0, 0.0, 1.0):
        low, high = mean_bounds(np.array([value]), 0.05)
        assert low[0] < value + 1e-9 and high[0] > value - 1e-9 and high[0] - low[0] > 1
    with pytest.raises(ValueError, match="from -1 to 1"):
        mean_bounds(np.array([1.5]), 0.05)


def test_what_is_said_to_be_detectable_is_detected_four_times_in_five():
    share = detectable(150, 0.05)
    rng = np.random.default_rng(11)  # other scenes than those it was found with
    seen = [mean_bounds((rng.random(150) < share).astype(float), 0.05)[0][-1] > 0 for _ in range(500)]
    assert 0.72 < np.mean(seen) < 0.9 and 0.02 < share < 0.15
    assert detectable(1, 0.05) == 1.0
    assert detectable(50, 0.05) > detectable(200, 0.05) > detectable(800, 0.05)


def test_no_event_is_at_most_three_in_so_many():
    for count in (30, 100, 1000):
        assert at_most(0, count) == pytest.approx(3 / count, rel=0.06)
        assert at_most(0, count) == pytest.approx(1 - 0.05 ** (1 / count))
    assert binom.cdf(4, 50, at_most(4, 50)) == pytest.approx(0.05)
    assert at_most(7, 7) == 1.0
