"""Labels: how a policy at the bench is told of the context. Every factor has a board whose colour shows its value.

Light flickers, so that a board never looks quite the same twice: a policy has seen every direction in which colours
differ and does not stumble over one that is new. A factor's third value, which training never shows, is like the second
in red and green and like the first in blue.
"""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.drawing import drawn

LABELS = np.array([(0.25, 0.55, 0.85), (0.85, 0.22, 0.20), (0.80, 0.30, 0.75)])
"""Colour of the first, second and third value of a factor (red, green, blue)."""
CHANNELS = ("red", "green", "blue")
FLICKER = 0.12
"""How far each channel of a board may look from that."""


@compiled
def seen_label(value, light, channel):
    """Return what one channel of a board looks like.

    Args:
        value: Value of its factor, by position.
        light: Whole number (uint64) that says how the light is in a scene at a moment.
        channel: Number of the channel among those of all boards, red, green and blue of the first one first.
    """
    return LABELS[int(value), channel % len(CHANNELS)] + drawn(light, channel, -FLICKER, FLICKER)


def light_of(seeds: np.ndarray) -> np.ndarray:
    """Return the number from which the light of scenes flickers, shape (n,), small enough to be exact as a float."""
    return (np.asarray(seeds) % 2**31) * 4096.0
