"""KL policy distillation: students learn the teacher's whole distribution over actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.rounds import round_purposes, train_in_rounds
from testbed.distillation.route import Need, Trained
from testbed.distillation.source import Source
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig


@dataclass(frozen=True)
class KL(Trained):
    """Minimises the KL divergence between teacher and student (Rusu et al. 2015), where the teacher or the student
    goes."""

    name: ClassVar[str] = "kl"
    temperature: float = 1.0
    """The teacher's distribution is taken to the power of one over it."""
    reverse: bool = False
    """KL(student || teacher) instead of KL(teacher || student)."""
    rounds: int = 0
    """On-policy rounds: students act, and learn the teacher's distribution where they went; they are trained anew after
    each. 0 is off-policy."""
    episodes: int = 64
    """Episodes of each student a round."""

    @property
    def needs(self) -> frozenset[Need]:
        """The teacher, and scenes if there are rounds."""
        return frozenset(("teacher", "scenes") if self.rounds else ("teacher",))

    @property
    def purposes(self) -> Sequence[tuple[str, int]]:
        """Return those of the rounds."""
        return round_purposes(self.rounds, self.episodes)

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once; see `Route.distil`."""
        divergence = policy_divergence if config.head == CATEGORICAL else gaussian_divergence

        def loss(student: Tensor, teacher: Tensor) -> Tensor:
            return divergence(teacher, student, self.temperature, self.reverse)

        rounds = (self.rounds, self.episodes)
        return train_in_rounds(
            config, sources, seeds, teacher_outputs, _distribution, loss, self.training, rounds, starts, journal
        )  # fmt: skip


def teacher_outputs(source: Source) -> Samples:
    """Return what was seen, with the teacher's distribution over actions there."""
    seen = source.decisions.observations
    return Samples(seen, _distribution(source.require_teacher(), seen), lengths=source.decisions.lengths)


def _distribution(teacher: NetworkPolicy, observations: np.ndarray) -> np.ndarray:
    """Return the parameters of the teacher's distribution."""
    return teacher.parameters(observations)


ROUTE = KL
