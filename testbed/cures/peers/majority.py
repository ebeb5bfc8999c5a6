"""The majority of several teachers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from testbed.cures.answering import altered, answered
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source


@dataclass(frozen=True)
class Majority(Cure):
    """Teaches what most teachers choose, as likely as many choose it (voting over independently trained models, as in
    Levine and Feizi 2021); where all are as many, the teacher's own choice."""

    name: ClassVar[str] = "majority"
    needs: ClassVar[frozenset[Need]] = frozenset(("teacher", "peers"))
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning"))
    discrete: ClassVar[bool] = True

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with votes in place of the teacher, also as what was done."""

        def voted(observations: np.ndarray, logits: np.ndarray) -> np.ndarray:
            choices = [logits.argmax(axis=1), *(peer.act(observations) for peer in known.peers)]
            votes = np.array([np.arange(logits.shape[1]) == one[:, None] for one in choices], float)
            votes[0] *= 1.01  # of as many votes the teacher's own count
            return np.log(votes.sum(axis=0) + 0.01)

        return answered(source, altered(source.require_teacher(), voted, "a majority of teachers"))


CURE = Majority
