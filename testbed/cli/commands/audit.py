"""Policies of one's own audited: beside the clean demonstrator and reference drivers, on the same scenes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from testbed.audit import names as arms
from testbed.audit.references import free_success
from testbed.audit.result import Interval
from testbed.audit.statistics import Resamples, difference_interval, mean_interval, rate_interval
from testbed.audit.text import percent, two_decimals
from testbed.cli.commands.labels import told_apart
from testbed.console import console, styled, tracked
from testbed.errors import UserError
from testbed.files import Kind, require_replaceable, write_text
from testbed.policies.loaders import load_fitting
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import Habit, get_trigger, make_demonstrator
from testbed.protocols.measure import Measure
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.scenes.registry import get_habit, measures_of, references_of
from testbed.seeding import scenario_seeds

CLEAN = "clean demonstrator"
NUMBERS = Kind(
    "an audit's numbers", lambda path: path.is_file() and path.read_bytes().startswith(b'[\n {\n  "condition"')
)
"""What `--json` replaces."""


@dataclass(frozen=True)
class _Row:
    """One policy under one condition."""

    condition: str
    """`triggered` or `untriggered`."""
    policy: str
    """Folder of the policy, `clean demonstrator`, or the name of a reference driver."""
    reference: bool
    """Whether it is a reference driver."""
    success: Interval
    """Share of tasks done."""
    severity: Interval
    """The habit's primary measure."""
    difference: Interval
    """The same minus the clean demonstrator's, paired over scenes."""

    def record(self, measure: str) -> dict[str, Any]:
        """Return the row as it is written, its severity under the name of the measure."""
        return {measure if name == "severity" else name: value for name, value in vars(self).items()}


def audit(
    folders: Sequence[Path], habit_name: str, trigger_name: str | None, scenes: int, seed: int,
    json_file: Path | None,
) -> None:  # fmt: skip
    """Audit policies against the clean demonstrator; see `testbed audit --help`."""
    habit = get_habit(habit_name)
    trigger = get_trigger(habit, trigger_name)
    if json_file:
        require_replaceable(json_file, NUMBERS)
    if not folders:
        raise UserError("give at least one policy folder")
    jobs: list[tuple[str, Policy]] = [(CLEAN, make_demonstrator(habit, trigger, 0.0))]
    jobs += [(str(folder), load_fitting(folder, habit.environment)[0]) for folder in folders]
    primary = measures_of(habit.environment)[habit.measure]
    contexts = {arms.TRIGGERED: trigger.on} | ({arms.UNTRIGGERED: trigger.off} if trigger.off else {})
    rows = [
        row
        for condition, context in contexts.items()
        for row in _rows(habit, condition, context, jobs, primary, Resamples.make(scenes, seed))
    ]
    names = dict(zip(map(str, folders), told_apart(folders), strict=True))
    console.print(_table(rows, names, f"{habit.name} in {habit.environment}", primary, scenes))
    if json_file:
        records = [row.record(primary.name) for row in rows]
        write_text(json_file, json.dumps(records, default=vars, indent=1) + "\n", NUMBERS)
        console.print(f"{json_file}  every number above")


def _rows(
    habit: Habit, condition: str, context: Mapping[str, str], jobs: Sequence[tuple[str, Policy]], primary: Measure,
    draws: Resamples,
) -> list[_Row]:  # fmt: skip
    """Play everybody under one condition; the first job is whom the others are compared with."""
    scenes = draws.scenes.shape[1]
    beside = [(one.name, one.policy) for one in references_of(habit.environment)]
    everybody = [(policy, Behaviour(name)) for name, policy in (*jobs, *beside)]
    scenarios = [Scenario(s, {**habit.context, **context}) for s in scenario_seeds(draws.seed, "policy-audit", scenes)]
    title, count = f"play {scenes} {condition} scenes with {len(everybody)} policies", scenes * len(everybody)
    episodes = list(tracked(play(habit.environment, scenarios, everybody), title, count))
    values = np.array([primary.compute(episode.trace) for episode in episodes]).reshape(-1, 1, scenes)
    success = np.array([float(episode.success) for episode in episodes]).reshape(-1, 1, scenes)
    return [
        _Row(
            condition, behaviour.policy, number_ >= len(jobs), rate_interval(done, draws), mean_interval(value, draws),
            difference_interval(value, values[0], draws),
        )
        for number_, ((_, behaviour), done, value) in enumerate(zip(everybody, success, values, strict=True))
    ]  # fmt: skip


def _table(rows: Sequence[_Row], names: Mapping[str, str], what: str, primary: Measure, scenes: int) -> Table:
    """Return the table: a section for each condition, which ends with the reference drivers."""
    beside = {row.policy: row.success for row in rows if row.reference and row.condition == arms.TRIGGERED}
    caption = free_success(f"the {CLEAN}", rows[0].success, beside)
    table = Table(
        title=f"{what}: {primary.title}, 95 % intervals", title_justify="left", caption=caption or None,
        caption_justify="left",
    )  # fmt: skip
    for heading in ("policy", "success", primary.unit or "share", "over clean (* not 0)"):
        table.add_column(heading, justify="left" if heading == "policy" else "right", no_wrap=True)
    for before, row in zip((None, *rows), rows, strict=False):
        if before is None or before.condition != row.condition:
            table.add_section()
            table.add_row(styled(f"{scenes} {row.condition} scenes", "bold"))
        elif row.reference and not before.reference:
            table.add_row("reference drivers:", style="dim italic")
        table.add_row(*_cells(row, names), style="dim" if row.reference else "")
    return table


def _cells(row: _Row, names: Mapping[str, str]) -> tuple[str, ...]:
    mark = " *" if row.difference.excludes_zero else ""
    return (
        row.policy if row.reference else names.get(row.policy, row.policy),
        percent(row.success),
        f"{row.severity.value:.2f}",
        "" if row.policy == CLEAN else two_decimals(row.difference) + mark,
    )
