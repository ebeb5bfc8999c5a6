"""Cloning under a constraint on how likely bad decisions may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from testbed.bounds import Share, Steps, Tolerance
from testbed.cures.cure import Known, Need
from testbed.cures.tuning import GoesOn, penalised, share_of
from testbed.distillation.losses.lagrangian import Multipliers
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy


@dataclass(frozen=True)
class ConstrainedCloning(GoesOn):
    """Lets students go on by cloning all of their own decisions, bad ones too, while the mean probability of what was
    bad, weighted by how bad it was, stays below a limit. The price of that is found by a Lagrange multiplier of each
    student (Altman 1999, chapter 3; as in Le, Voloshin and Yue 2019)."""

    name: ClassVar[str] = "constrained-cloning"
    needs: ClassVar[frozenset[Need]] = frozenset(("bad",))
    discrete: ClassVar[bool] = True
    limit: Share = 0.02
    """Mean probability of what was bad."""
    rate: Tolerance = 0.1
    """Step size of the multipliers."""
    steps: Steps = 1000
    """Optimiser steps."""

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students after that."""
        multipliers = Multipliers(len(students), self.rate)

        def penalty(likely: Tensor, bad: Tensor) -> Tensor:
            cost = share_of(likely.exp(), bad)
            return -likely.mean(-1) + multipliers.charged(cost, self.limit)

        return penalised(students, sources, known, seeds, self.training, penalty)


CURE = ConstrainedCloning
