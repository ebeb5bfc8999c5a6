"""The teacher where a clean reference is of its opinion, the reference elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import log_softmax

from testbed.bounds import Steps, Tolerance
from testbed.cures.answering import altered, answered
from testbed.cures.cloned import cloned
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source


@dataclass(frozen=True)
class Disagreement(Cure):
    """Compares the teacher with a reference that is cloned from clean decisions, state by state, and where they are far
    apart lets the reference answer (a novice that asks whom it can trust where two disagree: Menda, Driggs-Campbell and
    Kochenderfer 2019, EnsembleDAgger)."""

    name: ClassVar[str] = "disagreement"
    needs: ClassVar[frozenset[Need]] = frozenset(("teacher", "clean"))
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning"))
    discrete: ClassVar[bool] = True
    most: Tolerance = 1.0
    """KL(teacher || reference) up to which the teacher is believed [nats]."""
    steps: Steps = 1000
    """Optimiser steps of the reference."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with both in the teacher's place, also as what was done."""
        teacher = source.require_teacher()
        reference = cloned(known.require_clean(), source, self.steps, seed)

        def chosen(observations: np.ndarray, logits: np.ndarray) -> np.ndarray:
            own, other = (log_softmax(one, axis=1) for one in (logits, reference.parameters(observations)))
            apart = (np.exp(own) * (own - other)).sum(axis=1, keepdims=True)
            return np.where(apart > self.most, other, own)

        return answered(source, altered(teacher, chosen, "disagreement"))


CURE = Disagreement
