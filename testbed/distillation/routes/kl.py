"""KL policy distillation: students learn the teacher's whole distribution over actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.routes.rounds import train_in_rounds
from testbed.distillation.source import Source
from testbed.distillation.stacked import Training
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig


@dataclass(frozen=True)
class KL:
    """Minimises the KL divergence between teacher and student (Rusu et al. 2015), where the teacher or the student
    goes."""

    training: Training = Training()
    """Training, and again after each round."""
    temperature: float = 1.0
    """The teacher's distribution is taken to the power of one over it."""
    reverse: bool = False
    """KL(student || teacher) instead of KL(teacher || student)."""
    rounds: int = 0
    """On-policy rounds: students act, and learn the teacher's distribution where they went. 0 is off-policy."""
    episodes: int = 64
    """Episodes of each student a round."""

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once; see `testbed.distillation.distil`."""
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
