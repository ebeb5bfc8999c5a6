"""Statistics by the experiment's rules: the training seed, or the pair of teachers, is the unit; all arms share scenes.

Severities of an arm are a table, units x scenes, and a mean is uncertain by both: other units and other scenes would
have given another one. Its variance is that of crossed random effects, found by the mean squares of the table.
Differences are taken cell by cell, so they are paired over scenes, and over units where both
arms have several.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from testbed.audit.result import Interval

CONFIDENCE = 95.0


@dataclass(frozen=True)
class Variance:
    """One part of the variance of a mean."""

    value: float
    """The part; infinite where one cell is all there is."""
    df: float
    """Its degrees of freedom."""


@dataclass(frozen=True)
class Unseen:
    """What scenes may have missed: what happens in none of n scenes may happen in others, and change those."""

    effect: float
    """The most by which it changes a scene."""
    scenes: int
    """Scenes."""

    def half(self, confidence: float = CONFIDENCE) -> float:
        """Return by how much a mean may change: at 95 % about 3/n of the effect, the rule of three (Hanley and
        Lippman-Hand 1983)."""
        return self.effect * float(1 - (1 - confidence / 100) ** (1 / self.scenes))

    def p(self, value: float) -> float:
        """Return how likely nothing is seen of what changes the mean by `value`."""
        share = abs(value) / self.effect if self.effect else 1.0
        return float((1 - min(share, 1.0)) ** self.scenes)


NOTHING = Unseen(0.0, 1)
"""Nothing is missed."""


@dataclass(frozen=True)
class Mean:
    """The mean of a table, and how sure it is."""

    value: float
    """The mean."""
    variances: tuple[Variance, ...]
    """Its variance in parts, each found by itself."""
    unseen: Unseen = NOTHING
    """What its scenes may have missed; no interval is narrower, and no p smaller, than that allows."""

    def half(self, confidence: float = CONFIDENCE) -> float:
        """Return half the width of its interval: Student's quantile of each part times that part, added in squares.

        That keeps its level where parts have different degrees of freedom (Cochran 1964; Mickey and Brown 1966).
        """
        return max(self._half(1 - confidence / 100), self.unseen.half(confidence))

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Return its interval."""
        half = self.half(confidence)
        return Interval(self.value, self.value - half, self.value + half)

    @property
    def p(self) -> float:
        """Two-sided p of "it is 0": what the widest interval without 0 leaves out."""
        return max(self._p(), self.unseen.p(self.value))

    @property
    def p_above(self) -> float:
        """One-sided p of "it is at most 0"."""
        return max(self._p() / 2, self.unseen.p(self.value)) if self.value > 0 else 1 - self._p() / 2

    def _half(self, p: float) -> float:
        return math.sqrt(sum(quantile(p, one.df) ** 2 * one.value for one in self.variances if one.value))

    def _p(self) -> float:
        if self.value == 0.0 or not any(one.value for one in self.variances):
            return float(self.value == 0.0)
        low, high = -300.0, 0.0  # powers of ten
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (low, middle) if self._half(10**middle) < abs(self.value) else (middle, high)
        return float(10**high)


def quantile(p: float, df: float) -> float:
    """Return what Student's distribution exceeds to either side with probability `p`."""
    from scipy.special import stdtrit

    return float(-stdtrit(df, p / 2))


def student(confidence: float, df: float) -> float:
    """Return the quantile of Student's distribution that leaves `confidence` per cent in the middle."""
    return quantile(1 - confidence / 100, df)


