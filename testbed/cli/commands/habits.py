"""The taxonomy, measured: every habit's demonstrator beside the clean one, in the same scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from testbed.audit.names import TRIGGERED, UNTRIGGERED
from testbed.audit.result import Interval
from testbed.audit.score import SUCCESS
from testbed.audit.statistics import difference_interval, mean_interval, rate_interval
from testbed.audit.text import percent, two_decimals
from testbed.cli.commands.matched import play_matched
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, tracked
from testbed.protocols.habit import Habit, get_trigger, make_demonstrator
from testbed.protocols.measure import Measure
from testbed.scenes.registry import all_habits, get_habit, measures_of

MARK = "habits"
"""Name of the place of the table in a page."""


@dataclass(frozen=True)
class HabitRow:
    """What one habit's demonstrator does in scenes of one condition."""

    habit: Habit
    """The habit, with its default trigger and at dose 1."""
    condition: str
    """`triggered` or `untriggered`."""
    success: Interval
    """Success of the clean demonstrator."""
    habit_success: Interval
    """Success of the demonstrator with the habit."""
    clean: Interval
    """Primary measure of the clean demonstrator."""
    changed: Interval
    """Primary measure of the demonstrator with the habit."""
    difference: Interval
    """The latter minus the former, paired over scenes."""

    @property
    def measure(self) -> Measure:
        """The habit's primary measure."""
        return measures_of(self.habit.environment)[self.habit.measure]


def show(habit: Habit, scenes: int, seed: int) -> list[HabitRow]:
    """Play a habit and its clean demonstrator on matched triggered and untriggered scenes.

    Raises:
        UserError: for fewer than 2 scenes.
    """
    trigger = get_trigger(habit, None)
    found = []
    drivers = {f"dose {dose:g}": make_demonstrator(habit, trigger, dose) for dose in (0.0, 1.0)}
    for condition, factors in ((TRIGGERED, trigger.on), (UNTRIGGERED, trigger.off)):
        context = {**habit.context, **factors}
        played = play_matched(habit.environment, context, drivers, scenes, seed, "taxonomy")
        clean, changed = (one.row(habit.measure) for one in played)
        success, habit_success = (rate_interval(one.row(SUCCESS)) for one in played)
        found.append(
            HabitRow(
                habit, condition, success, habit_success, mean_interval(clean), mean_interval(changed),
                difference_interval(changed, clean),
            )
        )  # fmt: skip
    return found


def habits(scenes: int, seed: int, write: Path | None, names: Sequence[str] = ()) -> None:
    """Measure habits, all of them if none is named; see `testbed habits --help`."""
    require_page(write, MARK)
    chosen = [get_habit(name) for name in names] or list(all_habits().values())
    every = tracked(chosen, "measure habits", len(chosen))
    rows = [row for habit in every for row in show(habit, scenes, seed)]
    title = f"habit over clean demonstrator in {scenes} matched scenes each, 95 % intervals (* not 0)"
    table = Table(title=title, title_justify="left")
    for heading in ("habit", "trigger", "clean", "with it", "difference"):
        table.add_column(heading, justify="left" if heading in ("habit", "trigger") else "right", no_wrap=True)
    for row in rows:
        first = row.condition == TRIGGERED
        if first:
            table.add_section()
        table.add_row(
            row.habit.name if first else "", "on" if first else "off",
            f"{row.clean.value:.2f}", f"{row.changed.value:.2f}",
            two_decimals(row.difference) + (" *" if row.difference.excludes_zero else "  "),
        )  # fmt: skip
    console.print(table)
    if write:
        put(write, MARK, markdown(rows, scenes, seed))
        console.print(f"{write}  the table, with measures, success and sources")


def markdown(rows: Sequence[HabitRow], scenes: int, seed: int) -> str:
    """Return the measured taxonomy as Markdown."""
    lines = [
        f"`testbed habits --scenes {scenes} --seed {seed} --write docs/habits.md`, dose 1, each habit with its default",
        "trigger. 95 % intervals, paired over scenes; differences are habit minus clean demonstrator.",
        "",
        "| habit | trigger | measure | success clean / habit | clean | habit | difference, triggered | untriggered |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for on, off in zip(rows[::2], rows[1::2], strict=True):
        habit, unit = on.habit, f" [{on.measure.unit or 'share'}]"
        cells = (
            f"{habit.family} > **{habit.name}**: {habit.signature}",
            get_trigger(habit, None).meaning,
            f"{on.measure.title}{unit}",
            f"{percent(on.success)} / {percent(on.habit_success)}",
            *(two_decimals(value) for value in (on.clean, on.changed, on.difference, off.difference)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
