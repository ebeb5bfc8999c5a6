"""Students that go on with clean data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from testbed.bounds import Rate, Steps
from testbed.cures.cure import Cure, Known, Need
from testbed.cures.tuning import tuned
from testbed.distillation.config import Training
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy


@dataclass(frozen=True)
class FineTuning(Cure):
    """Lets students go on by cloning clean decisions: the plainest defence against backdoors (Liu, Dolan-Gavitt and
    Garg 2018, section 4, show when it fails)."""

    name: ClassVar[str] = "fine-tuning"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    steps: Steps = 500
    """Optimiser steps on clean decisions."""
    learning_rate: Rate = 1e-3
    """Adam's step size at the start."""

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students after that."""
        return tuned(students, known, seeds, Training(steps=self.steps, learning_rate=self.learning_rate))


CURE = FineTuning
