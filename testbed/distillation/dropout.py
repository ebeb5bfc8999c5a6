"""Dropout: hidden units that are switched off at random while students learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from testbed.distillation.config import Training
from testbed.seeding import derive_seed


@dataclass(frozen=True)
class Dropping(Training):
    """A training with dropout."""

    dropout: float = 0.2  # type: ignore[misc]
    """Share of the units of every hidden layer that is off in a step."""


class Dropout:
    """The activation of hidden layers with dropout: each student draws from a generator of its own.

    Args:
        share: Of the units that are off; the others count as much more (Srivastava et al. 2014, section 4, inverted).
        seeds: One a student.
    """

    def __init__(self, share: float, seeds: Sequence[int]) -> None:
        self.share, self.seeds = share, seeds
        self.generators = [torch.Generator() for _ in seeds]

    def begin(self, step: int) -> None:
        """Begin a run of steps: what is drawn from here on hangs on no step before, so that a training can go on."""
        for one, seed in zip(self.generators, self.seeds, strict=True):
            one.manual_seed(derive_seed(seed, "dropout", step) % 2**63)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Return a layer's activity, (k, n, units)."""
        on = torch.stack([torch.rand(hidden.shape[1:], generator=one) for one in self.generators]) >= self.share
        return torch.relu(hidden) * on / (1 - self.share)


def activation_of(training: Training, seeds: Sequence[int]) -> Dropout | Callable[[Tensor], Tensor]:
    """Return what follows the hidden layers of students while they learn."""
    return Dropout(training.dropout, seeds) if training.dropout else torch.relu_
