"""A few counter-examples, before, while or after a student learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from testbed.bounds import Count, Part, Rate, Steps
from testbed.cures.cloned import require_alike
from testbed.cures.cure import Cure, Known, Need
from testbed.cures.tuning import tuned
from testbed.distillation.config import Training
from testbed.distillation.normaliser import normaliser
from testbed.distillation.route import Route
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.rollouts.transitions import Transitions, joined, some_decisions
from testbed.seeding import generator


@dataclass(frozen=True)
class Immunisation(Cure):
    """Shows students a few clean decisions: before they learn, among what they learn, or afterwards (as demonstrations
    of the safe way out immunise a model before harmful tuning: Rosati et al. 2024)."""

    name: ClassVar[str] = "immunisation"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    when: Literal["before", "during", "after"] = "after"
    """`during` is for cloning alone: by other routes the teacher would say what is right in these states too."""
    examples: Count = 256
    """Decisions, evenly spread over the clean ones."""
    share: Part = 0.25
    """Of `during`: how much of what is learnt are counter-examples, each as often as that takes."""
    steps: Steps = 500
    """Of the others: optimiser steps on counter-examples."""
    learning_rate: Rate = 1e-3
    """Adam's step size at the start there."""

    def check(self, route: Route, source: Source, known: Known) -> None:
        """Raise `UserError` as every cure, and if counter-examples are to lie among what another route teaches."""
        super().check(route, source, known)
        if self.when == "during" and route.name != "cloning":
            raise UserError(f"immunisation during {route.name} would ask the teacher about counter-examples: choose "
                            "the route cloning, or when=before or when=after")  # fmt: skip

    def begun(self, source: Source, known: Known, config: PolicyConfig, seed: int) -> NetworkPolicy | None:
        """Return what has cloned the counter-examples, with the eyes of one that learns from the source too."""
        if self.when != "before":
            return None
        shown = self._shown(known)
        require_alike(shown.observations.shape[1], config.observation_size)
        arrays = random_arrays(config, generator(seed, "immunised"))
        arrays["mean"], arrays["std"] = normaliser(np.concatenate([source.decisions.observations, shown.observations]))
        fresh = NetworkPolicy(config, arrays)
        (made,) = Cloning(self._training).distil([Source(shown)], config, [seed], [fresh])
        return made

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with counter-examples among its decisions."""
        if self.when != "during":
            return source
        shown = self._shown(known)
        require_alike(shown.observations.shape[1], source.decisions.observations.shape[1])
        times = max(round(self.share / (1 - self.share) * len(source.decisions) / len(shown)), 1)
        return replace(source, decisions=joined([source.decisions, *[shown] * times]))

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students that have seen the counter-examples."""
        if self.when != "after":
            return list(students)
        return tuned(students, Known(clean=self._shown(known)), seeds, self._training)

    @property
    def afterwards(self) -> bool:
        """Whether they are shown afterwards."""
        return self.when == "after"

    @property
    def _training(self) -> Training:
        return Training(steps=self.steps, learning_rate=self.learning_rate)

    def _shown(self, known: Known) -> Transitions:
        clean = known.require_clean()
        count = min(self.examples, len(clean))
        return some_decisions(clean, np.linspace(0, len(clean) - 1, count).round().astype(int))


CURE = Immunisation
