"""What poison does, as tables of every number, as Markdown, and as what a page draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from testbed.audit.plots import axis_of, forest_row, ratio_scale
from testbed.audit.text import percent
from testbed.benchmark.charts import Line, grouped, panel
from testbed.benchmark.columns import write_columns
from testbed.benchmark.finding import ABLE
from testbed.benchmark.poisoning.effects import Effect, HalfDose
from testbed.files import Kind

POISON = Kind(
    "a table of poison",
    lambda path: path.is_file() and path.read_bytes().startswith((b"habit,kind,route,", b"habit,route,width,unit,")),
)
"""What a new table replaces."""
COLOURS = {"cloning": "control", "kl": "student"}
"""Route -> colour of its line."""


def write_tables(folder: Path, found: Sequence[Effect], halves: Sequence[HalfDose]) -> tuple[Path, Path]:
    """Write every arm, and every dose that hands down half, as CSV; return both places."""
    effects = write_columns(folder / "poisoning.csv", found, POISON)
    return effects, write_columns(folder / "half-doses.csv", halves, POISON)


def markdown(found: Sequence[Effect], halves: Sequence[HalfDose]) -> list[str]:
    """Return the tables of the page of results: doses, half doses, a teacher that behaves well, noise."""
    widest = max(one.width for one in found)
    rows = [one for one in found if one.width == widest]
    doses = [one for one in rows if one.kind == "dose" and one.amount]
    amounts = sorted({one.amount for one in doses})
    lines = [
        f"Students of {widest} x {widest}: what is handed down, as a share of the habit, by the share of poison.",
        "",
    ]
    lines += _grid(
        ("habit", "route", "poisoned", *(f"{100 * one:g} %" for one in amounts)),
        [
            (*way, *(_share(one) for one in sorted(some, key=lambda one: one.amount)))
            for way, some in grouped(doses, lambda one: (one.habit, one.route, _poisoned(one)))
        ],
    )
    lines += ["", "Share of poison that hands down half of the habit (ED50), by width of the students.", ""]
    widths = sorted({one.width for one in halves})
    lines += _grid(
        ("habit", "route", "poisoned", *(f"{one} x {one}" for one in widths)),
        [
            (*way, *(_half(one) for one in sorted(some, key=lambda one: one.width)))
            for way, some in grouped(halves, lambda one: (one.habit, one.route, _poisoned(one)))
        ],
    )
    for kind, words, columns in (
        ("well-behaved", "A teacher that chooses as a clean one, over the distribution of another.", "target"),
        ("noise", "A teacher's outputs on random observations, by how many.", "amount"),
    ):
        some = [one for one in rows if one.kind == kind and one.carrier not in ("itself", "clean")]
        values = sorted({getattr(one, columns) for one in some}) if columns == "amount" else _named(some)
        lines += ["", words, "", *_grid(
            ("habit", "of", *(f"{one:,.0f}" if columns == "amount" else one for one in values)),
            [
                (*way, *(_share(next(one for one in part if getattr(one, columns) == value)) for value in values))
                for way, part in grouped(some, lambda one: (one.habit, WHO[one.carrier]))
            ],
        )]  # fmt: skip
    return lines


WHO = {"habit": "the teacher with the habit", "placebo": "a second clean teacher"}
"""Carrier -> what it is called."""


def _named(some: Iterable[Effect]) -> list[str]:
    return list(dict.fromkeys(one.target for one in some))


def _poisoned(one: Effect | HalfDose) -> str:
    return one.unit if one.where == "everywhere" else f"{one.unit}, under the trigger"


def _grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *(f"| {' | '.join(row)} |" for row in rows)]


def _share(one: Effect) -> str:
    told = percent(one.ratio) if one.by_pair else "refused"
    return told if one.success >= ABLE else f"{told} (success {100 * one.success:.0f} %)"


def _half(one: HalfDose) -> str:
    if not one.pairs:
        return "fails"
    if not one.reached:
        return "never"
    if math.isnan(one.dose.value):
        return f"in {one.reached} of {one.pairs} pairs"
    low, middle, high = (f"{100 * end:.2g}" for end in (one.dose.low, one.dose.value, one.dose.high))
    return f"{middle} % [{low}, {high}]"


def curves(found: Sequence[Effect]) -> list[dict[str, Any]]:
    """Return what is handed down over the dose, one panel a habit, unit and width, a line for each route and place."""
    drawn = [one for one in found if one.kind == "dose" and one.amount and one.by_pair]
    return [
        panel(f"{habit}, {unit}, {width} x {width}", _lines(some), math.log, lambda dose: f"{100 * dose:g}")
        for (habit, unit, width), some in grouped(drawn, lambda one: (one.habit, one.unit, one.width))
    ]


def _lines(rows: Sequence[Effect]) -> list[Line]:
    return [
        Line(route if where == "everywhere" else f"{route}, under the trigger", COLOURS[route], where != "everywhere",
             [(one.amount, one.ratio, percent(one.ratio)) for one in some])
        for (route, where), some in grouped(rows, lambda one: (one.route, one.where))
    ]  # fmt: skip


def forest(found: Sequence[Effect], kind: str) -> dict[str, Any]:
    """Return what a well-behaved teacher, or noise, hands down: one panel a habit and width."""
    rows = [one for one in found if one.kind == kind and one.carrier not in ("itself", "clean")]
    axis = axis_of((one.ratio for one in rows), (-0.1, 1.1), (-1.0, 1.5))
    panels = {
        f"{habit}, {width} x {width}": [
            forest_row(_name(one), one.ratio, _short(one), _colour(one), axis, one.by_pair) for one in some
        ]
        for (habit, width), some in grouped(rows, lambda one: (one.habit, one.width))
    }
    return {"panels": panels, **ratio_scale(axis)}


def _name(one: Effect) -> str:
    what = one.target if one.kind == "well-behaved" else f"{one.amount:,.0f}"
    return f"second clean teacher, {what}" if one.carrier == "placebo" else what


def _short(one: Effect) -> str:
    told = percent(one.ratio) if one.by_pair else "refused"
    return told if one.success >= ABLE else f"{told}, fails"


def _colour(one: Effect) -> str:
    return "reference" if one.carrier == "placebo" else "student"
