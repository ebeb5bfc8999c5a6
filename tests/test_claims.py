"""Several claims together, against answers worked by hand and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.audit.claims import holm


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
