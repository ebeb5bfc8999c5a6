"""What a measure is: a number with a unit, thresholds and a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from testbed.episode import Trace


@dataclass(frozen=True)
class Measure:
    """A severity: a function of the trace of one episode, defined for every episode."""

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


@dataclass(frozen=True)
class Violation:
    """A stretch of an episode in which a measure was past a threshold."""

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
