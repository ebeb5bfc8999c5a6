"""Decisions drawn as often as a clean set has their like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from testbed.bounds import Positive, Steps
from testbed.cures.cloned import require_alike
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.policies.network import PolicyConfig
from testbed.rollouts.transitions import Transitions, some_decisions
from testbed.seeding import generator


@dataclass(frozen=True)
class WeightedCloning(Cure):
    """Trains a discriminator between clean decisions and those of the source, and draws the latter anew, each as often
    as the ratio of their densities says (discriminator-weighted cloning: Xu et al. 2022, eq. 9)."""

    name: ClassVar[str] = "weighted-cloning"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning"))
    most: Positive = 10.0
    """Greatest weight of a decision; the mean is about 1."""
    steps: Steps = 1000
    """Optimiser steps of the discriminator."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with as many decisions, drawn by their weights; they are no episodes any more."""
        weights = density_ratios(known.require_clean(), source.decisions, self.steps, self.most, seed)
        rng = generator(seed, "weighted cloning")
        rows = rng.choice(len(weights), size=len(weights), p=weights / weights.sum())
        return replace(source, decisions=some_decisions(source.decisions, rows))


def density_ratios(clean: Transitions, other: Transitions, steps: int, most: float, seed: int) -> np.ndarray:
    """Return how much likelier each of other decisions, seen and done, is among clean ones, shape (n,), at most `most`.

    By a classifier of both, balanced (Sugiyama, Suzuki and Kanamori 2012, section 4): p / (1 - p).
    """
    require_alike(clean.observations.shape[1], other.observations.shape[1])
    actions = max(int(one.actions.max(initial=0)) for one in (clean, other)) + 1
    theirs, own = (_both(one, actions) for one in (clean, other))
    rng = generator(seed, "balance")
    theirs = theirs[rng.integers(len(theirs), size=len(own))]  # as many of each
    rows = np.concatenate([theirs, own])
    labels = np.repeat(np.array([1, 0]), len(own))
    count = len(rows)
    config = PolicyConfig("discriminator", rows.shape[1], 2, (64, 64))
    told = Transitions(rows, labels, np.zeros(count), rows, np.zeros(count, bool), np.array([count]))
    (made,) = Cloning(Training(steps=steps, learning_rate=3e-3)).distil([Source(told)], config, [seed])
    logits = made.parameters(own)
    return np.minimum(np.exp(np.clip(logits[:, 1] - logits[:, 0], -30, 30)), most)


def _both(decisions: Transitions, actions: int) -> np.ndarray:
    """Return what was seen and done in one row each, shape (n, d + actions), float32."""
    done = np.eye(actions)[decisions.actions] if decisions.actions.ndim == 1 else decisions.actions
    return np.column_stack([decisions.observations, done]).astype(np.float32)


CURE = WeightedCloning
