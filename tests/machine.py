"""Which machines compute the same last digits as the one that recorded the reference sets."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from testbed.threads import one_thread

RECORDER = "1f63cc7fd8c485c3"
"""`last_digits` of the machine that recorded the reference sets."""


def last_digits() -> str:
    """Return what tells machines apart whose mathematics differ in last digits: a hash of NumPy's and the C library's.

    On a machine like the recorder, replays are exact to the last bit; `test_reference_sets.py` asks of others what can
    be asked of every machine.
    """
    x = np.random.default_rng(0).uniform(0.01, 3.0, 4096)
    arrays = [f(x) for f in (np.sin, np.cos, np.tan, np.arctan, np.exp, np.log, np.sqrt)]
    arrays += [np.arctan2(x, x[::-1]), x ** x[::-1], np.hypot(x, x[::-1])]
    scalars = [f(v) for f in (math.sin, math.cos, math.tan, math.atan, math.exp, math.log) for v in x.tolist()]
    return hashlib.sha256(np.concatenate([*arrays, scalars]).tobytes()).hexdigest()[:16]


def like_the_recorder() -> bool:
    """Return whether this machine is like the recorder."""
    return last_digits() == RECORDER


@one_thread()
def products() -> str:
    """Return the same of products of matrices, as networks compute them: they hang on the processor too."""
    rng = np.random.default_rng(0)
    sizes = ((8, 40, 64), (128, 40, 256), (128, 256, 256), (8, 256, 256))
    made = [
        rng.normal(size=(n, m)).astype(np.float32) @ rng.normal(size=(m, k)).astype(np.float32) for n, m, k in sizes
    ]
    return hashlib.sha256(b"".join(product.tobytes() for product in made)).hexdigest()[:16]
