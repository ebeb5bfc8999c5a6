"""Losses of proximal policy optimisation (Schulman et al. 2017), for any number of learners at once."""

from __future__ import annotations

import torch
from torch import Tensor


def clipped_surrogate(log_ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Return -E[min(r A, clip(r, 1 - clip, 1 + clip) A)] (eq. 7), one loss a learner.

    Args:
        log_ratio: log r, of what is done now to what was done when the decision was made, shape (..., n).
        advantages: A, shape (..., n).
        clip: How far r may move a decision.

    Raises:
        ValueError: if the shapes differ.
    """
    if log_ratio.shape != advantages.shape:
        raise ValueError(f"shapes {tuple(log_ratio.shape)} and {tuple(advantages.shape)} differ")
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).mean(-1)


def standardised(advantages: Tensor) -> Tensor:
    """Return the advantages of a batch with mean 0 and deviation 1, shape (..., n); a single one stays as it is."""
    if advantages.shape[-1] < 2:
        return advantages
    mean, deviation = advantages.mean(-1, keepdim=True), advantages.std(-1, keepdim=True)
    return (advantages - mean) / (deviation + 1e-8)


def generalised_advantages(
    rewards: Tensor, values: Tensor, over: Tensor, discount: float, smoothing: float
) -> Tensor:  # fmt: skip
    """Return generalised advantage estimates (Schulman et al. 2016, eq. 16), shape (t, ...).

    Args:
        rewards: Of t decisions one after the other, shape (t, ...).
        values: Of the states before each of them and after the last, shape (t + 1, ...).
        over: 1 where an episode ended with the decision, else 0: nothing that comes after counts, shape (t, ...).
        discount: What a reward one decision later is worth.
        smoothing: Their lambda.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    if rewards.shape != over.shape or values.shape != (len(rewards) + 1, *rewards.shape[1:]):
        found = ", ".join(str(tuple(one.shape)) for one in (rewards, values, over))
        raise ValueError(f"rewards, values and ends of shapes {found} do not belong together")
    going_on = 1 - over
    errors = rewards + discount * going_on * values[1:] - values[:-1]
    advantages, later = torch.empty_like(rewards), torch.zeros_like(rewards[0])
    for t in reversed(range(len(rewards))):
        later = errors[t] + discount * smoothing * going_on[t] * later
        advantages[t] = later
    return advantages
