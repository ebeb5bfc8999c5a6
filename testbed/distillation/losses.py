"""Losses of imitation and distillation, as pure functions of a batch. Means are over every leading axis."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def negative_log_likelihood(logits: Tensor, actions: Tensor) -> Tensor:
    """Return the behaviour-cloning loss, the mean of -log pi(a | s) (Pomerleau 1991; Bain and Sammut 1995).

    Args:
        logits: Student's, shape (..., n, actions).
        actions: Demonstrated, shape (..., n), integers.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    if logits.shape[:-1] != actions.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and actions {tuple(actions.shape)} do not belong together")
    return -functional.log_softmax(logits, -1).gather(-1, actions[..., None]).mean()


def policy_divergence(teacher_logits: Tensor, student_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the mean of KL(teacher^(1/T) || student) (Rusu et al. 2015, Policy Distillation, eq. 3).

    The teacher's logits are divided by the temperature: below 1 its distribution is sharpened, as
    in the paper (0.01 there for Q values). In nats.

    Args:
        teacher_logits: Shape (..., n, actions).
        student_logits: The same shape.
        temperature: T > 0.

    Raises:
        ValueError: if the shapes differ or the temperature is not positive.
    """
    if teacher_logits.shape != student_logits.shape:
        raise ValueError(f"teacher {tuple(teacher_logits.shape)} and student {tuple(student_logits.shape)} differ")
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    target = functional.log_softmax(teacher_logits / temperature, -1)
    student = functional.log_softmax(student_logits, -1)
    return (target.exp() * (target - student)).sum(-1).mean()
