"""What a route says of itself: what it needs, how its students learn, what that costs, in which scenes they act."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from testbed.distillation.config import Learning, Training
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy, PolicyConfig

Need = Literal["teacher", "values", "scenes"]
"""What of a teacher reaches students beside its decisions: itself, what these are worth to it, scenes to act in."""
STEP = 50
"""Decisions in scenes that take about as long as an optimiser step of a batch of students."""


@dataclass(frozen=True)
class Cost:
    """What a student costs."""

    reports: int
    """What its journal is told in all: optimiser steps, or iterations of practice."""
    samples: int = 0
    """Samples that its optimiser steps take together."""
    decisions: int = 0
    """Decisions that it makes in scenes while it learns."""

    @property
    def report(self) -> int:
        """About how many optimiser steps of a batch of students take as long as what one report is of."""
        return max(self.decisions // (STEP * max(self.reports, 1)), 1)


@dataclass(frozen=True)
class Route(ABC):
    """A way in which a behaviour is handed down: its fields are how its students learn."""

    name: ClassVar[str]
    """What it is called, as its file is."""
    together: ClassVar[int | None] = None
    """Students of so many training seeds are trained as one batch, and other batches in other processes; those of all
    if it is None, as befits routes whose students do not act."""

    @classmethod
    @abstractmethod
    def usual(cls, learning: Learning) -> Self:
        """Return the route as a run takes it that says no more than how much students learn."""

    @classmethod
    def batches(cls, seeds: int) -> list[tuple[int, ...]]:
        """Return training seeds, 0 to `seeds` - 1, in the batches in which their students are trained."""
        size = cls.together or seeds
        return [tuple(range(first, min(first + size, seeds))) for first in range(0, seeds, size)]

    @property
    @abstractmethod
    def length(self) -> int:
        """How long its students learn: optimiser steps, or iterations."""

    @abstractmethod
    def lasting(self, length: int) -> Self:
        """Return the route with students that learn so long."""

    @property
    @abstractmethod
    def cost(self) -> Cost:
        """What a student costs."""

    @property
    def needs(self) -> frozenset[Need]:
        """What reaches its students beside the teacher's decisions; nothing else does."""
        return frozenset()

    @property
    def purposes(self) -> Sequence[tuple[str, int]]:
        """Purposes of the scenes that it asks for, and how many of each."""
        return ()

    @abstractmethod
    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Make one student for each source and seed.

        Args:
            sources: What each student learns from.
            config: Shape of every student.
            seeds: One each.
            starts: What each begins as; fresh networks if not given.
            journal: Progress, curves, and what a killed training goes on from.

        Returns:
            The students, in the order of the seeds.

        Raises:
            UserError: if a source lacks what the route needs, or the route cannot make students of this shape.
        """


@dataclass(frozen=True)
class Trained(Route):
    """A route whose students are trained on samples, and do not act."""

    training: Training = Training()
    """Training."""

    @classmethod
    def usual(cls, learning: Learning) -> Self:
        """Return the route with the usual training."""
        return cls(learning.training)

    @property
    def length(self) -> int:
        """Optimiser steps."""
        return self.training.steps

    def lasting(self, length: int) -> Self:
        """Return the route with so many optimiser steps."""
        return replace(self, training=replace(self.training, steps=length))

    @property
    def cost(self) -> Cost:
        """Return what one training takes."""
        return Cost(self.training.steps, self.training.steps * self.training.batch)
