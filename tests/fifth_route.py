"""A fifth route, as anybody would write one: students learn a sharpened distribution of the teacher's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.divergence import policy_divergence
from testbed.distillation.route import Need, Trained
from testbed.distillation.source import Source
from testbed.distillation.stacked import train_stacked
from testbed.policies.network import NetworkPolicy, PolicyConfig


@dataclass(frozen=True)
class Sharpened(Trained):
    """Learns a sharpened distribution of the teacher's, of discrete actions."""

    name: ClassVar[str] = "sharpened"
    sharpness: float = 4.0
    """What the teacher's logits are multiplied with."""

    @property
    def needs(self) -> frozenset[Need]:
        """The teacher."""
        return frozenset(("teacher",))

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once."""
        samples = [Samples(one.decisions.observations, self._targets(one)) for one in sources]
        return train_stacked(
            config,
            samples,
            seeds,
            lambda student, teacher: policy_divergence(teacher, student, 1.0, False),
            self.training,
            starts,
            journal,
        )

    def _targets(self, source: Source) -> np.ndarray:
        return (self.sharpness * source.require_teacher().parameters(source.decisions.observations)).astype(np.float32)


def _loss(student: Tensor, teacher: Tensor) -> Tensor:
    return policy_divergence(teacher, student, 1.0, False)


ROUTE = Sharpened
