"""What lies under the vehicles of a declared road, as patches that a page draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from testbed.envs.driving.layout import LANE_WIDTH, NONE, STRIPED, Lane
from testbed.protocols.ground import Look, Patch

SHOULDER = 0.7
"""Asphalt beyond a lane's edge [m]."""
STEP = 4.0
"""A lane that swings is drawn straight over so much of its way [m]."""
PAVEMENT = 4.0
"""Width of a pavement beside a street with a zebra [m]."""
PLAZA, DEEP = 11.0, 8.0
"""How far from the middle of a zebra, and from the road, the ground is paved further [m]."""
BAR, GAP = 0.5, 0.5
"""Width of a bar of a zebra, and what is between two [m]."""


def ground(lanes: Sequence[Lane], zebra: np.ndarray, barriers: Sequence[tuple[float, float, float]]) -> list[Patch]:
    """Return the patches of a road.

    Args:
        lanes: Every lane.
        zebra: Where pedestrians cross, [[x0, x1], [y0, y1]] from edge to edge of the road, shape (2, 2) [m]; else 0.
        barriers: What stands in the way for good: x and y of its middle and the side of its square [m].
    """
    street = bool(np.ptp(zebra) > 0)
    found = list(_pavements(lanes, zebra)) if street else []
    found += [Patch("asphalt", _band(lane, 0.0 if street else SHOULDER)) for lane in lanes]
    edges = tuple(zebra[1]) if street else ()
    found += [line for lane in lanes for line in _lines(lane, edges)]
    found += list(_bars(zebra)) if street else []
    return found + [Patch("barrier", _box(x, y, side / 2, side / 2)) for x, y, side in barriers]


def _box(x: float, y: float, half_length: float, half_width: float) -> np.ndarray:
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return np.array([x, y]) + corners * (half_length, half_width)


def _centre(lane: Lane) -> np.ndarray:
    """Return points of the middle of a lane, shape (n, 2) [m]."""
    if not lane.amplitude:
        return np.array([(lane.start, lane.y), (lane.end, lane.y)])
    x = np.linspace(lane.start, lane.end, round((lane.end - lane.start) / STEP) + 1)
    return np.stack([x, lane.y + lane.amplitude * np.sin(lane.pulsation * (x - lane.start) + lane.phase)], axis=1)


def _band(lane: Lane, beyond: float) -> np.ndarray:
    aside = (0.0, LANE_WIDTH / 2 + beyond)
    middle = _centre(lane)
    return np.concatenate([middle - aside, (middle + aside)[::-1]])


def _lines(lane: Lane, kerbs: tuple[float, ...]) -> Iterator[Patch]:
    """Yield both lines of a lane; where there is a kerb, none."""
    for side, kind in zip((-1, 1), lane.lines, strict=True):
        points = _centre(lane) + np.array([0.0, side * LANE_WIDTH / 2])
        if kind != NONE and points[0, 1] not in kerbs:
            look: Look = "dashes" if kind == STRIPED else "line"
            yield Patch(look, points)


def _pavements(lanes: Sequence[Lane], zebra: np.ndarray) -> Iterator[Patch]:
    start, end = min(lane.start for lane in lanes), max(lane.end for lane in lanes)
    for edge, out in zip(zebra[1], (-1, 1), strict=True):
        middle = float(edge + out * PAVEMENT / 2)
        yield Patch("pavement", _box((start + end) / 2, middle, (end - start) / 2, PAVEMENT / 2))
        yield Patch("pavement", _box(float(zebra[0].mean()), float(edge + out * DEEP / 2), PLAZA, DEEP / 2))


def _bars(zebra: np.ndarray) -> Iterator[Patch]:
    """Yield the bars of a zebra, which lie along the road."""
    (x0, x1), (y0, y1) = zebra
    for y in np.arange(y0 + GAP, y1 - BAR / 2, BAR + GAP):
        yield Patch("zebra", _box((x0 + x1) / 2, float(y), (x1 - x0) / 2, BAR / 2))
