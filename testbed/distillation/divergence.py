"""KL policy distillation: a student learns the teacher's whole distribution over actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from testbed.demonstrations.transitions import Transitions
from testbed.distillation.losses import gaussian_divergence, policy_divergence
from testbed.distillation.stacked import Samples, Training, train_stacked
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig


def teacher_outputs(teacher: NetworkPolicy, decisions: Transitions) -> Samples:
    """Return what was seen, with the teacher's distribution over actions there."""
    return Samples(decisions.observations, teacher.parameters(decisions.observations))


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
    loss = policy_divergence if config.head == CATEGORICAL else gaussian_divergence

    def summed(parameters: Tensor, teacher: Tensor) -> Tensor:
        return loss(teacher, parameters) * len(parameters)

    return train_stacked(config, data, seeds, summed, training, on_step)
