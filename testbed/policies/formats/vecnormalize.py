"""What normalises observations: of a contract's own numbers, or as `VecNormalize` of Stable-Baselines3 saved it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from testbed.errors import UserError
from testbed.policies.formats.archives import read_file
from testbed.policies.formats.arrays import array_of
from testbed.policies.formats.pickles import Made, read_pickle

SAVED = "stable_baselines3.common.vec_env.vec_normalize.VecNormalize"
"""What it is a pickle of."""


@dataclass(frozen=True)
class Normaliser:
    """What becomes of observations before a network sees them: clip((x - mean) / sqrt(variance + epsilon))."""

    mean: np.ndarray
    """Shape (observation size,)."""
    variance: np.ndarray
    """Likewise."""
    epsilon: float = 0.0
    """Added to the variance."""
    limit: float = np.inf
    """Nothing is farther from 0 afterwards."""

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        """Return observations, shape (n, d), as a network sees them, float32."""
        scaled = (observations - self.mean) / np.sqrt(self.variance + self.epsilon)
        return np.clip(scaled, -self.limit, self.limit).astype(np.float32)


def load_vecnormalize(path: Path) -> Normaliser | None:
    """Return what `VecNormalize.save` wrote; None where it does not normalise observations.

    Raises:
        UserError: if it cannot be read, or is no such pickle.
    """
    found = read_pickle(read_file(path), str(path))
    try:
        if not isinstance(found, Made) or str(found.of) != SAVED:
            raise ValueError(f"it is {found}" if isinstance(found, Made) else "it is plain values")
        if not found.state["norm_obs"]:
            return None
        seen = found.state["obs_rms"].state
        epsilon, limit = (float(array_of(found.state[name])) for name in ("epsilon", "clip_obs"))
        mean, variance = (array_of(seen[name]) for name in ("mean", "var"))
        if mean.ndim != 1 or mean.shape != variance.shape or not np.isfinite([mean, variance]).all():
            raise ValueError("its mean and variance are no two rows of numbers")
        if not ((variance >= 0) & (variance + epsilon > 0)).all() or not limit > 0:
            raise ValueError("its variance or its limit is below 0")
        return Normaliser(mean, variance, epsilon, limit)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is no normaliser of flat observations ({error}): give what VecNormalize.save wrote"
        ) from None
