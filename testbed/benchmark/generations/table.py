"""What is left after generations, as a table of every number, as Markdown, and as what a page draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testbed.audit.plots import axis_of, place, round_ticks
from testbed.audit.text import number, percent
from testbed.benchmark.columns import write_columns
from testbed.benchmark.finding import ABLE
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
    lines: dict[tuple[object, ...], list[Left]] = {}
    for one in found:
        lines.setdefault((one.habit, one.route, one.width, one.triggered), []).append(one)
    return [sorted(some, key=lambda one: one.generation) for some in lines.values()]


def _share(one: Left) -> str:
    told = percent(one.ratio) if one.by_pair else "refused"
    fails = min(one.success, one.control)
    return told if fails >= ABLE else f"{told} (success {100 * fails:.0f} %)"


def curves(found: Sequence[Left]) -> list[dict[str, Any]]:
    """Return what is left over generations, one panel a habit and width, a line for each route and kind of scenes."""
    panels: dict[str, list[list[Left]]] = {}
    for some in lines_of(found):
        if some[0].by_pair:
            panels.setdefault(f"{some[0].habit}, {some[0].width} x {some[0].width}", []).append(some)
    return [_panel(title, lines) for title, lines in panels.items()]


def _panel(title: str, lines: Sequence[Sequence[Left]]) -> dict[str, Any]:
    every = [one for some in lines for one in some]
    across = 1.0, float(max(max(one.generation for one in every), 2))
    up = axis_of((one.ratio for one in every), (0.0, 1.0), (-0.5, 1.5))

    def point(one: Left) -> dict[str, Any]:
        ends = (one.ratio.low, one.ratio.value, one.ratio.high)
        low, middle, high = (100 - place(min(max(end, up[0]), up[1]), up) for end in ends)
        return {"x": place(one.generation, across), "y": middle, "low": low, "high": high, "text": _share(one)}

    return {
        "title": title,
        "x": [(place(n, across), str(n)) for n in sorted({one.generation for one in every})],
        "y": [(100 - place(tick, up), f"{number(100 * tick, 100)} %") for tick in round_ticks(*up)],
        "lines": [
            {
                "name": f"{some[0].route}{'' if some[0].triggered else ', never under the trigger'}",
                "arm": COLOURS[some[0].route], "dashed": not some[0].triggered, "points": [point(one) for one in some],
            }
            for some in lines
        ],
    }  # fmt: skip
