"""Only decisions that a clean reference would take too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from testbed.bounds import Share, Steps
from testbed.cures.cloned import cloned, likelihood
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.rollouts.transitions import filter_transitions


@dataclass(frozen=True)
class Agreement(Cure):
    """Clones a reference from clean decisions and leaves out what it finds unlikely (self-filtering: weighted cloning
    with weights 0 and 1)."""

    name: ClassVar[str] = "agreement"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning"))
    discrete: ClassVar[bool] = True
    least: Share = 0.1
    """Probability that the reference has to give what was done."""
    steps: Steps = 1000
    """Optimiser steps of the reference."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source without these decisions."""
        reference = cloned(known.require_clean(), source, self.steps, seed)
        kept = likelihood(reference, source.decisions) >= self.least
        if not kept.any():
            raise UserError("a reference finds every decision unlikely: are the clean data of the same scene?")
        return replace(source, decisions=filter_transitions(source.decisions, kept))


CURE = Agreement
