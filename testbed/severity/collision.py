"""Whether the ego touched anything: the severity that every environment has."""

from __future__ import annotations

from testbed.protocols.episode import Trace
from testbed.protocols.measure import Measure, Violation, stretches

EGO = 0


def collision(trace: Trace) -> float:
    """Return 1 if anything touched the ego, else 0."""
    return float(trace["contact"][:, EGO].any())


MEASURE = Measure(
    "collision",
    "collision",
    "",
    collision,
    "higher",
    1.0,
    1.0,
    "contact by geometry, or the simulator's crash flag",
)
"""The measure of it."""


def violations(trace: Trace) -> list[Violation]:
    """Return the stretches in which something touches the ego."""
    return stretches(trace, trace["contact"][:, EGO].astype(float), "collision", (1.0, 1.0), "contact", EGO)
