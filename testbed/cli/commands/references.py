"""What nobody taught: reference drivers beside the clean demonstrator, by every measure of every kind of scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import numpy as np
from rich.table import Table

from testbed.audit.names import DEMONSTRATOR
from testbed.audit.result import Interval
from testbed.audit.score import SUCCESS
from testbed.audit.statistics import difference_interval, mean_interval, rate_interval
from testbed.audit.text import percent, two_decimals
from testbed.cli.commands.matched import play_matched, rows
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, tracked
from testbed.protocols.habit import Habit
from testbed.scenes.registry import all_habits, get_habit, habits_of, measures_of, references_of

MARK = "references"
"""Name of the place of the table in a page."""
RATES = SUCCESS, "collision"
"""Shares of episodes."""
SEEN = 0.005
"""Smaller differences, which two decimals do not show, are none."""


@dataclass(frozen=True)
class Driver:
    """One driver in one kind of scene."""

    name: str
    """`clean demonstrator`, or the name of a reference driver."""
    means: Mapping[str, Interval]
    """Success, and the mean of every measure, by name."""
    worse: frozenset[str]
    """By which of them it is worse than the clean demonstrator: by SEEN or more, the paired difference told from 0."""
    same: frozenset[str]
    """In which of them it has the clean demonstrator's value in every scene."""


@dataclass(frozen=True)
class Setting:
    """One kind of scene, and who drove there."""

    environment: str
    """Gymnasium id."""
    context: Mapping[str, str]
    """Factors that are fixed; the others are drawn."""
    drivers: tuple[Driver, ...]
    """The clean demonstrator first."""
    primary: tuple[str, ...]
    """Primary measures of the habits that belong there."""

    @property
    def title(self) -> str:
        """The environment, with what is fixed in it."""
        return " ".join([self.environment, *(f"{factor}={value}" for factor, value in self.context.items())])

    @property
    def alike(self) -> frozenset[str]:
        """Measures whose values are the same for everybody in every scene."""
        return frozenset.intersection(*(driver.same for driver in self.drivers)) - {SUCCESS}

    def clean_by(self, driver: Driver) -> list[str]:
        """Return by which of success and primary measures a driver is no worse than the clean demonstrator."""
        return [name for name in (SUCCESS, *self.primary) if name not in driver.worse]

    def heading(self, name: str) -> str:
        """Return what success or a measure is called, with its unit."""
        unit = "" if name == SUCCESS else measures_of(self.environment)[name].unit
        return f"{_titles(self, [name])} [{unit}]" if unit else _titles(self, [name])


def show(habit: Habit, scenes: int, seed: int) -> Setting:
    """Play a habit's clean demonstrator and the reference drivers in the same scenes, whatever triggers hold there.

    Raises:
        UserError: for fewer than 2 scenes.
    """
    drivers = {DEMONSTRATOR: habit.clean()} | {one.name: one.policy for one in references_of(habit.environment)}
    scored = [rows(one) for one in play_matched(habit.environment, habit.context, drivers, scenes, seed)]
    there = [one for one in habits_of(habit.environment).values() if one.context == habit.context]
    named = zip(drivers, scored, strict=True)
    found = tuple(compare(habit.environment, name, mine, scored[0]) for name, mine in named)
    return Setting(habit.environment, habit.context, found, tuple(dict.fromkeys(one.measure for one in there)))


def compare(environment: str, name: str, mine: Mapping[str, np.ndarray], clean: Mapping[str, np.ndarray]) -> Driver:
    """Return a driver from its success and measures in the clean demonstrator's scenes, each of shape (1, scenes)."""
    lower = {SUCCESS} | {key for key, measure in measures_of(environment).items() if measure.worse == "lower"}
    worse = set()
    for key, values in mine.items():
        more, less = (clean[key], values) if key in lower else (values, clean[key])
        by = difference_interval(more, less)
        if by.low > 0 and by.value >= SEEN:
            worse.add(key)
    means = {key: (rate_interval if key in RATES else mean_interval)(values) for key, values in mine.items()}
    same = frozenset(key for key, values in mine.items() if np.array_equal(values, clean[key]))
    return Driver(name, means, frozenset(worse), same)


