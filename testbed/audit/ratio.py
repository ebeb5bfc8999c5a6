"""Transfer ratios: how much of a habit was handed down, with intervals that hold where little was injected too."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from testbed.audit.result import Interval
from testbed.audit.statistics import CONFIDENCE, Unseen, mean_interval, mean_of
from testbed.audit.text import two_decimals

LARGEST = 1e9
"""No ratio is looked for beyond it."""


def transfer_ratio(
    student: np.ndarray, control: np.ndarray, teacher: np.ndarray, clean: np.ndarray
) -> tuple[Interval | None, str]:
    """Return (student - control) / (teacher - clean teacher) and, where it is refused, why.

    It is refused where the interval of the denominator includes 0: then there is no habit to inherit.
    """
    inherited, injected = student - control, teacher - clean
    habit = mean_interval(injected)
    if not habit.excludes_zero:
        return None, f"teacher - clean teacher is {two_decimals(habit)}, which includes 0"
    return ratio_interval(inherited, injected, unseen(injected)), ""


def unseen(injected: np.ndarray) -> Unseen:
    """Return what scenes may have missed of a habit that changes a scene by as much as it was ever seen to.

    Args:
        injected: Teacher - clean teacher, shape (units, scenes).
    """
    return Unseen(float(np.abs(injected).max()), injected.shape[1])


def ratio_interval(
    inherited: np.ndarray, injected: np.ndarray, missed: Unseen, confidence: float = CONFIDENCE
) -> Interval:
    """Return the ratio of two means with Fieller's (1954) interval: every ratio r for which the mean of
    `inherited - r * injected` is not told from 0.

    Args:
        inherited: The numerator, shape (units, scenes).
        injected: The denominator, of the same shape or of one unit; its own mean is told from 0.
        missed: What scenes may have missed.
        confidence: In per cent.
    """
    ratio = float(inherited.mean() / injected.mean())

    def beyond(r: float) -> bool:
        found = replace(mean_of(inherited - r * injected), unseen=missed).interval(confidence)
        return not found.low <= 0 <= found.high

    return Interval(ratio, _edge(beyond, ratio, -1), _edge(beyond, ratio, 1))


def equivalence(inherited: np.ndarray, injected: np.ndarray, missed: Unseen, margin: float) -> float:
    """Return the p of "the ratio of two means is not within a margin of 0": two one-sided tests (Schuirmann 1987).

    Each asks whether the mean of `inherited` is inside a margin times that of `injected`, so nothing is divided by.
    """
    sign = 1 if injected.mean() >= 0 else -1
    inside = (sign * (margin * injected + turn * inherited) for turn in (1, -1))
    return max(replace(mean_of(one), unseen=missed).p_above for one in inside)


def _edge(beyond: Callable[[float], bool], inside: float, sign: int) -> float:
    """Return where an interval ends, to one part in 10^6 of its half, or infinity."""
    step = 1e-6
    while not beyond(inside + sign * step):
        step *= 4
        if step > LARGEST:
            return sign * math.inf
    near, far = step / 4 if step > 1e-6 else 0.0, step
    while far - near > max(1e-6 * far, 1e-12):
        middle = (near + far) / 2
        near, far = (near, middle) if beyond(inside + sign * middle) else (middle, far)
    return inside + sign * far
