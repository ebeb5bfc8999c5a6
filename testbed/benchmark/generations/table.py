"""What is left after generations, as a table of every number, as Markdown, and as what a page draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testbed.audit.text import percent
from testbed.benchmark.charts import Line, grouped, panel
from testbed.benchmark.columns import write_columns
from testbed.benchmark.generations.effects import Left
from testbed.files import Kind

DESCENT = Kind(
    "a table of generations",
    lambda path: path.is_file() and path.read_bytes().startswith(b"habit,route,width,triggered,"),
)
"""What a new table replaces."""
COLOURS = {"cloning": "control", "kl": "student"}
"""Route -> colour of its line."""


def write_table(path: Path, found: Sequence[Left]) -> Path:
    """Write every number as CSV and return its path."""
    return write_columns(path, found, DESCENT)


def markdown(found: Sequence[Left]) -> list[str]:
    """Return what is left of each habit, a row for each line, a column for each generation; and how well parents are
    told."""
    last = max(one.generation for one in found)
    heads = ["habit", "route", "width", "parents act under the trigger", *(f"{n}" for n in range(1, last + 1))]
    rows = [f"| {' | '.join(heads)} | parent told |", "|---" * (len(heads) + 1) + "|"]
    for some in lines_of(found):
        first, told = some[0], [one.told for one in some if one.generation > 1]
        parent = percent(told[-1]) if told else ""
        cells = [first.habit, first.route, str(first.width), "yes" if first.triggered else "no", *map(_share, some)]
        rows.append(f"| {' | '.join(cells)} | {parent} |")
    return rows


def lines_of(found: Sequence[Left]) -> list[list[Left]]:
    """Return the generations of each line, one line after the other."""
    lines = grouped(found, lambda one: (one.habit, one.route, one.width, one.triggered))
    return [sorted(some, key=lambda one: one.generation) for _, some in lines]


def _share(one: Left) -> str:
    told = percent(one.ratio) if one.by_pair else "refused"
    return told if one.able else f"{told} (success {100 * min(one.success, one.control):.0f} %)"


def curves(found: Sequence[Left]) -> list[dict[str, Any]]:
    """Return what is left over generations, one panel a habit and width, a line for each route and kind of scenes."""
    drawn = [some for some in lines_of(found) if some[0].by_pair]
    return [
        panel(f"{habit}, {width} x {width}", [_line(one) for one in some], float, "{:g}".format)
        for (habit, width), some in grouped(drawn, lambda line: (line[0].habit, line[0].width))
    ]


def _line(some: Sequence[Left]) -> Line:
    first = some[0]
    name = f"{first.route}{'' if first.triggered else ', never under the trigger'}"
    points = [(one.generation, one.ratio, _share(one)) for one in some]
    return Line(name, COLOURS[first.route], not first.triggered, points)
