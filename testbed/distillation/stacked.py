"""Train k students at once: one batched network instead of a loop over seeds and arms.

Every student keeps its own weights, data order, optimiser moments and normaliser; only the
arithmetic is shared, so a student comes out as if it had been trained alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from testbed.policies.network import CATEGORICAL, LOG_STD, NetworkPolicy, PolicyConfig, random_arrays
from testbed.seeding import generator

Loss = Callable[[Tensor, Tensor], Tensor]
"""(students' parameters (k, n, ...), targets (k, n, ...)) -> loss summed over the k students."""


@dataclass(frozen=True)
class Training:
    """How long and how fast students train. All arms of an experiment share one of these."""

    steps: int = 4000
    """Optimiser steps."""
    batch: int = 256
    """Samples a step."""
    learning_rate: float = 1e-3
    """Adam's (Kingma and Ba 2015) step size at the start; it falls to 0 along a cosine."""


@dataclass(frozen=True)
class Samples:
    """The training set of one student."""

    observations: np.ndarray
    """Shape (n, d), float32."""
    targets: np.ndarray
    """Actions, shape (n,) or (n, size), or the parameters of the teacher's distribution (see `losses`)."""


def train_stacked(
    config: PolicyConfig,
    samples: Sequence[Samples],
    seeds: Sequence[int],
    loss: Loss,
    training: Training,
    on_step: Callable[[int, float], None] | None = None,
) -> list[NetworkPolicy]:
    """Train one fresh student for each of k data sets and seeds, all at once.

    Args:
        config: Shape of every student.
        samples: One data set a student.
        seeds: One seed a student, for its weights and its data order.
        loss: Summed over students, so that each one's gradient is its own.
        training: Steps, batch and learning rate.
        on_step: Called with the step and the mean loss a student, every 50 steps.

    Returns:
        The students, in the order of the seeds.
    """
    starts = [random_arrays(config, generator(seed, "weights")) for seed in seeds]
    moments = [_normaliser(data.observations) for data in samples]
    weights = _stack(starts, moments, config)
    parameters = [tensor for name, tensor in weights.items() if name not in ("mean", "std")]
    optimiser = torch.optim.Adam([p.requires_grad_() for p in parameters], lr=training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, training.steps)
    orders = [generator(seed, "batches") for seed in seeds]
    observations = [torch.from_numpy(np.ascontiguousarray(data.observations)) for data in samples]
    targets = [torch.from_numpy(np.ascontiguousarray(data.targets)) for data in samples]
    for step in range(training.steps):
        rows = [
            torch.from_numpy(order.integers(len(o), size=training.batch))
            for order, o in zip(orders, observations, strict=True)
        ]
        batch = torch.stack([o[r] for o, r in zip(observations, rows, strict=True)])
        wanted = torch.stack([t[r] for t, r in zip(targets, rows, strict=True)])
        value = loss(stacked_parameters(weights, batch, config), wanted)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        schedule.step()
        if on_step and (step % 50 == 0 or step == training.steps - 1):
            on_step(step + 1, float(value.detach()) / len(seeds))
    return _unstack(weights, config, len(seeds))


def stacked_parameters(weights: dict[str, Tensor], observations: Tensor, config: PolicyConfig) -> Tensor:
    """Return the distributions of k networks on their own batches, shape (k, n, d) -> (k, n, actions) or twice that."""
    hidden = (observations - weights["mean"][:, None]) / weights["std"][:, None]
    layers = len(config.hidden)
    for layer in range(layers + 1):
        bias = weights[f"layer{layer}.bias"][:, None]
        hidden = torch.baddbmm(bias, hidden, weights[f"layer{layer}.weight"])
        if layer < layers:
            hidden = torch.relu(hidden)
    if config.head == CATEGORICAL:
        return hidden
    spread = weights["log_std"][:, None].clamp(*LOG_STD)
    return torch.cat([hidden, spread.expand_as(hidden)], dim=-1)


def _normaliser(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each component; a constant one is left as it is."""
    mean, std = observations.mean(axis=0), observations.std(axis=0)
    return mean.astype(np.float32), np.where(std > 1e-3, std, 1.0).astype(np.float32)


def _stack(starts, moments, config: PolicyConfig) -> dict[str, Tensor]:
    for start, (mean, std) in zip(starts, moments, strict=True):
        start["mean"], start["std"] = mean, std
    return {name: torch.from_numpy(np.stack([start[name] for start in starts])) for name in config.shapes}


def _unstack(weights: dict[str, Tensor], config: PolicyConfig, count: int) -> list[NetworkPolicy]:
    arrays = {name: tensor.detach().numpy() for name, tensor in weights.items()}
    return [
        NetworkPolicy(config, {name: array[number].copy() for name, array in arrays.items()}) for number in range(count)
    ]
