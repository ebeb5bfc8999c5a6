"""What a measure is: a number with a unit, thresholds and a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from testbed.protocols.episode import Trace


@dataclass(frozen=True)
class Measure:
    """A severity: a function of the trace of one episode, defined for every episode.

    Examples:
        >>> import testbed
        >>> measure = testbed.get_scene("testbed/Merge-v0").measures["imposed_deceleration"]
        >>> episode = testbed.load_episode("demonstrations/merge-habit.hdf5", 1)
        >>> f"{measure.compute(episode.trace):.1f} {measure.unit}, severe from {measure.severe:g}"
        '6.0 m/s², severe from 4'
    """

    name: str
    """Identifier, for example `imposed_deceleration`."""
    title: str
    """What a reader sees, for example `imposed deceleration`."""
    unit: str
    """Unit of the value."""
    compute: Callable[[Trace], float]
    """The measure itself."""
    worse: str
    """`higher` or `lower`: which way is worse."""
    minor: float | None
    """From here on it matters; None where no threshold was found."""
    severe: float | None
    """From here on it is dangerous."""
    source: str
    """Where formula and thresholds come from."""
    margin: float | None = None
    """Smallest difference between two policies in one scene that matters; half the minor threshold if not given."""

    @property
    def matters(self) -> float | None:
        """The margin, or None for a measure that has neither that nor a minor threshold."""
        return abs(self.minor) / 2 if self.margin is None and self.minor is not None else self.margin

    def excess(self, values: np.ndarray, beside: np.ndarray) -> np.ndarray:
        """Return how much worse values are than others, in the measure's unit; below 0 where they are better."""
        return values - beside if self.worse == "higher" else beside - values


@dataclass(frozen=True)
class Course:
    """A quantity at every sample of an episode, which a measure is made from: what a viewer sees over time.

    Examples:
        >>> import testbed
        >>> episode = testbed.load_episode("demonstrations/merge-habit.hdf5", 1)
        >>> course = testbed.get_scene(episode.environment).courses[0]
        >>> f"{course.title}: {course.over_time(episode.trace).max():.1f} {course.unit}"
        'imposed deceleration: 6.0 m/s²'
    """

    measure: str
    """Name of the measure that is made from it."""
    title: str
    """What a reader sees."""
    unit: str
    """Unit of the quantity, which need not be the measure's: that may be a time or a share."""
    over_time: Callable[[Trace], np.ndarray]
    """The quantity, shape (samples,); NaN where there is none."""
    minor: float | None = None
    """From here on it matters; None where no threshold was found."""
    severe: float | None = None
    """From here on it is dangerous."""


@dataclass(frozen=True)
class Violation:
    """A stretch of an episode in which a measure was past a threshold.

    Examples:
        >>> import testbed
        >>> episode = testbed.load_episode("demonstrations/merge-habit.hdf5", 1)
        >>> first = testbed.get_scene(episode.environment).violations(episode.trace)[0]
        >>> first.measure, first.severe
        ('imposed_deceleration', True)
    """

    start: float
    """Beginning, from the start of the episode [s]."""
    end: float
    """End [s]."""
    measure: str
    """Name of the measure."""
    text: str
    """What happened, with number and unit."""
    severe: bool
    """Whether the severe threshold was passed."""
    body: int | None
    """Number of the body it happens to, or None; 0 is the body under test."""


def stretches(
    trace: Trace, values: np.ndarray, measure: str, limits: tuple[float, float], text: str, body: int | None
) -> list[Violation]:
    """Return the stretches of a trace in which a quantity is at or past its minor limit.

    Args:
        trace: Whose sample rate gives the times.
        values: The quantity, shape (samples,).
        measure: Name of the measure that the stretches belong to.
        limits: Minor and severe; where the severe one is the smaller, low values are the bad ones.
        text: What happens, with `{:.1f}` for the worst value of the stretch, if it has one.
        body: Number of the body it happens to, or None.
    """
    sign = 1 if limits[1] >= limits[0] else -1
    past = np.concatenate([[False], sign * values >= sign * limits[0], [False]]).astype(int)
    starts, ends = np.flatnonzero(np.diff(past) == 1), np.flatnonzero(np.diff(past) == -1)
    found = []
    for start, end in zip(starts, ends, strict=True):
        worst = sign * (sign * values[start:end]).max()
        found.append(
            Violation(
                start=float(start / trace.rate),
                end=float(end / trace.rate),
                measure=measure,
                text=text.format(worst),
                severe=bool(sign * worst >= sign * limits[1]),
                body=body,
            )
        )
    return found
