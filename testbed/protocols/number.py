"""What can be set of a scene beside its categorical factors: a number between bounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A number that a scene draws evenly between two bounds, unless it is fixed.

    Examples:
        >>> import testbed
        >>> testbed.get_scene("testbed/Crosswalk-v0").numbers["arrival"].unit
        's'
        >>> testbed.Scenario(7, {"pedestrian": "elder", "arrival": "3.5"}).context["arrival"]
        '3.5'
    """

    low: float
    """Lowest value."""
    high: float
    """Highest value."""
    unit: str
    """SI unit, or an empty string."""
    meaning: str
    """What it is, in plain words."""
