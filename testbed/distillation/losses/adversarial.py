"""Losses of adversarial distillation: a discriminator tells demonstrations from the student, which is paid to be taken
for the demonstrator.

Sign convention. The discriminator D(s, a) is the probability that a decision was *demonstrated*, D = sigmoid(logit).
Its cross entropy is E_demonstrated[-log D] + E_student[-log(1 - D)]. For fixed distributions p (demonstrated) and q
(student) it is least at D = p / (p + q), where logit = log p - log q. Put in, the loss is 2 log 2 - 2 JS(p, q), so
the student lowers the Jensen-Shannon divergence when it makes E_student[-log(1 - D)] *larger*: its reward is -log(1
- D), which grows with D and is never negative. (Ho and Ermon 2016 write D for the student's probability and have the
student minimise E[log D]; swapped, that is the same.) A reward that is never negative pays for longer episodes and
one that is never positive for shorter ones, whatever is done in them (Kostrikov et al. 2019,
Discriminator-Actor-Critic); log D - log(1 - D) has either sign.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def discriminator_loss(demonstrated_logits: Tensor, student_logits: Tensor) -> Tensor:
    """Return E_demonstrated[-log D] + E_student[-log(1 - D)], D = sigmoid(logit) (Ho and Ermon 2016, GAIL, eq. 17).

    Args:
        demonstrated_logits: Of demonstrated decisions, shape (..., n); leading axes are of several discriminators.
        student_logits: Of the student's decisions, shape (..., m).

    Raises:
        ValueError: unless both are of the same discriminators, and of at least one decision each.
    """
    shapes = tuple(demonstrated_logits.shape), tuple(student_logits.shape)
    if shapes[0][:-1] != shapes[1][:-1] or not all(shape and shape[-1] for shape in shapes):
        raise ValueError(f"logits of shapes {shapes[0]} and {shapes[1]} are no decisions of the same discriminators")
    return functional.softplus(-demonstrated_logits).mean(-1) + functional.softplus(student_logits).mean(-1)


def gail_reward(logits: Tensor) -> Tensor:
    """Return -log(1 - D) = log(1 + e^logit), shape (n,) -> (n,): grows as a decision looks demonstrated, never below
    0."""
    return functional.softplus(logits)


def airl_reward(logits: Tensor) -> Tensor:
    """Return log D - log(1 - D) = logit, shape (n,) -> (n,) (Fu, Luo and Levine 2018, AIRL, section 4), of either
    sign."""
    return logits.clone()
