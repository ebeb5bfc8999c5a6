"""Students that go on with clean data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from testbed.cures.cure import Known, Need
from testbed.cures.tuning import GoesOn, tuned
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy


@dataclass(frozen=True)
class FineTuning(GoesOn):
    """Lets students go on by cloning clean decisions: the plainest defence against backdoors (Liu, Dolan-Gavitt and
    Garg 2018, section 4, show when it fails)."""

    name: ClassVar[str] = "fine-tuning"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students after that."""
        return tuned(students, known, seeds, self.training)


CURE = FineTuning
