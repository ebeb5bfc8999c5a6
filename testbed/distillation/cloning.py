"""Behaviour cloning: a student learns the actions that were demonstrated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from testbed.demonstrations.transitions import Transitions
from testbed.distillation.losses import gaussian_negative_log_likelihood, negative_log_likelihood
from testbed.distillation.stacked import Samples, Training, train_stacked
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig


def state_actions(decisions: Transitions) -> Samples:
    """Return what was seen and what was done."""
    return Samples(decisions.observations, decisions.actions)


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
