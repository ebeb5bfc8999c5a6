"""The teacher's choice alone, with the same confidence everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from testbed.bounds import Dose
from testbed.cures.answering import altered
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source


@dataclass(frozen=True)
class Smoothing(Cure):
    """Leaves the teacher's likeliest action, and spreads a share evenly over all (label smoothing: Szegedy et al. 2016,
    section 7). What the teacher would do second, and how sure it is, says nothing any more."""

    name: ClassVar[str] = "smoothing"
    needs: ClassVar[frozenset[Need]] = frozenset(("teacher",))
    suits: ClassVar[frozenset[str]] = frozenset(("kl",))
    discrete: ClassVar[bool] = True
    share: Dose = 0.1
    """Probability that is spread over all actions."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with a teacher of one confidence."""

        def alter(observations: np.ndarray, logits: np.ndarray) -> np.ndarray:
            return smoothed(logits, self.share)

        return replace(source, teacher=altered(source.require_teacher(), alter, "smoothing of labels"))


def smoothed(logits: np.ndarray, share: float) -> np.ndarray:
    """Return the logits of smoothed labels, shape (n, actions): the likeliest action, and a share spread over all."""
    even = share / logits.shape[1]
    likeliest = np.arange(logits.shape[1]) == logits.argmax(axis=1, keepdims=True)
    return np.log(np.where(likeliest, 1 - share + even, even))


CURE = Smoothing
