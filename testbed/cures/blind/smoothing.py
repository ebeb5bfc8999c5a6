"""The teacher's choice alone, with the same confidence everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

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
    share: float = 0.1
    """Probability that is spread over all actions."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with a teacher of one confidence."""

        def smoothed(observations: np.ndarray, logits: np.ndarray) -> np.ndarray:
            count = logits.shape[1]
            chosen = np.arange(count) == logits.argmax(axis=1, keepdims=True)
            return np.log(np.where(chosen, 1 - self.share + self.share / count, self.share / count))

        return replace(source, teacher=altered(source.require_teacher(), smoothed, "smoothing of labels"))


CURE = Smoothing
