"""Which cure for whom, as a table of every number and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed.audit.result import Interval
from testbed.audit.text import percent
from testbed.benchmark.columns import write_columns
from testbed.benchmark.cures.design import NONE
from testbed.benchmark.cures.effects import Cured, best, levels, openly
from testbed.files import Kind

CURES = Kind(
    "a table of cures",
    lambda path: path.is_file() and path.read_bytes().startswith(b"habit,route,channel,taught,cure,"),
)
"""What a new table replaces."""


def write_table(path: Path, found: Sequence[Cured]) -> Path:
    """Write every arm as CSV and return its path."""
    return write_columns(path, found, CURES)


def markdown(found: Sequence[Cured]) -> list[str]:
    """Return the tables of the page of results: the best cure by habit and by what is known, every cure, placebos,
    a habit that lies in a teacher's distribution alone, and one of which the cure is not told."""
    first = found[0]
    lines = [
        f"{first.pairs} pairs of teachers. The best cure at each level of knowledge: what is left of the habit, what "
        "the cure changes of the success, and what comes back of the habit with few and many of its decisions beside "
        "students that never had it.", "",
        *_grid(("habit", "told", "best cure", "left", "success", "comes back", "said"), _decisions(found)),
        "", "What is left of a habit, cure by cure.", "",
        *_cures(openly(found)),
    ]  # fmt: skip
    for title, some in (
        ("Of a teacher that chooses as a clean one, over the distribution of another.",
         [one for one in found if (one.channel, one.taught) == ("soft", "habit")]),
        ("Left of another habit that was taught too, of which the cure is not told.",
         [one for one in found if one.taught == "both"]),
    ):  # fmt: skip
        if some:
            lines += ["", title, "", *_cures(some)]
    clean = [one for one in found if one.taught == "clean" and one.cure != NONE]
    lines += ["", "Placebos: what a cure changes of the success of a clean teacher's students.", ""]
    return [*lines, *_by_habit(clean, lambda one: _points(one.change))]


def _decisions(found: Sequence[Cured]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for habit in dict.fromkeys(one.habit for one in found):
        for knows in levels(found):
            one = best(found, habit, knows)
            if one is None:
                rows.append((habit, knows, "none keeps the skill", "", "", "", ""))
                continue
            back = ", ".join(_share(some) for some in (one.relearnt_few, one.relearnt_many))
            rows.append(
                (habit, knows, f"{one.cure}, {one.route}", _share(one.left), _points(one.change), back, one.word)
            )
    return rows


def _cures(found: Sequence[Cured]) -> list[str]:
    return _by_habit(found, lambda one: _share(one.left) if one.word != "fails" else f"{_share(one.left)}, fails")


def _by_habit(found: Sequence[Cured], cell: Callable[[Cured], str]) -> list[str]:
    """Return a row for each cure, route and level, and a column for each habit."""
    habits = list(dict.fromkeys(one.habit for one in found))
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for one in found:
        rows.setdefault((one.cure, one.knows, one.route), {})[one.habit] = cell(one)
    cells = [(*name, *(row.get(habit, "") for habit in habits)) for name, row in rows.items()]
    return _grid(("cure", "told", "route", *habits), cells)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *(f"| {' | '.join(row)} |" for row in rows)]


def _share(value: Interval) -> str:
    return "" if math.isnan(value.value) else percent(value)


def _points(value: Interval) -> str:
    low, middle, high = (f"{100 * one:+.0f}" for one in (value.low, value.value, value.high))
    return f"{middle} [{low}, {high}]"
