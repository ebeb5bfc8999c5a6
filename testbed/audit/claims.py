"""What may be claimed of a transfer ratio: that it is there, that it is none, or neither."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MARGIN = 0.1
"""A ratio that lies within so much of 0 is none for every purpose here."""
CONFIDENCE = 0.05
"""Chance of a wrong claim that is put up with."""


def p_value(replicates: np.ndarray) -> float:
    """Return the two-sided p of "it is 0" from bootstrap replicates of a quantity: twice the smaller tail beyond 0.

    At least 2 / (replicates + 1), since no bootstrap says more (Davison and Hinkley 1997, section 4.2.3).
    """
    count = len(replicates)
    tails = ((replicates <= 0).sum() + 1) / (count + 1), ((replicates >= 0).sum() + 1) / (count + 1)
    return float(min(2 * min(tails), 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being several (Holm 1979): all below a level may be claimed together."""
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = np.empty(len(p_values)), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min((len(p_values) - rank) * p_values[place], 1.0))
        adjusted[place] = largest
    return adjusted.tolist()


def equivalent_to_zero(replicates: np.ndarray, margin: float = MARGIN) -> bool:
    """Return whether a quantity is within a margin of 0: two one-sided tests at `CONFIDENCE` (Schuirmann 1987).

    That is, whether its 90 % interval lies between the margins.
    """
    low, high = np.percentile(replicates, [100 * CONFIDENCE, 100 * (1 - CONFIDENCE)])
    return bool(-margin < low and high < margin)


def differs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return replicates of a difference; two infinite ones, of ratios that could not be formed, are no difference."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(first - second, nan=0.0, posinf=np.inf, neginf=-np.inf)