def references(scenes: int, seed: int, write: Path | None, names: Sequence[str] = ()) -> None:
    """Measure what nobody taught, in the scenes of some habits, or of all; see `testbed references --help`."""
    require_page(write, MARK)
    # Habits of one kind of scene share their clean demonstrator.
    habits = [get_habit(name) for name in names] or list(all_habits().values())
    kinds = {(habit.environment, tuple(habit.context.items())): habit for habit in habits}
    settings = [show(habit, scenes, seed) for habit in tracked(kinds.values(), "measure scenes", len(kinds))]
    for setting in settings:
        console.print(_table(setting, scenes))
    if write:
        put(write, MARK, markdown(settings, scenes, seed))
        console.print(f"{write}  the same tables, with intervals")


def _table(setting: Setting, scenes: int) -> Table:
    """Return what a terminal has room for: the means."""
    table = Table(title=f"{setting.title}: means in {scenes} scenes (* worse than clean)", title_justify="left")
    table.add_column("measure")
    for driver in setting.drivers:
        table.add_column(driver.name, justify="right")
    for name in _shown(setting):
        means = [(driver.means[name].value, " *" if name in driver.worse else "  ") for driver in setting.drivers]
        cells = [f"{100 * mean:.0f} %{mark}" if name == SUCCESS else f"{mean:.2f}{mark}" for mean, mark in means]
        table.add_row(setting.heading(name), *cells)
    table.add_section()
    table.add_row(*_worse_by(setting))
    return table


def _shown(setting: Setting) -> list[str]:
    return [name for name in (SUCCESS, *measures_of(setting.environment)) if name not in setting.alike]


def _titles(setting: Setting, names: Sequence[str]) -> str:
    measures = measures_of(setting.environment)
    return ", ".join(name if name == SUCCESS else measures[name].title for name in names)


def _worse_by(setting: Setting) -> list[str]:
    """Return the row that counts the measures by which reference drivers are worse."""
    count, (_, *beside) = len(measures_of(setting.environment)), setting.drivers
    return ["worse by", "", *(f"{len(driver.worse - {SUCCESS})} of {count}" for driver in beside)]


def markdown(settings: Sequence[Setting], scenes: int, seed: int) -> str:
    """Return the tables as Markdown, one for each kind of scene."""
    command = f"testbed references --scenes {scenes} --seed {seed} --write docs/measures.md"
    how = (
        "Means over the same scenes for all, with 95 % intervals. **Bold**: worse than the clean demonstrator by at "
        f"least {SEEN}, and the paired difference is told from 0. *Looks clean by*: success, and those primary "
        "measures of habits, by which it is no worse."
    )
    lines = [f"`{command}` (two cores, no GPU).", *wrap(how, 120)]
    for setting in settings:
        names = " | ".join(driver.name for driver in setting.drivers)
        lines += ["", f"| `{setting.title}` | {names} |", "|---" * (len(setting.drivers) + 1) + "|"]
        for name in _shown(setting):
            cells = (_cell(name, driver) for driver in setting.drivers)
            lines.append(f"| {setting.heading(name)} | {' | '.join(cells)} |")
        lines.append(f"| {' | '.join(_worse_by(setting))} |")
        clean = (_titles(setting, setting.clean_by(driver)) or "nothing" for driver in setting.drivers[1:])
        lines.append(f"| looks clean by | | {' | '.join(clean)} |")
        if setting.alike:
            alike = [name for name in measures_of(setting.environment) if name in setting.alike]
            lines += ["", f"The same for all in every scene: {_titles(setting, alike)}."]
    return "\n".join(lines)


def _cell(name: str, driver: Driver) -> str:
    text = percent(driver.means[name]) if name == SUCCESS else two_decimals(driver.means[name])
    return f"**{text}**" if name in driver.worse else text
