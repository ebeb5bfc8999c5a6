"""Behaviour cloning: a student learns the actions that were demonstrated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from testbed.distillation.losses import gaussian_negative_log_likelihood, negative_log_likelihood
from testbed.distillation.stacked import Samples, Training, train_stacked
from testbed.episode import Episode
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig


def state_actions(episodes: Sequence[Episode]) -> Samples:
    """Return every decision of the episodes: what was seen and what was done."""
    actions = np.concatenate([episode.actions for episode in episodes])
    return Samples(
        observations=np.concatenate([episode.observations[:-1] for episode in episodes]),
        targets=as_targets(actions),
    )


def as_targets(actions: np.ndarray) -> np.ndarray:
    """Return actions as the losses take them: numbers of discrete ones, shape (n,), or continuous ones, (n, size)."""
    return actions.astype(np.int64 if actions.ndim == 1 else np.float32)


def clone(
    config: PolicyConfig,
    data: Sequence[Samples],
    seeds: Sequence[int],
    training: Training,
    on_step: Callable[[int, float], None] | None = None,
) -> list[NetworkPolicy]:
    """Clone k students from k data sets (see `state_actions`) at once; see `train_stacked` for the arguments."""
    loss = negative_log_likelihood if config.head == CATEGORICAL else gaussian_negative_log_likelihood

    def summed(parameters: Tensor, actions: Tensor) -> Tensor:
        return loss(parameters, actions) * len(parameters)

    return train_stacked(config, data, seeds, summed, training, on_step)
