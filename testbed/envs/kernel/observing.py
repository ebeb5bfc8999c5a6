"""What all driving scenes share when they are judged and seen: ends; context as one-hot numbers, limits, rounding."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.kernel.records import SUCCESS, TERMINATED, TRUNCATED

LIMIT = 4.0
"""No component of an observation is larger."""
GRAIN = 2.0**-14
"""Observations are multiples of this: two simulators that agree to 1e-12 then show policies the same numbers."""


@compiled
def write_context(world, sizes, out, start):
    """Write each context factor as a one-hot vector into `out` from `start` on; `sizes` are the factors' lengths."""
    for factor in range(len(sizes)):
        out[start + world.context[factor]] = 1.0
        start += sizes[factor]


@compiled
def finish(out):
    """Clip and round an observation."""
    for k in range(len(out)):
        # Adding zero turns -0.0 into 0.0: equal numbers shall be equal bits.
        out[k] = np.rint(min(max(out[k], -LIMIT), LIMIT) / GRAIN) * GRAIN + 0.0


@compiled
def ending(done, collided, late):
    """Return how an episode ended, as the bits of `records`: 0 if its task is not done and nothing else ended it."""
    bits = 0
    if done or collided:
        bits |= TERMINATED
    if late:
        bits |= TRUNCATED
    if done and not collided:
        bits |= SUCCESS
    return bits
