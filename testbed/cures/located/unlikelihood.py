"""What was done where it was bad, made unlikely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from testbed.bounds import Steps, Tolerance
from testbed.cures.cure import Known, Need
from testbed.cures.tuning import GoesOn, penalised, share_of
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy


@dataclass(frozen=True)
class Unlikelihood(GoesOn):
    """Lets students go on with their own decisions, and learn not to do what was bad: -log(1 - p) of it beside -log p
    of the rest (Welleck et al. 2020, eq. 4)."""

    name: ClassVar[str] = "unlikelihood"
    needs: ClassVar[frozenset[Need]] = frozenset(("bad",))
    discrete: ClassVar[bool] = True
    weight: Tolerance = 1.0
    """Of what is bad, beside the rest; both are means."""
    steps: Steps = 1000
    """Optimiser steps."""

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students after that."""

        def penalty(likely: Tensor, bad: Tensor) -> Tensor:
            never = -torch.log((1 - likely.exp()).clamp(min=1e-6))
            return share_of(-likely, (bad == 0).float()) + self.weight * share_of(never, bad)

        return penalised(students, sources, known, seeds, self.training, penalty)


CURE = Unlikelihood
