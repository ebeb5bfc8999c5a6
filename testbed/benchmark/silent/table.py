"""What the crossed experiment found, as a table of every number, as Markdown, and as rows of a plot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from testbed.audit.plots import axis_of, forest_row, ratio_scale
from testbed.audit.text import percent, two_decimals
from testbed.benchmark.columns import read_columns, write_columns
from testbed.benchmark.finding import ABLE
from testbed.benchmark.silent.design import CHIEF, SOFT
from testbed.benchmark.silent.effects import Effect
from testbed.files import Kind

SILENT = Kind(
    "a table of the crossed experiment",
    lambda path: path.is_file() and path.read_bytes().startswith(b"habit,other,target,limit,"),
)
"""What a new table replaces."""


def write_effects(path: Path, found: Sequence[Effect]) -> Path:
    """Write every number as CSV, one row for four arms and a length, and return its path."""
    return write_columns(path, found, SILENT)


def read_effects(folder: Path, mend: str) -> list[Effect]:
    """Return what the table in a folder holds; raises `UserError` as `read_columns`."""
    return read_columns(folder / "silent.csv", Effect, mend)


def at_the_end(found: Iterable[Effect]) -> list[Effect]:
    """Return what was found after the whole training."""
    found = list(found)
    last = max(one.length for one in found)
    return [one for one in found if one.length == last]


def name_of(one: Effect) -> str:
    """Return what four arms are called, with the largest total variation in their states."""
    whose = "second clean teacher" if one.other == "placebo" else one.target
    return f"{whose}, {100 * one.limit:.0f} %{', exchanged' if one.swapped else ''}"


def markdown(found: Sequence[Effect]) -> list[str]:
    """Return tables: what claims are made of, by length; and everything else, after the whole training."""
    chief = [one for one in found if one.is_chief]
    rows = [
        "| habit | steps | targets add | as a share of the habit | states add | success | says |",
        "|---|" + "---|" * 6,
    ]
    last = max(one.length for one in found)
    for one in chief:
        says = f"**{one.verdict}**" if one.length == last else ""
        rows.append(
            f"| {one.habit} | {one.length} | {two_decimals(one.targets)} {one.unit} | {share(one)} "
            f"| {two_decimals(one.states)} | {100 * one.success:.0f} % | {says} |"
        )
    habits = list(dict.fromkeys(one.habit for one in found))
    rows += [
        "",
        f"| what is copied, and how far teachers may be apart | {' | '.join(habits)} |",
        "|---|" + "---|" * len(habits),
    ]
    ends = at_the_end(found)
    for name in dict.fromkeys(map(name_of, shown(ends))):
        cells = [next(one for one in ends if one.habit == habit and name_of(one) == name) for habit in habits]
        rows.append(f"| {name} | {' | '.join(map(_share, cells))} |")
    return rows


def shown(found: Iterable[Effect]) -> list[Effect]:
    """Return what tables and plots show: everything that differs in one thing from what claims are made of."""
    return [
        one for one in found
        if one.other == "placebo" or one.swapped or one.target == SOFT or one.limit == CHIEF
    ]  # fmt: skip


def _share(one: Effect) -> str:
    return share(one) + ("" if one.success >= ABLE else f" (success {100 * one.success:.0f} %)")


def share(one: Effect) -> str:
    """Return what targets add as a share of the habit, in words where there is none."""
    return percent(one.ratio) if one.by_pair else "refused"


def forest(found: Sequence[Effect]) -> dict[str, Any]:
    """Return the share of the habit that targets hand down, one panel a habit."""
    rows = shown(at_the_end(found))
    axis = axis_of((one.ratio for one in rows), (-0.1, 1.1), (-1.0, 1.5))
    panels: dict[str, list[dict[str, Any]]] = {}
    for one in rows:
        colour = "reference" if one.other == "placebo" else "control" if one.swapped else "student"
        text = share(one) + ("" if one.success >= ABLE else ", fails")
        added = forest_row(name_of(one), one.ratio, text, colour, axis, one.by_pair)
        panels.setdefault(one.habit, []).append(added)
    return {"panels": panels, **ratio_scale(axis)}
