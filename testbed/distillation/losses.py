"""Losses of imitation and distillation, as pure functions of a batch. Means are over every leading axis.

A policy's distribution is given by its parameters: logits of a categorical one, shape (..., actions); of a Gaussian
with independent components the means and then the log standard deviations, shape (..., 2 * components).
"""

from __future__ import annotations

import math

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


def gaussian_negative_log_likelihood(parameters: Tensor, actions: Tensor) -> Tensor:
    """Return the behaviour-cloning loss of a Gaussian policy, the mean of -log pi(a | s), summed over components.

    Args:
        parameters: Student's means and log standard deviations, shape (..., n, 2 * components).
        actions: Demonstrated, shape (..., n, components).

    Raises:
        ValueError: if the shapes do not belong together.
    """
    mean, log_std = _halves(parameters)
    if mean.shape != actions.shape:
        raise ValueError(f"means {tuple(mean.shape)} and actions {tuple(actions.shape)} do not belong together")
    standardised = (actions - mean) * (-log_std).exp()
    return (0.5 * standardised**2 + log_std + 0.5 * math.log(2 * math.pi)).sum(-1).mean()


def gaussian_divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Return the mean of KL(teacher || student) between Gaussians with independent components, in nats.

    log(s / t) + (t^2 + (m - n)^2) / 2 s^2 - 1/2 a component, with means m, n and deviations t, s of teacher and student
    (for example Kingma and Welling 2014, appendix B).

    Args:
        teacher: Means and log standard deviations, shape (..., n, 2 * components).
        student: The same of the student.

    Raises:
        ValueError: if the shapes differ.
    """
    if teacher.shape != student.shape:
        raise ValueError(f"teacher {tuple(teacher.shape)} and student {tuple(student.shape)} differ")
    (mean, log_std), (other_mean, other_log_std) = _halves(teacher), _halves(student)
    spread = ((2 * log_std).exp() + (mean - other_mean) ** 2) * 0.5 * (-2 * other_log_std).exp()
    return (other_log_std - log_std + spread - 0.5).sum(-1).mean()


def _halves(parameters: Tensor) -> tuple[Tensor, Tensor]:
    if parameters.shape[-1] % 2:
        raise ValueError(f"{parameters.shape[-1]} numbers are no means and as many log standard deviations")
    mean, log_std = parameters.chunk(2, dim=-1)
    return mean, log_std
