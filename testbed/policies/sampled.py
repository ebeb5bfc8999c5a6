"""A Gaussian policy that draws its actions, the same ones for the same observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.policies.network import NetworkPolicy
from testbed.seeding import Draws, row_hashes

MOST = 0.1
"""No standard deviation is larger in effect: an action leads the hand, so that noise adds up (orders fail from 0.2 on).
This much shows students how to mend small errors (as in DART, Laskey et al. 2017)."""


@dataclass(frozen=True)
class SampledPolicy:
    """Draws from a Gaussian policy instead of taking its mean.

    The draw is a hash of the observation: it depends on nothing else, so a recording that goes on after an
    interruption, in whatever batches, is the same to the last bit.
    """

    policy: NetworkPolicy
    """A policy with a Gaussian head."""
    seed: int
    """Another seed gives other draws."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, actions), within [-1, 1]."""
        mean, log_std = np.split(self.policy.parameters(observations), 2, axis=1)
        draws, size = Draws(row_hashes(observations, self.seed)), mean.shape[1]
        # Box and Muller 1958.
        radius = np.sqrt(-2 * np.log1p(-draws.uniform(0.0, 1.0, size)))
        noise = radius * np.cos(2 * np.pi * draws.uniform(0.0, 1.0, size))
        spread = np.minimum(np.exp(log_std), MOST)
        return np.clip(mean + spread * noise, -1.0, 1.0).astype(np.float32)
