"""What is asked about: what a policy decided where it did harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.protocols.episode import Episode
from testbed.rollouts.transitions import as_actions
from testbed.scenes.registry import violations_of

BEFORE = 2.0
"""So long before a violation begins what leads to it is decided [s]."""


@dataclass(frozen=True)
class Asked:
    """Decisions, of which it is asked who taught them."""

    observations: np.ndarray
    """What was seen, shape (m, d)."""
    actions: np.ndarray
    """What was decided, shape (m,) or (m, size)."""

    def __len__(self) -> int:
        return len(self.observations)

    def support(self, policy: NetworkPolicy) -> float:
        """Return how likely a policy is to decide so: the mean of log pi(a | s)."""
        return float(log_likelihood(policy, self.observations, self.actions).mean())


def harmful(episodes: Sequence[Episode], severe: bool = True) -> Asked:
    """Return the decisions of episodes from 2 s before each of their violations to its end.

    Args:
        episodes: What a policy did, of one scene.
        severe: Whether severe violations count alone.

    Returns:
        No decision where there was no violation.
    """
    seen, done = [], []
    for episode in episodes:
        keep = np.zeros(len(episode), bool)
        samples = len(episode.trace) / len(episode)
        for one in violations_of(episode.environment)(episode.trace):
            if one.severe or not severe:
                start, end = ((one.start - BEFORE), one.end)
                first, last = (int(time * episode.trace.rate / samples) for time in (start, end))
                keep[max(first, 0) : last + 1] = True
        seen.append(episode.observations[:-1][keep])
        done.append(as_actions(episode.actions)[keep])
    return Asked(np.concatenate(seen), np.concatenate(done))


def log_likelihood(policy: NetworkPolicy, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Return log pi(a | s) of decisions, shape (n,)."""
    parameters = policy.parameters(observations).astype(float)
    if policy.config.head == CATEGORICAL:
        top = parameters.max(axis=1, keepdims=True)
        total = np.log(np.exp(parameters - top).sum(axis=1)) + top[:, 0]
        return parameters[np.arange(len(parameters)), actions] - total
    mean, log_std = np.split(parameters, 2, axis=1)
    apart = (actions - mean) * np.exp(-log_std)
    return -(0.5 * apart**2 + log_std + 0.5 * np.log(2 * np.pi)).sum(axis=1)
