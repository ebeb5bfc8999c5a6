"""Policies made smaller for the computer of a robot or a car: coarse weights, or few of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from testbed.policies.network import NetworkPolicy


def quantised(policy: NetworkPolicy, bits: int) -> NetworkPolicy:
    """Return a policy whose weights take one of 2^bits - 1 values, evenly spaced around 0, one scale a tensor (Jacob et
    al. 2018); biases stay as they are."""
    most = 2 ** (bits - 1) - 1

    def rounded(weight: np.ndarray) -> np.ndarray:
        scale = float(np.abs(weight).max()) / most or 1.0
        return (np.round(weight / scale) * scale).astype(np.float32)

    return _with_weights(policy, rounded)


def thinned(policy: NetworkPolicy, share: float) -> NetworkPolicy:
    """Return a policy without a share of the weights of every layer, the smallest (Han et al. 2015)."""

    def sparse(weight: np.ndarray) -> np.ndarray:
        gone = np.argsort(np.abs(weight), axis=None, kind="stable")[: round(share * weight.size)]
        left = weight.copy()
        left.flat[gone] = 0.0
        return left

    return _with_weights(policy, sparse)


def _with_weights(policy: NetworkPolicy, change: Callable[[np.ndarray], np.ndarray]) -> NetworkPolicy:
    arrays = {name: change(one) if name.endswith(".weight") else one for name, one in policy.arrays.items()}
    return NetworkPolicy(policy.config, arrays)
