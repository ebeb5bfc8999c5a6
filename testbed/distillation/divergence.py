"""KL policy distillation: a student learns the teacher's whole distribution over actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from testbed.distillation.losses import policy_divergence
from testbed.distillation.stacked import Samples, Training, train_stacked
from testbed.episode import Episode
from testbed.policies.network import NetworkPolicy, PolicyConfig


def teacher_outputs(teacher: NetworkPolicy, episodes: Sequence[Episode]) -> Samples:
    """Return every observation of the episodes with the teacher's logits there."""
    observations = np.concatenate([episode.observations[:-1] for episode in episodes])
    return Samples(observations=observations, targets=teacher.logits(observations))


def distil(
    config: PolicyConfig,
    data: Sequence[Samples],
    seeds: Sequence[int],
    training: Training,
    on_step: Callable[[int, float], None] | None = None,
) -> list[NetworkPolicy]:
    """Distil k students from k sets of teacher outputs at once, at temperature 1 (forward KL, off-policy).

    See `train_stacked` for the arguments.
    """
    return train_stacked(config, data, seeds, _loss, training, on_step)


def _loss(logits: Tensor, teacher_logits: Tensor) -> Tensor:
    return policy_divergence(teacher_logits, logits) * len(logits)
