"""The truth about small students: train many on random halves of the episodes, and see what each episode changes.

A datamodel (Ilyas et al. 2022) is a linear model from which episodes were there to what came out. Students are
trained all at once, so that hundreds of them cost what a few do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from testbed.attribution.asked import Asked
from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import Transitions, of_episodes

HALF = 0.5
"""Share of the episodes that each student is shown."""
STRENGTHS = np.logspace(-3, 3, 25)
"""Strengths of the ridge that are tried, as shares of the mean eigenvalue."""


def random_subsets(episodes: int, count: int, rng: np.random.Generator, share: float = HALF) -> np.ndarray:
    """Return which episodes each of some students is shown, as many for each, shape (count, episodes) bool."""
    some = round(share * episodes)
    order = rng.permuted(np.tile(np.arange(episodes), (count, 1)), axis=1)
    return order < some


def retrained(
    decisions: Transitions, config: PolicyConfig, training: Training, shown: np.ndarray, seeds: Sequence[int]
) -> list[NetworkPolicy]:
    """Return students cloned from some of the episodes each, all trained at once.

    Args:
        decisions: Of all episodes.
        config: Shape of the students.
        training: How they are trained.
        shown: Which episodes each is shown, shape (students, episodes) bool.
        seeds: Training seed of each.
    """
    sources = [Source(of_episodes(decisions, keep)) for keep in shown]
    return Cloning(training).distil(sources, config, seeds)


def outcomes(students: Sequence[NetworkPolicy], asked: Asked) -> np.ndarray:
    """Return how likely each student is to decide as was asked about, shape (students,)."""
    return np.array([asked.support(student) for student in students])


def datamodel(shown: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return what each episode's being there adds to what came out, shape (episodes,).

    Ridge regression; its strength is the one that predicts left-out students best (Golub, Heath and Wahba 1979).

    Args:
        shown: Which episodes each student was shown, shape (students, episodes) bool.
        found: What came out, shape (students,).
    """
    inputs, target = shown - shown.mean(axis=0), found - found.mean()
    left, values, right = np.linalg.svd(inputs, full_matrices=False)
    turned, scale = left.T @ target, float((values**2).mean()) or 1.0

    def error(strength: float) -> float:
        kept = values**2 / (values**2 + strength * scale)
        residual = target - left @ (kept * turned)
        freedom = len(target) - 1 - kept.sum()
        return float((residual**2).sum() / max(freedom, 1e-9) ** 2)

    best = min(STRENGTHS, key=error)
    return right.T @ (values / (values**2 + best * scale) * turned)


def predicted_well(effects: np.ndarray, shown: np.ndarray, found: np.ndarray) -> float:
    """Return the rank correlation of predicted and true outcomes of students (the linear datamodelling score of Park
    et al. 2023), -1 to 1.

    Args:
        effects: What each episode is said to add, shape (episodes,).
        shown: Which episodes each student was shown, shape (students, episodes); not those the effects come from.
        found: What came out of each, shape (students,).
    """
    from scipy.stats import spearmanr

    return float(spearmanr(shown @ effects, found).statistic)
