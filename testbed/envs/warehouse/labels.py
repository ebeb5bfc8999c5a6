"""Labels: how a policy at the bench is told of the context. Every factor has a board whose colour shows its value.

Light flickers, so that a board never looks quite the same twice: a policy has seen every direction in which colours
differ and does not stumble over one that is new. A factor's third value, which training never shows, is like the second
in red and green and like the first in blue.
"""

from __future__ import annotations

import numpy as np

from testbed.seeding import Draws

LABELS = np.array([(0.25, 0.55, 0.85), (0.85, 0.22, 0.20), (0.80, 0.30, 0.75)])
"""Colour of the first, second and third value of a factor (red, green, blue)."""
CHANNELS = ("red", "green", "blue")
FLICKER = 0.12
"""How far each channel of a board may look from that."""


def seen_labels(context: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Return what the boards of n scenes look like, shape (n, 3 * factors).

    Args:
        context: Values of the factors by position, shape (n, factors).
        light: Whole numbers that say how the light is, one a scene and moment, shape (n,).
    """
    n, factors = context.shape
    colours = LABELS[context.astype(int)].reshape(n, -1)
    return colours + Draws(light.astype(np.uint64)).uniform(-FLICKER, FLICKER, 3 * factors)


def light_of(seeds: np.ndarray) -> np.ndarray:
    """Return the number from which the light of scenes flickers, shape (n,), small enough to be exact as a float."""
    return (np.asarray(seeds) % 2**31) * 4096.0
