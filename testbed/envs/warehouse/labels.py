"""Labels: how a policy at the bench is told of the context. Every factor has a board whose colour shows its value.

No two boards have quite the same colour, so that a policy has seen every direction in which colours differ and does not
stumble over one that is new; a factor's third value, which training never shows, is like the second in red and green
and like the first in blue.
"""

from __future__ import annotations

import numpy as np

from testbed.seeding import Draws

LABELS = np.array([(0.25, 0.55, 0.85), (0.85, 0.22, 0.20), (0.80, 0.30, 0.75)])
"""Colour of the first, second and third value of a factor (red, green, blue)."""
CHANNELS = ("red", "green", "blue")
FADES = 0.12
"""How far each channel of a board may be from that."""


def draw_labels(draws: Draws, context: np.ndarray) -> np.ndarray:
    """Return the colours of the boards of n scenes with contexts of shape (n, factors), shape (n, 3 * factors)."""
    n, factors = context.shape
    return LABELS[context.astype(int)].reshape(n, -1) + draws.uniform(-FADES, FADES, 3 * factors)
