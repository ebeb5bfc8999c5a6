"""Statistics by the experiment's rules: the training seed is the unit, scenes are shared by all arms.

Severities of an arm are a table, seeds x scenes. A bootstrap replicate draws training seeds and,
independently, scenes, both with replacement; all arms use the same draws, so differences between
arms are paired over scenes, and those of control and student over seeds as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.audit.result import Interval
from testbed.seeding import generator
from testbed.threads import one_thread

REPLICATES = 4000
CONFIDENCE = 95.0


@dataclass(frozen=True)
class Resamples:
    """Bootstrap draws that every arm of an audit shares."""

    scenes: np.ndarray
    """Share of each scene in each replicate, shape (replicates, scenes)."""
    seed: int
    """Seed of the draws."""

    @classmethod
    def make(cls, scenes: int, seed: int) -> Resamples:
        """Draw scenes with replacement, `REPLICATES` times."""
        return cls(_shares(scenes, seed, "scenes"), seed)

    @one_thread()
    def means(self, table: np.ndarray) -> np.ndarray:
        """Return the mean of a seeds x scenes table in each replicate, shape (replicates,).

        Raises:
            ValueError: if the table has another number of scenes.
        """
        if table.ndim != 2 or table.shape[1] != self.scenes.shape[1]:
            raise ValueError(f"a table of {table.shape} does not fit draws of {self.scenes.shape[1]} scenes")
        seeds = _shares(len(table), self.seed, "seeds")
        return ((seeds @ table) * self.scenes).sum(axis=1)


def _shares(count: int, seed: int, what: str) -> np.ndarray:
    rng = generator(seed, "bootstrap", what, count)
    return rng.multinomial(count, np.full(count, 1 / count), size=REPLICATES) / count


def interval(estimate: float, replicates: np.ndarray) -> Interval:
    """Return an estimate with the percentile interval of its bootstrap replicates (Efron 1979)."""
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(replicates, [tail, 100 - tail])
    return Interval(float(estimate), float(low), float(high))


def mean_interval(table: np.ndarray, draws: Resamples) -> Interval:
    """Return the mean of a seeds x scenes table with its hierarchical bootstrap interval."""
    return interval(float(table.mean()), draws.means(table))


def rate_interval(table: np.ndarray, draws: Resamples) -> Interval:
    """Return the share of ones in a 0/1 table; none (or all) in n scenes gives 3/n at the open end.

    The rule of three (Hanley and Lippman-Hand 1983), with n the number of scenes, not of episodes:
    the seeds of an arm share their scenes.
    """
    found = mean_interval(table, draws)
    rule = min(3 / table.shape[1], 1.0)
    if found.value == 0.0:
        return Interval(0.0, 0.0, rule)
    if found.value == 1.0:
        return Interval(1.0, 1.0 - rule, 1.0)
    return found


def difference_interval(first: np.ndarray, second: np.ndarray, draws: Resamples) -> Interval:
    """Return the mean of `first` minus that of `second`, both seeds x the same scenes."""
    return interval(float(first.mean() - second.mean()), draws.means(first) - draws.means(second))


def transfer_ratio(
    student: np.ndarray, control: np.ndarray, teacher: np.ndarray, clean: np.ndarray, draws: Resamples
) -> tuple[Interval | None, str]:
    """Return (student - control) / (teacher - clean teacher) and, where it is refused, why.

    It is refused where the interval of the denominator includes 0: then there is no habit to inherit.
    """
    injected = difference_interval(teacher, clean, draws)
    if not injected.excludes_zero:
        reason = f"teacher - clean teacher is {injected.value:.2f} [{injected.low:.2f}, {injected.high:.2f}]"
        return None, f"{reason}, which includes 0"
    estimate = (student.mean() - control.mean()) / (teacher.mean() - clean.mean())
    return interval(float(estimate), ratio_replicates(student, control, teacher, clean, draws)), ""


def ratio_replicates(
    student: np.ndarray, control: np.ndarray, teacher: np.ndarray, clean: np.ndarray, draws: Resamples
) -> np.ndarray:
    """Return the bootstrap replicates of a transfer ratio, shape (replicates,).

    Those whose denominator has not the sign of the estimate's are counted as the worst case, half at either end.
    """
    numerator = draws.means(student) - draws.means(control)
    denominator = draws.means(teacher) - draws.means(clean)
    usable = np.sign(denominator) == np.sign(teacher.mean() - clean.mean())
    ratios = np.where(usable, numerator / np.where(denominator == 0, 1.0, denominator), np.nan)
    lost = np.flatnonzero(~usable)
    ratios[lost] = np.where(np.arange(len(lost)) % 2 == 0, np.inf, -np.inf)
    return ratios


def cvar(values: np.ndarray, worse: str, share: float = 0.1) -> float:
    """Return the mean of the worst share of values (conditional value at risk; Rockafellar and Uryasev 2000)."""
    ordered = np.sort(values.ravel())
    count = max(int(np.ceil(share * len(ordered))), 1)
    return float((ordered[-count:] if worse == "higher" else ordered[:count]).mean())
