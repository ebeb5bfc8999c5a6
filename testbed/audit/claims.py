"""What may be claimed of several quantities together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MARGIN = 0.1
"""A ratio that lies within so much of 0 is none for every purpose here."""
LEVEL = 0.05
"""Chance of a wrong claim that is put up with."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being several (Holm 1979): all below a level may be claimed together."""
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = np.empty(len(p_values)), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min((len(p_values) - rank) * p_values[place], 1.0))
        adjusted[place] = largest
    return adjusted.tolist()
