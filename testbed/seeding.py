"""One seed for a run; everything random draws from a generator named after its purpose."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for one purpose of one run.

    The purpose is hashed, so adding a new one never shifts the random numbers of the others.

    >>> derive_seed(0, "scenarios") != derive_seed(0, "weights")
    True
    """
    text = "/".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the NumPy generator of one purpose of one run (see `derive_seed`)."""
    return np.random.default_rng(derive_seed(seed, *purpose))


def scenario_seeds(seed: int, purpose: str, count: int) -> tuple[int, ...]:
    """Return `count` distinct scenario seeds (31-bit, as Gymnasium's `reset` takes) for one purpose.

    Different purposes give disjoint sets with overwhelming probability; an audit that must never
    see a training scene checks it (`testbed.experiment`).
    """
    draws = generator(seed, "scenarios", purpose).choice(2**31 - 1, size=count, replace=False)
    return tuple(int(draw) for draw in draws)
