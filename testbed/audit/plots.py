"""What the report draws: numbers as text, and intervals as places on an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from testbed.audit.result import ArmResult, Audit, Interval
from testbed.audit.text import LARGEST, interval, number, percent

ARMS = ("clean teacher", "teacher", "control", "student", "untrained")
REFERENCE = "reference"
"""CSS class of every reference driver."""
RATIO_RANGE = (-1.0, 3.0)
"""The plot of transfer ratios never shows more than this; longer intervals end in an arrow."""
SMALLEST = 1e-12
"""An axis is no shorter."""


def arm_label(arm: ArmResult) -> str:
    """Return what the reader sees as the name of an arm, for example `student (kl)`."""
    return f"{arm.arm} ({arm.route})" if arm.route else arm.arm


def arm_class(label: str) -> str:
    """Return the CSS class that gives an arm its colour and mark, wherever it appears."""
    return next((arm.replace(" ", "-") for arm in ARMS if label == arm or label.startswith(f"{arm} ")), "own")


Panels = dict[str, list[dict[str, Any]]]
"""Title -> rows of a forest plot."""


def round_ticks(low: float, high: float) -> list[float]:
    """Return about four round numbers from `low` to `high`."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [step * k for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def axis_of(values: Iterable[Interval], always: Sequence[float], limits: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an axis that shows all finite ends of intervals, and `always`, within limits."""
    ends = [end for value in values for end in (value.low, value.value, value.high) if math.isfinite(end)]
    low, high = (min(max(end, limits[0]), limits[1]) for end in (min([*always, *ends]), max([*always, *ends])))
    return low, high if high - low > SMALLEST else low + 1.0


def forest_row(
    name: str, value: Interval | None, text: str, colour: str, axis: tuple[float, float],
    parts: Sequence[float] = (), around: Interval | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return a row of a forest plot, places in per cent of the width.

    Args:
        name: Its name.
        value: Its interval, if there is one.
        text: What stands beside it.
        colour: Class of its colour and mark.
        axis: Ends of the axis.
        parts: What the interval's value is a mean of.
        around: A second, wider interval, for example of a prediction.
    """

    def end_at(end: float) -> float:
        return place(min(max(end, axis[0]), axis[1]), axis)

    ends = [] if value is None else [value.low, value.value, value.high]
    shown = bool(ends) and all(map(math.isfinite, ends))
    at = [end_at(end) for end in ends] if shown else []
    more = (shown and ends[0] < axis[0], shown and ends[2] > axis[1])
    dots = [end_at(one) for one in parts if shown and axis[0] <= one <= axis[1]]
    wide = [end_at(around.low), end_at(around.high)] if shown and around and math.isfinite(around.low) else []
    return {"name": name, "at": at, "text": text, "arm": colour, "more": more, "dots": dots, "wide": wide}


def place(value: float, axis: tuple[float, float]) -> float:
    """Return where a value is on an axis, in per cent of the width."""
    return round(4 + 92 * (value - axis[0]) / (axis[1] - axis[0]), 3)


def measure_plot(audit: Audit) -> dict[str, Any]:
    """Return the intervals of the primary measure, one panel per condition, placed in per cent of the width."""
    everybody = [(arm, arm_class(arm.arm)) for arm in audit.arms] + [(arm, REFERENCE) for arm in audit.references]
    axis = axis_of((arm.measures[audit.measure] for arm, _ in everybody), (0.0,), (-LARGEST, LARGEST))
    panels: Panels = {}
    for arm, colour in everybody:
        value = arm.measures[audit.measure]
        panels.setdefault(arm.condition, []).append(forest_row(arm_label(arm), value, interval(value), colour, axis))
    ticks = round_ticks(*axis)
    scale = [(place(tick, axis), number(tick, 100 * (ticks[1] - ticks[0]))) for tick in ticks]
    return {"panels": panels, "ticks": scale, "lines": [place(0, axis)] if axis[0] < 0 else []}


def ratio_plot(audit: Audit) -> dict[str, Any]:
    """Return the intervals of the transfer ratios, one panel per route, with lines at 0 and 1."""
    axis = axis_of((t.ratio for t in audit.transfers if t.ratio), (-0.1, 1.1), RATIO_RANGE)
    panels: Panels = {}
    for t in audit.transfers:
        row = forest_row(t.condition, t.ratio, percent(t.ratio) if t.ratio else "refused", "student", axis)
        panels.setdefault(f"{t.route} student", []).append(row)
    return {"panels": panels, **ratio_scale(axis)}


def ratio_scale(axis: tuple[float, float]) -> dict[str, Any]:
    """Return the ticks of an axis of ratios, and its lines at none and at all of the habit."""
    ticks = [(place(tick, axis), f"{number(100 * tick, 100)} %") for tick in round_ticks(*axis)]
    return {"ticks": ticks, "lines": [place(0, axis), place(1, axis)]}