def mean_of(table: np.ndarray) -> Mean:
    """Return the mean of a units x scenes table, with its variance as that of two crossed random effects.

    For I units and J scenes, with mean squares A of units, B of scenes and E of what is left, the variance of the mean
    is (A + B - E) / IJ (Searle, Casella and McCulloch 1992, section 4.5): A has I - 1 degrees of freedom, B - E is
    given J - 1. Where B alone says that it is less sure, that counts; with one unit or one scene the other alone does.

    Args:
        table: Shape (units, scenes).

    Raises:
        ValueError: if it is no table.
    """
    if table.ndim != 2 or not table.size:
        raise ValueError(f"a table is units x scenes, not {table.shape}")
    table = np.asarray(table, float)
    units, scenes = table.shape
    value = float(table.mean())
    if table.size == 1:
        return Mean(value, (Variance(math.inf, 1),))
    if table.min() == table.max():  # a mean of equal numbers may differ from them in its last digit
        return Mean(float(table.flat[0]), ())
    if min(units, scenes) == 1:
        return Mean(value, (Variance(float(table.var(ddof=1)) / table.size, table.size - 1),))
    rows, columns = table.mean(axis=1, keepdims=True) - value, table.mean(axis=0, keepdims=True) - value
    of_units = scenes * float((rows**2).sum()) / (units - 1)
    of_scenes = units * float((columns**2).sum()) / (scenes - 1)
    rest = float(((table - value - rows - columns) ** 2).sum()) / ((units - 1) * (scenes - 1))
    both = Mean(value, (
        Variance(of_units / table.size, units - 1), Variance(max(of_scenes - rest, 0.0) / table.size, scenes - 1)
    ))  # fmt: skip
    alone = Mean(value, (Variance(of_scenes / table.size, scenes - 1),))
    return max(both, alone, key=Mean.half)


def mean_interval(table: np.ndarray) -> Interval:
    """Return the mean of a units x scenes table with its interval."""
    return mean_of(table).interval()


def rate_interval(table: np.ndarray) -> Interval:
    """Return the share of ones in a 0/1 table, or the mean of shares, with Korn and Graubard's (1998) interval.

    That is Clopper and Pearson's for as many independent episodes as have the variance of this mean; none (or all) in
    n scenes gives 3/n at the open end: the rule of three (Hanley and Lippman-Hand 1983), with n the number of scenes,
    not of episodes, since units share them.
    """
    return share_interval(mean_of(table), table.shape[1], table.size)


def share_interval(found: Mean, scenes: int, episodes: int) -> Interval:
    """Return a share with its interval, as `rate_interval` does, from its mean over so many scenes and episodes."""
    from scipy.special import betaincinv

    share, half = found.value, found.half()
    if share in (0.0, 1.0):
        rule = min(3 / scenes, 1.0)
        return Interval(share, max(share - rule, 0.0), min(share + rule, 1.0))
    count = min(share * (1 - share) * (student(CONFIDENCE, math.inf) / half) ** 2, episodes) if half else episodes
    hits, tail = share * count, (1 - CONFIDENCE / 100) / 2
    low, high = betaincinv(hits, count - hits + 1, tail), betaincinv(hits + 1, count - hits, 1 - tail)
    return Interval(share, float(low), float(high))


def difference_interval(first: np.ndarray, second: np.ndarray) -> Interval:
    """Return the mean of `first` minus that of `second`, tables of the same scenes.

    Units are paired where there are as many of both, or one of either. Where they are not, the variances of both are
    added to that of the scenes' differences, so that the interval is rather too wide.
    """
    if len(first) == len(second) or 1 in (len(first), len(second)):
        return mean_interval(first - second)
    units = tuple(Variance(float(one.mean(axis=1).var(ddof=1)) / len(one), len(one) - 1) for one in (first, second))
    scenes = mean_of((first.mean(axis=0) - second.mean(axis=0))[None])
    return Mean(scenes.value, (*units, *scenes.variances)).interval()


def cvar(values: np.ndarray, worse: str, share: float = 0.1) -> float:
    """Return the mean of the worst share of values (conditional value at risk; Rockafellar and Uryasev 2000)."""
    ordered = np.sort(values.ravel())
    count = max(int(np.ceil(share * len(ordered))), 1)
    return float((ordered[-count:] if worse == "higher" else ordered[:count]).mean())
