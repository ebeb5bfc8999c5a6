"""The random numbers of `testbed.seeding.Draws` one at a time, for compiled code."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled

_GOLDEN, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@compiled
def drawn(seed, number, low, high):
    """Return a number from `low` to `high`: of the stream of a seed (uint64) that of a position, from 0 on."""
    bits = _mixed(_mixed(seed) + np.uint64(number + 1) * _GOLDEN)
    return low + (bits >> np.uint64(11)) * 2.0**-53 * (high - low)


@compiled
def _mixed(value):
    value = (value ^ (value >> np.uint64(30))) * _FIRST
    value = (value ^ (value >> np.uint64(27))) * _SECOND
    return value ^ (value >> np.uint64(31))
