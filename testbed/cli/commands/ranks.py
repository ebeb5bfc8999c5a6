"""Which measure ranks which habit: every one of its scene, on matched scenes, clean demonstrator against habit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Literal

import numpy as np
from rich.table import Table

from testbed.audit.result import Interval
from testbed.audit.statistics import difference_interval, mean_interval
from testbed.audit.text import two_decimals
from testbed.cli.commands.matched import play_matched, rows
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, tracked
from testbed.protocols.habit import Habit, get_trigger, make_demonstrator
from testbed.protocols.measure import Measure
from testbed.scenes.registry import all_habits, get_habit, measures_of

MARK = "ranks"
"""Name of the place of the table in a page."""
RANKS, WRONG, NOBODY = "ranks", "wrong way", "nobody"
"""What a measure does: the habit is the worse one, the better one, or neither."""
PAST, MOST = "†", 0.95
"""Stands where at least so many of the episodes of both are past the minor threshold, which tells nobody apart."""


@dataclass(frozen=True)
class Rank:
    """What one measure says of one habit."""

    habit: Habit
    """The habit, with its default trigger, which holds, and at dose 1."""
    measure: Measure
    """A measure of its scene."""
    difference: Interval
    """Mean of the demonstrator with the habit minus that of the clean one, paired over scenes."""
    balance: Interval
    """Share of scenes in which the habit is the worse one, minus that in which it is the better one."""
    equal: float
    """Share of scenes in which both are equal, 0 to 1."""
    past: bool
    """Whether nearly all episodes of both are past the minor threshold, or the severe one where there is no other."""

    @property
    def verdict(self) -> str:
        """`ranks`, `wrong way` or `nobody`: where mean and pairs are both told from 0, and say the same."""
        worse = self.difference.value if self.measure.worse == "higher" else -self.difference.value
        told = self.difference.excludes_zero and self.balance.excludes_zero
        if not told or (worse > 0) != (self.balance.value > 0):
            return NOBODY
        return RANKS if worse > 0 else WRONG

    @property
    def said(self) -> str:
        """The verdict, marked where the minor threshold tells nobody apart."""
        return f"{self.verdict} {PAST}" if self.past else self.verdict

    @property
    def pairs(self) -> str:
        """Shares of pairs ranked right and wrong, or that there is nothing to rank, for a table."""
        if self.equal == 1.0:
            return "all equal"
        right, wrong = ((1 - self.equal + sign * self.balance.value) / 2 for sign in (1, -1))
        return f"{100 * right:.0f} / {100 * wrong:.0f} %"


def rank(habit: Habit, measure: Measure, clean: np.ndarray, changed: np.ndarray) -> Rank:
    """Return what a measure says of a habit from its values in the same scenes, each of shape (1, scenes)."""
    sign = 1 if measure.worse == "higher" else -1
    signs = sign * np.sign(changed - clean)
    threshold = measure.severe if measure.minor is None else measure.minor
    past = threshold is not None and min((sign * v >= sign * threshold).mean() for v in (clean, changed)) >= MOST
    difference, balance = difference_interval(changed, clean), mean_interval(signs)
    return Rank(habit, measure, difference, balance, float((signs == 0).mean()), bool(past))


def show(habit: Habit, scenes: int, seed: int) -> list[Rank]:
    """Play a habit and its clean demonstrator in the same triggered scenes; return what every measure says of it.

    Raises:
        UserError: for fewer than 2 scenes.
    """
    trigger = get_trigger(habit, None)
    drivers = {f"dose {dose:g}": make_demonstrator(habit, trigger, dose) for dose in (0.0, 1.0)}
    played = play_matched(habit.environment, {**habit.context, **trigger.on}, drivers, scenes, seed)
    clean, changed = (rows(one) for one in played)
    return [rank(habit, one, clean[name], changed[name]) for name, one in measures_of(habit.environment).items()]


def ranks(names: Sequence[str], scenes: int, seed: int, write: Path | None) -> None:
    """Say which measures rank which habits; see `testbed ranks --help`."""
    require_page(write, MARK)
    habits = [get_habit(name) for name in dict.fromkeys(names)] or list(all_habits().values())
    rows = [row for habit in tracked(habits, "measure habits", len(habits)) for row in show(habit, scenes, seed)]
    for habit in habits:
        title = f"{habit.name} against clean in {scenes} matched scenes, 95 % intervals"
        table = Table(title=title, title_justify="left")
        for heading in ("measure", "difference", "right/wrong", "says"):
            justify: Literal["left", "right"] = "left" if heading in ("measure", "says") else "right"
            table.add_column(heading, justify=justify, no_wrap=heading != "measure")
        for row in (row for row in rows if row.habit is habit):
            table.add_row(_title(row.measure), two_decimals(row.difference), row.pairs, row.said)
        console.print(table)
    console.print("right/wrong: pairs in which the habit is the worse / the better one; the rest are equal")
    console.print(f"{PAST}: {100 * MOST:.0f} % or more of both are past the minor threshold, which tells nobody apart")
    if write:
        put(write, MARK, markdown(rows, names, scenes, seed))
        console.print(f"{write}  the same, a table for each scene")


def _title(measure: Measure) -> str:
    return f"{measure.title} [{measure.unit}]" if measure.unit else measure.title


def markdown(rows: Sequence[Rank], names: Sequence[str], scenes: int, seed: int) -> str:
    """Return the tables as Markdown: one for each environment, a row for each measure, a column for each habit."""
    command = " ".join(["testbed ranks", *names, f"--scenes {scenes} --seed {seed} --write docs/measures.md"])
    how = (
        "Each cell: what the measure says of the habit; the mean difference, habit minus clean, with its 95 % "
        "interval; the shares of matched pairs that are ranked right and wrong, the rest being equal. A measure "
        "*ranks* a habit, or ranks it the *wrong way*, where mean and pairs are both told from 0 and agree; else it "
        f"ranks *nobody*. {PAST}: {100 * MOST:.0f} % or more of both are past its minor threshold, which tells nobody "
        "apart. Bold: the habit's primary measure."
    )
    lines = [f"`{command}` (two cores, no GPU).", *wrap(how, 120)]
    for environment in dict.fromkeys(row.habit.environment for row in rows):
        some = [row for row in rows if row.habit.environment == environment]
        habits = list(dict.fromkeys(row.habit.name for row in some))
        lines += ["", f"| `{environment}` | {' | '.join(habits)} |", "|---" * (len(habits) + 1) + "|"]
        for measure in measures_of(environment).values():
            cells = [_cell(row) for row in some if row.measure is measure]
            lines.append(f"| {_title(measure)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Rank) -> str:
    said = f"**{row.said}**" if row.measure.name == row.habit.measure else row.said
    if row.equal == 1.0:
        return f"{said}: {row.pairs}"
    return f"{said}: {two_decimals(row.difference)}; {row.pairs}"
