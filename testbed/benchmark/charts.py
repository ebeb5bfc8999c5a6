"""Lines over something, with intervals, as places in per cent of a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from testbed.audit.plots import axis_of, place, round_ticks
from testbed.audit.result import Interval
from testbed.audit.text import number

RANGE = (-0.5, 1.5)
"""Plots of ratios never show more than this; longer intervals end in an arrow."""


@dataclass(frozen=True)
class Line:
    """A line of a panel."""

    name: str
    """What stands beside it."""
    arm: str
    """Class of its colour."""
    dashed: bool
    """Whether it is dashed."""
    points: Sequence[tuple[float, Interval, str]]
    """Where over the axis, the ratio there, and what is said of it."""


def panel(
    title: str, lines: Sequence[Line], at: Callable[[float], float], label: Callable[[float], str]
) -> dict[str, Any]:  # fmt: skip
    """Return ratios as lines over something, as the template `chart.html.j2` draws them.

    Args:
        title: Of the panel.
        lines: What is drawn.
        at: Where along the axis a value stands, for example its logarithm.
        label: What is written below a value.
    """
    values = sorted({x for line in lines for x, _, _ in line.points})
    across = at(values[0]), at(values[-1]) if at(values[-1]) > at(values[0]) else at(values[0]) + 1
    up = axis_of((ratio for line in lines for _, ratio, _ in line.points), (0.0, 1.0), RANGE)
    where = {value: place(at(value), across) for value in values}
    return {
        "title": title,
        "x": [(where[value], label(value)) for value in values],
        "y": [(100 - place(tick, up), f"{number(100 * tick, 100)} %") for tick in round_ticks(*up)],
        "lines": [
            {
                "name": line.name, "arm": line.arm, "dashed": line.dashed,
                "points": [_point(where[x], ratio, text, up) for x, ratio, text in sorted(line.points, key=_first)],
            }
            for line in lines
        ],
    }  # fmt: skip


def _first(point: tuple[float, Interval, str]) -> float:
    return point[0]


def _point(left: float, ratio: Interval, text: str, up: tuple[float, float]) -> dict[str, Any]:
    ends = (ratio.low, ratio.value, ratio.high)
    low, middle, high = (100 - place(min(max(end, up[0]), up[1]), up) for end in ends)
    return {"x": left, "y": middle, "low": low, "high": high, "text": text}


def grouped(rows: Sequence[Any], key: Callable[[Any], tuple[Any, ...]]) -> list[tuple[tuple[Any, ...], list[Any]]]:
    """Return rows that have a key in common, in the order of their first ones."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.items())
