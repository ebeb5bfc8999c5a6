"""What the observations of all driving scenes share: context as one-hot numbers, limits, rounding."""

from __future__ import annotations

import numpy as np

from testbed.envs.kernel.compiling import compiled

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
