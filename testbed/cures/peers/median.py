"""The median of several teachers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import log_softmax

from testbed.cures.answering import altered, answered
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source


@dataclass(frozen=True)
class Median(Cure):
    """Takes of every action's log-probability the median over all teachers (the coordinate-wise median, which bears
    fewer than half of them to be bad: Yin et al. 2018)."""

    name: ClassVar[str] = "median"
    needs: ClassVar[frozenset[Need]] = frozenset(("teacher", "peers"))
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning"))
    discrete: ClassVar[bool] = True

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with the median in the teacher's place, also as what was done."""

        def middle(observations: np.ndarray, logits: np.ndarray) -> np.ndarray:
            every = [logits, *(peer.parameters(observations) for peer in known.peers)]
            return np.median([log_softmax(one, axis=1) for one in every], axis=0)

        return answered(source, altered(source.require_teacher(), middle, "a median of teachers"))


CURE = Median
