"""Losses of behaviour cloning: what was done should be likely, or close."""

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
    return -log_likelihood(logits, actions).mean()


def log_likelihood(logits: Tensor, actions: Tensor) -> Tensor:
    """Return log pi(a | s) of a categorical policy, shape (..., n); arguments as `negative_log_likelihood`."""
    if logits.shape[:-1] != actions.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and actions {tuple(actions.shape)} do not belong together")
    return log_probabilities(logits).transpose(-1, -2).gather(-2, actions[..., None, :]).squeeze(-2)


def log_probabilities(logits: Tensor) -> Tensor:
    """Return log pi of every action, shape (..., n, actions): along the last axis, which is short, torch needs nine
    times as long."""
    return functional.log_softmax(logits.transpose(-1, -2), -2).transpose(-1, -2)


def gaussian_negative_log_likelihood(parameters: Tensor, actions: Tensor) -> Tensor:
    """Return the behaviour-cloning loss of a Gaussian policy, the mean of -log pi(a | s), summed over components.

    Args:
        parameters: Student's means and log standard deviations, shape (..., n, 2 * components).
        actions: Demonstrated, shape (..., n, components).

    Raises:
        ValueError: if the shapes do not belong together.
    """
    return -gaussian_log_likelihood(parameters, actions).mean()


def gaussian_log_likelihood(parameters: Tensor, actions: Tensor) -> Tensor:
    """Return log pi(a | s) of a Gaussian policy, shape (..., n); see `gaussian_negative_log_likelihood`."""
    mean, log_std = halves(parameters)
    if mean.shape != actions.shape:
        raise ValueError(f"means {tuple(mean.shape)} and actions {tuple(actions.shape)} do not belong together")
    standardised = (actions - mean) * (-log_std).exp()
    return -(0.5 * standardised**2 + log_std + 0.5 * math.log(2 * math.pi)).sum(-1)


def squared_error(parameters: Tensor, actions: Tensor) -> Tensor:
    """Return the mean of |a - mean(s)|^2, the loss of a Gaussian policy whose deviation is fixed at 1, without
    constants.

    The deviation gets no gradient. Arguments as `gaussian_negative_log_likelihood`.
    """
    mean, _ = halves(parameters)
    if mean.shape != actions.shape:
        raise ValueError(f"means {tuple(mean.shape)} and actions {tuple(actions.shape)} do not belong together")
    return ((actions - mean) ** 2).sum(-1).mean()


def halves(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Return means and log standard deviations of Gaussians, shape (..., 2 * components) -> twice (..., components)."""
    if parameters.shape[-1] % 2:
        raise ValueError(f"{parameters.shape[-1]} numbers are no means and as many log standard deviations")
    mean, log_std = parameters.chunk(2, dim=-1)
    return mean, log_std
