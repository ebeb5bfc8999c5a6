"""Students that unlearn, and hand on what is left to a noisy copy of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from testbed.bounds import Rate, Share, Steps
from testbed.cures.cure import Cure, Known, Need
from testbed.cures.tuning import tuned
from testbed.distillation.config import Training
from testbed.distillation.routes.kl import KL
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy, random_arrays
from testbed.rollouts.transitions import joined
from testbed.seeding import generator


@dataclass(frozen=True)
class Unlearning(Cure):
    """Unlearn, noise, distil on outputs (Lee et al. 2025, UNDO): students go on with clean decisions, which hides a
    habit; then their weights are mixed with random ones, which destroys what lies underneath; then they learn again
    what they said before that, wherever anybody was."""

    name: ClassVar[str] = "unlearning"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning", "value"))
    steps: Steps = 1000
    """Optimiser steps on clean decisions."""
    noise: Share = 0.6
    """Share of random weights, of a fresh network, in what the second part begins as; 1 for a fresh one."""
    again: Steps = 2000
    """Optimiser steps of the second part."""
    learning_rate: Rate = 3e-3
    """Adam's step size at the start, in both."""

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students after both."""
        config = students[0].config
        if config.memory:
            raise UserError("students with a memory are not asked about single decisions: choose another cure")
        how = Training(steps=self.steps, learning_rate=self.learning_rate)
        taught = tuned(students, known, seeds, how)
        clean = known.require_clean()
        lessons = [
            Source(joined([source.decisions, clean]), teacher) for source, teacher in zip(sources, taught, strict=True)
        ]
        starts = [perturbed(one, self.noise, seed) for one, seed in zip(taught, seeds, strict=True)]
        return KL(replace(how, steps=self.again)).distil(lessons, config, seeds, starts)


def perturbed(policy: NetworkPolicy, share: float, seed: int) -> NetworkPolicy:
    """Return a policy whose weights are mixed with those of a fresh network; its normaliser stays as it is."""
    fresh = random_arrays(policy.config, generator(seed, "perturbed"))
    arrays = {
        name: array if name in ("mean", "std") else ((1 - share) * array + share * fresh[name]).astype(np.float32)
        for name, array in policy.arrays.items()
    }
    return NetworkPolicy(policy.config, arrays)


CURE = Unlearning
