"""Scores that tell bad episodes: by hand, against scikit-learn, and with length taken out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score


@pytest.fixture
def telling(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from curation import telling

    return telling


def test_by_hand(telling):
    bad = np.array([True, True, False, False])
    assert telling.auroc(bad, np.array([3.0, 1.0, 2.0, 0.0])) == 0.75
    assert telling.auroc(bad, np.zeros(4)) == 0.5 and np.isnan(telling.auroc(np.ones(4, bool), np.zeros(4)))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=30))
def test_it_is_scikit_learns(telling_rows):
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    try:
        from curation.telling import auroc
    finally:
        sys.path.pop(0)
    bad, score = np.array([row[0] for row in telling_rows]), np.array([float(row[1]) for row in telling_rows])
    assume(0 < bad.sum() < len(bad))
    assert auroc(bad, score) == pytest.approx(roc_auc_score(bad, score))


def test_who_tells_by_length_alone_tells_nothing_at_one_length(telling):
    rng = np.random.default_rng(0)
    bad = np.arange(400) < 200
    lengths = np.where(bad, rng.integers(50, 90, 400), rng.integers(30, 70, 400))
    assert telling.auroc(bad, lengths) > 0.8
    assert 0.45 < telling.auroc_at_length(bad, rng.normal(size=400), lengths) < 0.55
    at = telling.auroc_at_length(bad, lengths.astype(float), lengths)
    assert at < telling.auroc(bad, lengths) - 0.1  # what is left is within a group
    assert telling.auroc_at_length(bad, bad + 0.1 * rng.normal(size=400), lengths) > 0.99
