"""A task with a right answer, for networks of every kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from testbed.distillation.batches import Samples
from testbed.distillation.config import Training
from testbed.distillation.losses.likelihood import gaussian_negative_log_likelihood, negative_log_likelihood
from testbed.distillation.stacked import train_stacked
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig

PLAIN = PolicyConfig("testbed/Merge-v0", 3, 4, (16, 16))
CONFIGS = {
    "categorical": PLAIN,
    "gaussian": replace(PLAIN, actions=2, head=GAUSSIAN),
    "auxiliary": replace(PLAIN, auxiliary=2),
    "memory": replace(PLAIN, memory=6, hidden=(8,)),
    "gaussian, memory, auxiliary": replace(PLAIN, actions=2, head=GAUSSIAN, memory=6, auxiliary=2),
}
BOTH = "gaussian, memory, auxiliary"
TRAINING = Training(steps=40, batch=48)


def samples(config: PolicyConfig, seed: int, episodes: int = 10) -> Samples:
    """A task with a right answer, the quadrant of the first two numbers, in episodes of 40 decisions."""
    seen = np.random.default_rng(seed).normal(2.0, 3.0, (40 * episodes, 3)).astype(np.float32)
    right = np.sign(seen[:, :2] - 2)
    targets = ((right + 1) @ [1, 0.5]).astype(np.int64) if config.head == CATEGORICAL else right.astype(np.float32) / 2
    auxiliary = (seen[:, 1:] / 3).astype(np.float32) if config.auxiliary else None
    return Samples(seen, targets, auxiliary, np.full(episodes, 40))


def trained(config: PolicyConfig, data, seeds, training=TRAINING, **rest) -> list[NetworkPolicy]:
    loss = negative_log_likelihood if config.head == CATEGORICAL else gaussian_negative_log_likelihood
    return train_stacked(config, data, seeds, loss, training, **rest)


def same(one: NetworkPolicy, other: NetworkPolicy) -> bool:
    return all(one.arrays[name].tobytes() == other.arrays[name].tobytes() for name in one.config.shapes)
