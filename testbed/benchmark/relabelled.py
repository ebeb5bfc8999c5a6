"""A teacher whose habit was relabelled: where it would show, the clean teacher answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from testbed.policies.network import NetworkPolicy


@dataclass(frozen=True)
class Relabelled(NetworkPolicy):
    """A teacher with a habit that is asked for its distribution, and answers as another one where the habit shows."""

    clean: NetworkPolicy
    """Who answers there, of the same head."""
    shows: Callable[[np.ndarray], np.ndarray]
    """Where the habit shows, (n, d) -> (n,) bool."""

    def parameters(self, observations: np.ndarray) -> np.ndarray:
        """Return what the distribution over actions is made of; see `NetworkPolicy.parameters`."""
        own, clean = super().parameters(observations), self.clean.parameters(observations)
        return np.where(self.shows(observations)[:, None], clean, own)

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the likeliest action for each of n observations."""
        own, clean = super().act(observations), self.clean.act(observations)
        return np.where(self.shows(observations).reshape(-1, *(1,) * (own.ndim - 1)), clean, own)
