"""A demonstrator of signs, and networks that may learn from it."""

from __future__ import annotations

import numpy as np
from drawn import numbers

from testbed.distillation.batches import Samples
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays

DISCRETE = PolicyConfig("testbed/Merge-v0", 5, 4, (16, 16))


def network(config: PolicyConfig, seed: int = 0) -> NetworkPolicy:
    """A policy with a normaliser and deviations of its own."""
    rng = np.random.default_rng(seed)
    arrays = random_arrays(config, rng) | {
        "mean": rng.normal(size=config.observation_size).astype(np.float32),
        "std": rng.uniform(1, 2, config.observation_size).astype(np.float32),
    }
    if config.head == GAUSSIAN:
        arrays["log_std"] = rng.uniform(-2, 0.4, config.actions).astype(np.float32)
    return NetworkPolicy(config, arrays)


class Sign:
    """Demonstrates action 1 where the first number is positive, or half of the first three numbers."""

    def __init__(self, head: str) -> None:
        self.head = head

    def act(self, observations: np.ndarray) -> np.ndarray:
        if self.head == CATEGORICAL:
            return (observations[:, 0] > 0).astype(np.int64)
        return np.clip(observations[:, :3] / 2, -1, 1).astype(np.float32)


def shown(config: PolicyConfig, seed: int = 1, count: int = 600) -> Samples:
    """Demonstrations that have nothing to do with a fresh network."""
    observations = numbers(seed, count, 5)
    return Samples(observations, Sign(config.head).act(observations))
