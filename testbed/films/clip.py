"""What a film shows of one episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from testbed.films import overlay
from testbed.protocols.episode import Episode


@dataclass(frozen=True)
class Annotation:
    """A stretch of an episode that a viewer should look at."""

    start: float
    """Beginning, from the start of the episode [s]."""
    end: float
    """End [s]."""
    text: str
    """What happens, with number and unit."""
    severe: bool
    """Red rather than amber."""
    body: int | None
    """The body it happens to, or None."""


@dataclass(frozen=True)
class Clip:
    """One episode as a film shows it."""

    label: str
    """Who drives, for example `teacher`."""
    colour: tuple[int, int, int]
    """Colour of the label and of body 0 (red, green, blue)."""
    episode: Episode
    """What is shown."""
    caption: str
    """Its severity with unit, for example `imposed deceleration 5.8 m/s²`."""
    trigger: str
    """What in the scene triggers a habit, for example `truck leads`, or an empty string."""
    marks: tuple[Annotation, ...]
    """What to point out."""


def colour_of(mark: Annotation) -> tuple[int, int, int]:
    """Return the colour that a mark is drawn in."""
    return overlay.RED if mark.severe else overlay.AMBER


def ranked(marks: Sequence[Annotation]) -> list[Annotation]:
    """Return marks, the severe ones first."""
    return sorted(marks, key=lambda mark: not mark.severe)
