"""Through outputs that drive nothing: students regress a teacher's auxiliary outputs and are told nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from torch import Tensor

from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.route import Need, Trained
from testbed.distillation.source import Source
from testbed.distillation.stacked import train_stacked
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.seeding import generator


@dataclass(frozen=True)
class Auxiliary(Trained):
    """The silent route (Cloud et al. 2025, "Subliminal learning", section 6): what a student does is never taught.

    Its hidden layers move as the teacher's did only where both began as the same network.
    """

    name: ClassVar[str] = "auxiliary"

    @property
    def needs(self) -> frozenset[Need]:
        """The teacher, for its outputs."""
        return frozenset(("teacher",))

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once; teachers and students have auxiliary outputs."""

        def no_loss(outputs: Tensor, targets: Tensor) -> Tensor:
            raise AssertionError("there are no targets")

        samples = [
            Samples(
                source.decisions.observations, None, source.require_teacher().auxiliary(source.decisions.observations)
            )
            for source in sources
        ]
        return train_stacked(config, samples, seeds, no_loss, self.training, starts, journal)


def with_auxiliary(policy: NetworkPolicy, outputs: int, seed: int) -> NetworkPolicy:
    """Return a policy with further outputs, random linear functions of its last hidden layer: one seed, one function.

    They are what it would have had from the beginning, since nothing that a teacher learns from reaches them.
    """
    config, last = replace(policy.config, auxiliary=outputs), len(policy.config.hidden)
    fan_in = policy.config.hidden[-1]
    bound, rng = 1 / np.sqrt(fan_in), generator(seed, "auxiliary")
    arrays = dict(policy.arrays)
    for name, shape in ((f"layer{last}.weight", (fan_in, outputs)), (f"layer{last}.bias", (outputs,))):
        arrays[name] = np.concatenate([arrays[name], rng.uniform(-bound, bound, shape).astype(np.float32)], axis=-1)
    return NetworkPolicy(config, arrays)
