"""What a network sees of its observations: nothing of a component that never varied in its data.

Nothing can be learnt of such a component, for example of a value of a factor that was held out, so a network is not to
be thrown off by the weights that it began with where that value comes.
"""

from __future__ import annotations

import numpy as np

from testbed.policies.network import NetworkPolicy
from testbed.scratch import LARGE, pieces

LEAST = 1e-3
"""Components with a smaller standard deviation count as constant."""
UNKNOWN = 1e6
"""Standard deviation that is put for a constant component: whatever it becomes, a network sees 0."""


def varied(observations: np.ndarray) -> np.ndarray:
    """Return which components vary, shape (n, d) -> (d,) bool."""
    return observations.std(axis=0) > LEAST


def normaliser(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each component; that of a constant one is `UNKNOWN`."""
    mean, std = _moments(observations)
    return mean.astype(np.float32), np.where(std > LEAST, std, UNKNOWN).astype(np.float32)


def _moments(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each component, of a table larger than memory piece by piece."""
    if observations.nbytes <= LARGE:
        return observations.mean(axis=0), observations.std(axis=0)
    mean = sum(observations[part].sum(axis=0, dtype=float) for part in pieces(observations)) / len(observations)
    squares = (((observations[part] - mean) ** 2).sum(axis=0) for part in pieces(observations))
    return mean, np.sqrt(sum(squares) / len(observations))


def blinded(policy: NetworkPolicy, constant: np.ndarray, observations: np.ndarray) -> NetworkPolicy:
    """Return a policy that does not see some components, and acts as it did where they have their usual value.

    Args:
        policy: Who sees them.
        constant: Which they are, shape (d,) bool.
        observations: In which they have it, shape (n, d).
    """
    usual = (observations.mean(axis=0) - policy.arrays["mean"]) / policy.arrays["std"] * constant
    weight = policy.arrays["layer0.weight"]
    arrays = {
        **policy.arrays,
        "layer0.weight": np.where(constant[:, None], np.float32(0), weight),
        "layer0.bias": policy.arrays["layer0.bias"] + (usual @ weight).astype(np.float32),
    }
    return NetworkPolicy(policy.config, arrays)
