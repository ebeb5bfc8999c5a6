"""Decisions that count the less the worse they are, and below nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from testbed.bounds import Steps, Tolerance
from testbed.cures.cure import Known, Need
from testbed.cures.tuning import GoesOn, penalised
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy


@dataclass(frozen=True)
class AdvantagePenalty(GoesOn):
    """Lets students go on with their own decisions by an offline policy gradient (Williams 1992) whose advantage is 1,
    less a price on how bad a decision was: where that is below 0, what was done is made less likely, until it is
    unlikely enough; without that bound the gradient would never end (as Kurmanji et al. 2023, SCRUB, take care of)."""

    name: ClassVar[str] = "advantage-penalty"
    needs: ClassVar[frozenset[Need]] = frozenset(("bad",))
    price: Tolerance = 2.0
    """What the worst decision costs; the advantage of a good one is 1."""
    enough: Tolerance = 4.0
    """A decision whose negative log-likelihood is that large is not pushed further [nats]."""
    steps: Steps = 1000
    """Optimiser steps."""

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students after that."""

        def penalty(likely: Tensor, bad: Tensor) -> Tensor:
            advantage = 1 - self.price * bad
            pushed = likely.clamp(min=-self.enough)
            return -(advantage * likely.where(advantage >= 0, pushed)).mean(-1)

        return penalised(students, sources, known, seeds, self.training, penalty)


CURE = AdvantagePenalty
