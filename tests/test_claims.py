"""What may be claimed, against answers worked by hand and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.audit.claims import differs, equivalent_to_zero, holm, p_value
from testbed.audit.statistics import Resamples, difference_interval, mean_interval


@pytest.mark.parametrize("seeds, scenes, seed_effect", [(10, 48, 0.5), (10, 24, 1.0), (20, 64, 0.3)])
def test_the_hierarchical_bootstrap_covers_as_often_as_it_says(seeds, scenes, seed_effect):
    """A nominal 95 % interval holds the true mean of nested data in 90 to 98 % of 300 trials."""
    rng = np.random.default_rng(seeds)
    covered = []
    for trial in range(300):
        rows = rng.normal(0, seed_effect, (seeds, 1)) + rng.normal(0, 1.0, (1, scenes))
        found = mean_interval(2.0 + rows + rng.normal(0, 1.0, (seeds, scenes)), Resamples.make(scenes, trial))
        covered.append(found.low <= 2.0 <= found.high)
    assert 0.90 <= np.mean(covered) <= 0.98


def test_a_paired_difference_covers_as_often_as_it_says():
    """Student and control share scenes and seeds; their difference is 0.4."""
    rng = np.random.default_rng(7)
    covered = []
    for trial in range(300):
        shared = rng.normal(0, 3.0, (1, 48)) + rng.normal(0, 0.5, (10, 1))
        own = rng.normal(0, 0.4, (10, 1)) + rng.normal(0, 0.5, (10, 48))
        found = difference_interval(shared + own + 0.4, shared, Resamples.make(48, trial))
        covered.append(found.low <= 0.4 <= found.high)
    assert 0.90 <= np.mean(covered) <= 0.98


def test_holm_on_an_example_worked_by_hand():
    """0.01, 0.04, 0.03, 0.005 in order times 4, 3, 2, 1, never falling: 0.02, 0.03, 0.06, 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_each_and_bonferroni(p):
    adjusted = holm(p)
    assert all(one <= other <= min(len(p) * one, 1.0) + 1e-12 for one, other in zip(p, adjusted, strict=True))
    assert np.argsort(p, kind="stable").tolist() == sorted(range(len(p)), key=lambda n: (adjusted[n], p[n], n))


def test_holm_rarely_claims_anything_of_nothing():
    """Of ten true nulls at once some is claimed in no more than 5 % of trials, within three deviations."""
    rng = np.random.default_rng(3)
    claimed = [min(holm(rng.uniform(size=10).tolist())) < 0.05 for _ in range(2000)]
    assert np.mean(claimed) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_a_p_value_is_twice_the_smaller_tail():
    replicates = np.concatenate([np.full(999, 1.0), np.full(20, -1.0), np.full(980, 2.0)])
    assert p_value(replicates) == pytest.approx(2 * 21 / 2000)
    assert p_value(np.ones(1999)) == pytest.approx(2 / 2000)
    assert p_value(np.zeros(100)) == 1.0


def test_equivalence_needs_the_ninety_per_cent_interval_within_the_margin():
    spread = np.linspace(-1, 1, 2001)
    assert equivalent_to_zero(0.1 * spread)  # 90 % lie within 0.09
    assert not equivalent_to_zero(0.12 * spread)  # 90 % lie within 0.108
    assert not equivalent_to_zero(0.05 + 0.1 * spread)
    assert equivalent_to_zero(0.05 + 0.1 * spread, margin=0.2)


def test_two_ratios_that_could_not_be_formed_are_no_difference():
    assert differs(np.array([np.inf, np.inf, 1.0]), np.array([np.inf, 0.0, 0.5])).tolist() == [0.0, np.inf, 0.5]
