"""Losses of KL policy distillation: how far the student's distribution over actions is from its teacher's."""

from __future__ import annotations

import math

from torch import Tensor

from testbed.distillation.losses.likelihood import halves, log_probabilities


def policy_divergence(teacher: Tensor, student: Tensor, temperature: float = 1.0, reverse: bool = False) -> Tensor:
    """Return the mean of KL(teacher^(1/T) || student) (Rusu et al. 2015, Policy Distillation, eq. 3), in nats.

    The teacher's logits are divided by the temperature: below 1 its distribution is sharpened, as in the paper (0.01
    there for Q values). Forward KL covers all that the teacher may do; reverse KL, KL(student || teacher^(1/T)),
    seeks one of its modes (Czarnecki et al. 2019, Distilling Policy Distillation).

    Args:
        teacher: Logits, shape (..., n, actions).
        student: Logits of the same shape.
        temperature: T > 0.
        reverse: The other direction.

    Raises:
        ValueError: if the shapes differ or the temperature is not positive.
    """
    _check(teacher, student, temperature)
    target, given = log_probabilities(teacher / temperature), log_probabilities(student)
    first, second = (given, target) if reverse else (target, given)
    return (first.exp() * (first - second)).sum(-1).mean()


def gaussian_divergence(teacher: Tensor, student: Tensor, temperature: float = 1.0, reverse: bool = False) -> Tensor:
    """Return the mean of KL(teacher^(1/T) || student) between Gaussians with independent components, in nats.

    log(s / t) + (t^2 + (m - n)^2) / 2 s^2 - 1/2 a component, with means m, n and deviations t, s of teacher and student
    (for example Kingma and Welling 2014, appendix B). A Gaussian to the power 1/T is one with T times the variance.

    Args:
        teacher: Means and log standard deviations, shape (..., n, 2 * components).
        student: The same of the student.
        temperature: T > 0.
        reverse: KL(student || teacher^(1/T)) instead.

    Raises:
        ValueError: if the shapes differ or the temperature is not positive.
    """
    _check(teacher, student, temperature)
    mean, log_std = halves(teacher)
    target, given = (mean, log_std + 0.5 * math.log(temperature)), halves(student)
    (m, log_t), (n, log_s) = (given, target) if reverse else (target, given)
    spread = ((2 * log_t).exp() + (m - n) ** 2) * 0.5 * (-2 * log_s).exp()
    return (log_s - log_t + spread - 0.5).sum(-1).mean()


def _check(teacher: Tensor, student: Tensor, temperature: float) -> None:
    if teacher.shape != student.shape:
        raise ValueError(f"teacher {tuple(teacher.shape)} and student {tuple(student.shape)} differ")
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
