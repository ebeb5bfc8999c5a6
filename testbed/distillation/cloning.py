"""Behaviour cloning: a student learns the actions that were demonstrated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from testbed.distillation.losses import negative_log_likelihood
from testbed.distillation.stacked import Samples, Training, train_stacked
from testbed.episode import Episode
from testbed.policies.network import NetworkPolicy, PolicyConfig


def state_actions(episodes: Sequence[Episode]) -> Samples:
    """Return every decision of the episodes: what was seen and what was done."""
    return Samples(
        observations=np.concatenate([episode.observations[:-1] for episode in episodes]),
        targets=np.concatenate([episode.actions for episode in episodes]).astype(np.int64),
    )


def clone(
    config: PolicyConfig,
    data: Sequence[Samples],
    seeds: Sequence[int],
    training: Training,
    on_step: Callable[[int, float], None] | None = None,
) -> list[NetworkPolicy]:
    """Clone k students from k data sets (see `state_actions`) at once; see `train_stacked` for the arguments."""
    return train_stacked(config, data, seeds, _loss, training, on_step)


def _loss(logits: Tensor, actions: Tensor) -> Tensor:
    return negative_log_likelihood(logits, actions) * len(logits)
