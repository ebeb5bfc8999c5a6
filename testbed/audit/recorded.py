"""What recorded episodes did: every measure of each, over all of them and by context, and who looks different.

Severity reads traces alone. What a data set says of its policy or habit is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from testbed.audit.claims import LEVEL, holm
from testbed.audit.result import Interval
from testbed.audit.statistics import mean_of, rate_interval
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.errors import UserError
from testbed.protocols.episode import Episode
from testbed.protocols.measure import Measure
from testbed.protocols.tabular import html_of
from testbed.scenes.registry import measures_of

ODD = 3.5
"""A modified z-score beyond this looks different from the rest (Iglewicz and Hoaglin 1993, section 3)."""
NORMAL = 0.6745
"""Median absolute deviation of a normal distribution with a spread of 1."""
AVERAGE = 1.253314
"""Spread of a normal distribution with a mean absolute deviation of 1."""
SEVERAL = 5
"""Episodes of a value of the context that are compared with the rest, at least."""


@dataclass(frozen=True)
class Recorded:
    """Episodes of one scene, measured.

    Examples:
        >>> import testbed
        >>> found = testbed.measure_data("demonstrations/merge-habit.hdf5")
        >>> len(found), found.worst("imposed_deceleration", 1)
        (16, [1])
    """

    environment: str
    """Gymnasium id."""
    numbers: np.ndarray
    """Numbers of the episodes, shape (n,)."""
    contexts: tuple[Mapping[str, str], ...]
    """What was drawn for each."""
    success: np.ndarray
    """Whether the task was done, shape (n,) bool."""
    values: Mapping[str, np.ndarray]
    """Measure -> its value in each, shape (n,)."""
    known: Mapping[str, Measure] | None = None
    """Measures by name, where no scene has them."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """Measures of the scene, or whatever else was measured."""
        return measures_of(self.environment) if self.known is None else self.known

    def columns(self) -> dict[str, np.ndarray]:
        """Return a row for every episode, for `pandas.DataFrame` or `pyarrow.table`."""
        factors = {factor: np.array([one[factor] for one in self.contexts]) for factor in self.contexts[0]}
        return {"episode": self.numbers, "success": self.success, **factors, **self.values}

    def _repr_html_(self) -> str:
        return html_of(f"{len(self)} episodes of {self.environment}", self.columns())

    def worst(self, name: str, count: int) -> list[int]:
        """Return the places of the worst episodes by a measure, the worst first."""
        sign = -1 if self.measures[name].worse == "higher" else 1
        return np.argsort(sign * self.values[name], kind="stable")[:count].tolist()


def measure_data(path: str | Path) -> Recorded:
    """Return every episode of a data set, measured by every measure of its scene.

    Raises:
        UserError: if the file cannot be read, or holds no episode.

    Examples:
        >>> import testbed
        >>> columns = testbed.measure_data("demonstrations/crosswalk-habit.hdf5").columns()
        >>> list(columns)[:3], float(columns["non_yield"].max())
        (['episode', 'success', 'density'], 1.0)
    """
    numbers = episode_numbers(Path(path))
    if not numbers:
        raise UserError(f"{path} holds no episode: collect some")
    return measured(zip(numbers, each_episode(Path(path), numbers), strict=True))


def measured(episodes: Iterable[tuple[int, Episode]]) -> Recorded:
    """Return episodes of one scene, measured one after the other; raises `ValueError` if there is none."""
    numbers, contexts, success = [], [], []
    environment, values = "", dict[str, list[float]]()
    for number, episode in episodes:
        environment = episode.environment
        for name, measure in measures_of(environment).items():
            values.setdefault(name, []).append(measure.compute(episode.trace))
        numbers.append(number)
        contexts.append(dict(episode.context))
        success.append(episode.success)
    if not numbers:
        raise ValueError("there is no episode")
    arrays = {name: np.array(some) for name, some in values.items()}
    return Recorded(environment, np.array(numbers), tuple(contexts), np.array(success), arrays)


@dataclass(frozen=True)
class Row:
    """One measure over some episodes."""

    measure: str
    """Its name."""
    episodes: int
    """How many."""
    mean: Interval
    """Its mean."""
    minor: Interval | None
    """Share of episodes in which it matters."""
    severe: Interval | None
    """Share of those in which it is dangerous."""
    worst: int
    """Number of the worst episode."""


def over_all(recorded: Recorded) -> list[Row]:
    """Return every measure over all episodes; episodes are drawn one by one, so they are the unit."""
    return [_row(recorded, name) for name in recorded.values]


def _row(recorded: Recorded, name: str) -> Row:
    measure, values = recorded.measures[name], recorded.values[name]

    def share(limit: float | None) -> Interval | None:
        if limit is None:
            return None
        past = values >= limit if measure.worse == "higher" else values <= limit
        return rate_interval(past.astype(float)[None])

    at = int(values.argmax() if measure.worse == "higher" else values.argmin())
    return Row(name, len(values), mean_of(values[None]).interval(), share(measure.minor), share(measure.severe),
               int(recorded.numbers[at]))  # fmt: skip


@dataclass(frozen=True)
class Apart:
    """A value of the context under which a measure differs."""

    factor: str
    """The factor."""
    value: str
    """Its value."""
    measure: str
    """The measure."""
    episodes: int
    """Episodes with that value."""
    here: Interval
    """Mean with it."""
    elsewhere: Interval
    """Mean without."""
    p: float
    """Of "both are alike", adjusted over all that was compared."""


def by_context(recorded: Recorded) -> list[Apart]:
    """Return where measures differ by context, at 5 % after Holm's adjustment (Welch's test), the surest first."""
    found = []
    for factor in recorded.contexts[0]:
        drawn = np.array([one[factor] for one in recorded.contexts])
        for value in dict.fromkeys(drawn.tolist()):
            here = drawn == value
            if min(here.sum(), (~here).sum()) < SEVERAL:
                continue
            for name, values in recorded.values.items():
                both = values[here], values[~here]
                with_, without = (mean_of(one[None]).interval() for one in both)
                found.append(Apart(factor, value, name, int(here.sum()), with_, without, welch(*both)))
    adjusted = [replace(one, p=p) for one, p in zip(found, holm([one.p for one in found]), strict=True)]
    return sorted((one for one in adjusted if one.p < LEVEL), key=lambda one: one.p)


def welch(one: np.ndarray, other: np.ndarray) -> float:
    """Return the two-sided p of "both samples have one mean" (Welch 1947); 1 where neither varies and both agree."""
    parts = [float(some.var(ddof=1)) / len(some) for some in (one, other)]
    apart = abs(float(one.mean() - other.mean()))
    if not sum(parts):
        return 1.0 if apart == 0 else 0.0
    df = sum(parts) ** 2 / sum(part**2 / (len(some) - 1) for part, some in zip(parts, (one, other), strict=True))
    from scipy.special import stdtr

    return float(2 * stdtr(df, -apart / np.sqrt(sum(parts))))


@dataclass(frozen=True)
class Different:
    """An episode that looks different from the rest."""

    episode: int
    """Its number."""
    measure: str
    """By which measure."""
    value: float
    """Its value."""
    median: float
    """The median of all."""
    score: float
    """Its modified z-score."""


def different(recorded: Recorded) -> list[Different]:
    """Return episodes whose modified z-score of some measure is beyond 3.5, towards the worse side, the furthest first.

    They also differ from the median by as much as matters, where the measure says how much that is. Where more than
    half of the episodes have the same value, the mean absolute deviation stands in for the median one (Iglewicz and
    Hoaglin 1993).
    """
    found = []
    for name, values in recorded.values.items():
        sign = 1 if recorded.measures[name].worse == "higher" else -1
        median = float(np.median(values))
        apart = np.abs(values - median)
        spread = float(np.median(apart)) / NORMAL or AVERAGE * float(apart.mean())
        if not spread:
            continue
        scores = sign * (values - median) / spread
        scores[apart < (recorded.measures[name].matters or 0.0)] = 0.0
        found += [
            Different(int(recorded.numbers[n]), name, float(values[n]), median, float(scores[n]))
            for n in np.flatnonzero(scores > ODD)
        ]  # fmt: skip
    return sorted(found, key=lambda one: -one.score)
