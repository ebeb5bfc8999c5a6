"""A policy that now and then does something else, the same for the same observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.seeding import Draws, row_hashes

REACH = 0.3
"""How far each component of a continuous action is changed at most."""


@dataclass(frozen=True)
class ExploringPolicy:
    """Does something else in a share of its decisions: any discrete action, or a continuous one within REACH of its
    own.

    The draw is a hash of the observation, as `SampledPolicy`'s.
    """

    policy: NetworkPolicy
    """Whose states are explored around."""
    share: float
    """Share of the decisions, 0 to 1."""
    seed: int
    """Another seed gives other draws."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations: shape (n,), or (n, actions) within [-1, 1]."""
        config, own = self.policy.config, self.policy.act(observations)
        draws = Draws(row_hashes(observations, self.seed))
        elsewhere = draws.uniform(0.0, 1.0) < self.share
        if config.head == CATEGORICAL:
            return np.where(elsewhere, draws.uniform(0.0, config.actions).astype(own.dtype), own)
        other = np.clip(own + draws.uniform(-REACH, REACH, config.actions), -1.0, 1.0)
        return np.where(elsewhere[:, None], other, own).astype(np.float32)
