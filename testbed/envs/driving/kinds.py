"""Kinds of vehicles and of walkers: how large they are and how they look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """The outer measures of one kind of vehicle."""

    length: float
    """Bumper to bumper [m]."""
    width: float
    """Side to side [m]."""
    colour: tuple[int, int, int]
    """Body colour in rendered pictures (red, green, blue)."""


KINDS: Mapping[str, Kind] = {
    "car": Kind(5.0, 2.0, (100, 149, 196)),
    "van": Kind(6.0, 2.2, (146, 132, 190)),
    "truck": Kind(12.0, 2.5, (168, 138, 104)),
    "bus": Kind(12.0, 2.5, (206, 170, 74)),
}
"""Kinds of vehicle by name; a stored state refers to a kind by its position here."""


@dataclass(frozen=True)
class WalkerKind:
    """One kind of pedestrian."""

    walk: tuple[float, float]
    """Slowest and fastest walking speed [m/s]."""
    size: float
    """Side of the square it takes up on the ground [m]."""
    colour: tuple[int, int, int]
    """Colour of its clothes in pictures."""


WALKERS: Mapping[str, WalkerKind] = {
    "adult": WalkerKind((1.25, 1.5), 0.6, (225, 225, 230)),
    "child": WalkerKind((1.1, 1.4), 0.5, (250, 205, 60)),
    "elder": WalkerKind((0.85, 1.05), 0.6, (170, 120, 200)),
    "wheelchair": WalkerKind((0.95, 1.15), 0.8, (60, 190, 190)),
}
"""Kinds of pedestrian by name. Walking speeds: adults and elders as the 50th and 15th percentiles at crossings in
Fitzpatrick, Brewer and Turner 2006; the others are ours."""
