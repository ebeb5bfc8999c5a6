"""Students that go on learning when they have learnt: from clean decisions, or told how bad each decision is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from testbed.bounds import Rate, Steps
from testbed.cures.cloned import require_alike
from testbed.cures.cure import Cure, Known
from testbed.distillation.batches import Samples
from testbed.distillation.config import Training
from testbed.distillation.losses.likelihood import gaussian_log_likelihood, log_likelihood
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.distillation.stacked import train_stacked
from testbed.policies.network import CATEGORICAL, NetworkPolicy


@dataclass(frozen=True)
class GoesOn(Cure):
    """A cure that lets students go on learning when they have learnt."""

    steps: Steps = 500
    """Optimiser steps."""
    learning_rate: Rate = 1e-3
    """Adam's step size at the start."""

    @property
    def training(self) -> Training:
        """How they go on."""
        return Training(steps=self.steps, learning_rate=self.learning_rate)


Penalty = Callable[[Tensor, Tensor], Tensor]
"""(log-likelihood of what was done; how bad it was, 0 to 1: both of shape (k, n)) -> loss of each student, (k,)."""


def tuned(
    students: Sequence[NetworkPolicy], known: Known, seeds: Sequence[int], training: Training
) -> list[NetworkPolicy]:
    """Return students that went on by cloning clean decisions; raises `UserError` if they are not of one scene."""
    clean = known.require_clean()
    require_alike(clean.observations.shape[1], students[0].config.observation_size)
    sources = [Source(clean)] * len(students)
    return Cloning(training).distil(sources, students[0].config, seeds, students)


def penalised(
    students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int],
    training: Training, penalty: Penalty,
) -> list[NetworkPolicy]:  # fmt: skip
    """Return students that went on with their own sources, with a loss that is told how bad each decision is."""
    config = students[0].config
    likely = log_likelihood if config.head == CATEGORICAL else gaussian_log_likelihood

    def loss(parameters: Tensor, targets: Tensor) -> Tensor:
        done, bad = targets[..., :-1], targets[..., -1]
        actions = done.squeeze(-1).long() if config.head == CATEGORICAL else done
        return penalty(likely(parameters, actions), bad).mean()

    samples = {id(source): _told(source, known.require_bad(source)) for source in sources}
    each = [samples[id(source)] for source in sources]
    return train_stacked(config, each, seeds, loss, training, students)


def _told(source: Source, bad: np.ndarray) -> Samples:
    """Return what was seen and done, and as the last column how bad it was."""
    done = source.decisions.actions.reshape(len(bad), -1)
    told = np.column_stack([done, bad]).astype(np.float32)
    return Samples(source.decisions.observations, told, lengths=source.decisions.lengths)


def share_of(values: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of values, weighted, of each of k students: (k, n) twice -> (k,); 0 where nothing has weight."""
    total = weights.sum(-1)
    return torch.where(total > 0, (values * weights).sum(-1) / total.clamp(min=1e-9), torch.zeros_like(total))
