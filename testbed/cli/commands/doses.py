"""How strongly a habit shows at each dose, and how much that varies over scenes: histograms in a terminal or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from testbed.audit.score import SUCCESS
from testbed.cli.commands.matched import play_matched
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, tracked
from testbed.protocols.habit import Habit, get_trigger, make_demonstrator
from testbed.scenes.registry import all_habits, get_habit, measures_of

DOSES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Doses that are shown."""
BARS = " ▁▂▃▄▅▆▇█"
BINS = 16
"""Bins of a histogram."""
MARK = "doses"
"""Name of the place of the table in a page."""


@dataclass(frozen=True)
class DoseRow:
    """What a habit's demonstrator does at one dose."""

    habit: Habit
    """The habit, with its default trigger."""
    dose: float
    """0 (clean) to 1."""
    values: np.ndarray
    """Its primary measure in every scene, shape (scenes,)."""
    success: float
    """Share of the scenes in which the task was done."""


def show(habit: Habit, scenes: int, seed: int) -> list[DoseRow]:
    """Play a habit's demonstrator at every dose in the same triggered scenes."""
    trigger = get_trigger(habit, None)
    drivers = {f"dose {dose:g}": make_demonstrator(habit, trigger, dose) for dose in DOSES}
    played = play_matched(habit.environment, {**habit.context, **trigger.on}, drivers, scenes, seed, "doses")
    return [
        DoseRow(habit, dose, one.row(habit.measure)[0], float(one.row(SUCCESS).mean()))
        for dose, one in zip(DOSES, played, strict=True)
    ]


def doses(names: Sequence[str], scenes: int, seed: int, write: Path | None) -> None:
    """Show habits at every dose; see `testbed doses --help`."""
    require_page(write, MARK)
    habits = [get_habit(name) for name in names] or list(all_habits().values())
    rows = [row for habit in tracked(habits, "play every dose", len(habits)) for row in show(habit, scenes, seed)]
    for habit in habits:
        measure = measures_of(habit.environment)[habit.measure]
        title = f"{habit.name} in {scenes} triggered scenes: {measure.title}"
        table = Table(title=title, title_justify="left")
        for heading in ("dose", "mean", "lowest to highest", "over scenes"):
            table.add_column(heading, no_wrap=True)
        for row in (row for row in rows if row.habit is habit):
            _, dose, mean, _, span, bars = _cells(row, _ends(rows, row))
            table.add_row(dose, mean, span, bars)
        console.print(table)
    if write:
        put(write, MARK, markdown(rows, names, scenes, seed))
        console.print(f"{write}  the same table")


def _ends(rows: Sequence[DoseRow], row: DoseRow) -> tuple[float, float]:
    """Return the lowest and highest value of a row's habit at any dose."""
    values = np.concatenate([other.values for other in rows if other.habit is row.habit])
    return float(values.min()), float(values.max())


def _cells(row: DoseRow, ends: tuple[float, float]) -> tuple[str, ...]:
    low, quarter, middle, high_quarter, high = np.percentile(row.values, [0, 25, 50, 75, 100])
    unit = measures_of(row.habit.environment)[row.habit.measure].unit or "share"
    return (
        row.habit.name if row.dose == 0 else "",
        f"{row.dose:g}",
        f"{row.values.mean():.2f} {unit}",
        f"{quarter:.2f} / {middle:.2f} / {high_quarter:.2f}",
        f"{low:.2f} to {high:.2f}",
        histogram(row.values, ends),
    )


def histogram(values: np.ndarray, ends: tuple[float, float]) -> str:
    """Return values as a line of bars, shape (n,), from the lower to the upper end."""
    counts, _ = np.histogram(values, BINS, (ends[0], max(ends[1], ends[0] + 1e-9)))
    heights = np.ceil(counts / counts.max() * (len(BARS) - 1)).astype(int)
    return "".join(BARS[height] for height in heights)


def markdown(rows: Sequence[DoseRow], names: Sequence[str], scenes: int, seed: int) -> str:
    """Return the table as Markdown."""
    lines = [
        f"`testbed doses {' '.join(names)} --scenes {scenes} --seed {seed}`: the demonstrator's primary",
        "measure in the same triggered scenes at every dose. A histogram goes from the lowest to the highest value",
        "that its habit has at any dose.",
        "",
        "| habit | dose | mean | quartiles | lowest to highest | over scenes |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        *cells, bars = _cells(row, _ends(rows, row))
        lines.append(f"| {' | '.join(cells)} | `{bars}` |")
    return "\n".join(lines)
