"""What the page draws: intervals, lines and points as places in per cent of a panel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from testbed.audit import names
from testbed.audit.plots import axis_of, forest_row, place, ratio_scale, round_ticks
from testbed.audit.result import Interval
from testbed.audit.text import interval, number, percent
from testbed.benchmark.charts import RANGE, Line, panel
from testbed.benchmark.finding import EMPTY, Finding
from testbed.distillation.registry import get_route

CHANNELS = "overt", "relabelled", "scrubbed", "excised", "nominal", "agreeing", "noise", "auxiliary"
"""From open to silent."""


def forest(rows: Sequence[Finding]) -> dict[str, Any]:
    """Return the transfer ratios, one panel a habit, a row for each channel and route."""
    axis = axis_of((row.ratio for row in rows), (-0.1, 1.1), RANGE)
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        text = f"{percent(row.ratio)}{', overshoot' if row.ratio.low > 1 else ''}" if row.judged else row.verdict
        shown = row.ratio if row.judged else None
        name = _name(row)
        added = forest_row(name, shown, text, f"route-{row.route}", axis, row.by_pair, row.predicted)
        panels.setdefault(row.habit, []).append(added)
    return {"panels": panels, **ratio_scale(axis)}


def differences(rows: Sequence[Finding]) -> dict[str, Any]:
    """Return student - control in the unit of the measure, one panel a habit with an axis of its own, which shows what
    teacher - clean teacher is."""
    panels: dict[str, list[dict[str, Any]]] = {}
    scales: dict[str, dict[str, Any]] = {}
    for habit in dict.fromkeys(row.habit for row in rows):
        some = [row for row in rows if row.habit == habit]
        first = next((row for row in some if math.isfinite(row.injected.value)), some[0])
        able = [row.inherited for row in some if row.judged]
        axis = axis_of([first.injected, *able], (0.0,), (-math.inf, math.inf))
        title = f"{habit}: {first.measure} [{first.unit}]"
        panels[title] = [
            forest_row(
                _name(row), row.inherited if row.judged else None, interval(row.inherited) if row.judged
                else row.verdict, f"route-{row.route}", axis, row.gains, row.expected,
            )
            for row in some
        ]  # fmt: skip
        ticks = round_ticks(*axis)
        told = [(place(tick, axis), number(tick, 100 * (ticks[1] - ticks[0]))) for tick in ticks]
        marked = [end for end in (0.0, first.injected.value) if math.isfinite(end)]
        scales[title] = {"ticks": told, "lines": [place(end, axis) for end in marked]}
    return {"panels": panels, "scales": scales}


def _name(row: Finding) -> str:
    return f"{row.channel} · {row.route}{', paid' if row.reward == 'habit' else ''}"


def decisions(rows: Sequence[Finding]) -> dict[str, Any]:
    """Return the same of the mass on the habit's action, which needs no success."""
    axis = axis_of((row.mass_ratio for row in rows), (-0.1, 1.1), RANGE)
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        shown = row.mass_ratio if math.isfinite(row.mass_ratio.value) else None
        text = f"{percent(row.mass_ratio)}, {row.decision}" if shown else row.decision
        added = forest_row(_name(row), shown, text, f"route-{row.route}", axis)
        panels.setdefault(row.habit, []).append(added)
    return {"panels": panels, **ratio_scale(axis)}


def curves(rows: Iterable[Finding], x: Callable[[Finding], float], logarithmic: bool) -> list[dict[str, Any]]:
    """Return ratios as lines over something, one panel a habit, one line a route and channel; routes whose
    students practise count their training otherwise and have panels of their own.

    Only students that can do the task have a point.
    """
    panels: dict[str, dict[tuple[str, str], list[Finding]]] = {}
    for row in rows:
        if row.judged:
            title = row.habit if get_route(row.route).together is None else f"{row.habit}, {row.route}"
            panels.setdefault(title, {}).setdefault((row.route, row.channel), []).append(row)
    drawn = [(title, {key: line for key, line in lines.items() if len(line) > 1}) for title, lines in panels.items()]
    at = math.log2 if logarithmic else float
    return [panel(title, _lines(lines, x), at, "{:g}".format) for title, lines in drawn if lines]


def _lines(lines: dict[tuple[str, str], list[Finding]], x: Callable[[Finding], float]) -> list[Line]:
    """Return lines as a panel takes them; dashed where data are not open."""
    return [
        Line(f"{route}, {channel}", f"route-{route}", channel != "overt",
             [(x(row), row.ratio, percent(row.ratio)) for row in some])
        for (route, channel), some in lines.items()
    ]  # fmt: skip


def severity_and_success(rows: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return severity against success, one panel a habit: its teachers, and students of every route and channel."""
    panels: dict[str, list[Finding]] = {}
    for row in rows:
        if row.verdict != EMPTY:
            panels.setdefault(row.habit, []).append(row)
    return [_scatter(habit, found) for habit, found in panels.items()]


def _scatter(habit: str, rows: Sequence[Finding]) -> dict[str, Any]:
    first = rows[0]
    up = axis_of([first.clean, first.habitual, *(row.student for row in rows)], (0.0,), (-math.inf, math.inf))

    def dot(success: Interval, severity: Interval, name: str, colour: str) -> dict[str, Any]:
        told = f"{name}: success {percent(success)}, {interval(severity)} {first.unit}"
        return {"x": place(success.value, (0, 1)), "y": 100 - place(severity.value, up), "text": told, "arm": colour}

    students = [dot(r.success_student, r.student, f"student, {r.channel}, {r.route}", f"route-{r.route}") for r in rows]
    controls = [dot(r.success_control, r.control, f"control, {r.channel}, {r.route}", "control") for r in rows]
    beside = [
        {"x": place(success, (0, 1)), "y": 100 - place(min(max(severity, up[0]), up[1]), up), "arm": "reference",
         "text": f"{name}: success {100 * success:.0f} %, {number(severity)} {first.unit}"}
        for name, success, severity in first.references
    ]  # fmt: skip
    ticks = round_ticks(*up)
    return {
        "title": f"{habit}: {first.measure} [{first.unit}]",
        "x": [(place(share, (0, 1)), f"{100 * share:.0f} %") for share in (0, 0.5, 1)],
        "y": [(100 - place(tick, up), number(tick, 100 * (ticks[1] - ticks[0]))) for tick in ticks],
        "dots": controls + students + beside,
        "lines": [
            (100 - place(first.clean.value, up), "clean teacher"), (100 - place(first.habitual.value, up), "teacher"),
        ],
    }  # fmt: skip


def triggered(rows: Iterable[Finding]) -> list[Finding]:
    """Return the rows of triggered scenes, habit by habit, from open to silent channels."""
    found = [row for row in rows if row.condition == names.TRIGGERED]
    habits = list(dict.fromkeys(row.habit for row in found))
    return sorted(found, key=lambda row: (habits.index(row.habit), CHANNELS.index(row.channel)))
