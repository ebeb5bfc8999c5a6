"""Students that go on with clean data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy


@dataclass(frozen=True)
class FineTuning(Cure):
    """Lets students go on by cloning clean decisions: the plainest defence against backdoors (Liu, Dolan-Gavitt and
    Garg 2018, section 4, show when it fails)."""

    name: ClassVar[str] = "fine-tuning"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    steps: int = 500
    """Optimiser steps on clean decisions."""
    learning_rate: float = 1e-3
    """Adam's step size at the start."""

    def finished(self, students: Sequence[NetworkPolicy], known: Known, seeds: Sequence[int]) -> list[NetworkPolicy]:
        """Return students after that."""
        return tuned(students, known, seeds, Training(steps=self.steps, learning_rate=self.learning_rate))


def tuned(
    students: Sequence[NetworkPolicy], known: Known, seeds: Sequence[int], training: Training
) -> list[NetworkPolicy]:
    """Return students that went on by cloning clean decisions; raises `UserError` if they are not of one scene."""
    clean = known.require_clean()
    require_alike(clean.observations.shape[1], students[0].config.observation_size)
    sources = [Source(clean)] * len(students)
    return Cloning(training).distil(sources, students[0].config, seeds, students)


def require_alike(clean: int, students: int) -> None:
    """Raise `UserError` if clean decisions see another count of numbers than students do."""
    if clean != students:
        raise UserError(
            f"clean decisions see {clean} numbers and students {students}: give clean data of the same scene"
        )


CURE = FineTuning
