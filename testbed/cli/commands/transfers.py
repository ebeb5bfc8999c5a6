"""What several finished runs found, as one table: did the teachers take the habit up, and who inherited it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from testbed.audit import names
from testbed.audit.result import Audit, Interval
from testbed.audit.text import percent, two_decimals
from testbed.cli.commands.pages import put, require_page
from testbed.console import console
from testbed.errors import UserError
from testbed.experiment.stored import read_audit

MARK = "transfers"
"""Name of the place of the table in a page."""


def transfers(folders: Sequence[Path], write: Path | None) -> None:
    """Print the table, and put it into a page; see `testbed transfers --help`."""
    require_page(write, MARK)
    if not folders:
        raise UserError("give at least one folder of a run, for example runs/merge")
    audits = [read_audit(folder) for folder in folders]
    table = Table(title="transfer ratios in triggered scenes, 95 % intervals", title_justify="left")
    for heading in ("habit", "teacher - clean", "route", "transfer ratio"):
        table.add_column(heading, justify="left" if heading in ("habit", "route") else "right", no_wrap=True)
    for audit in audits:
        injected = _difference(audit, f"{names.TEACHER} - {names.CLEAN}", names.TRIGGERED)
        first = [audit.habit, f"{injected.value:.2f} {audit.unit}"]
        for route in dict.fromkeys(transfer.route for transfer in audit.transfers):
            table.add_row(*first, route, _ratio(audit, route, names.TRIGGERED))
            first = ["", ""]
    console.print(table)
    if write:
        put(write, MARK, markdown(audits))
        console.print(f"{write}  the table, with success and untriggered scenes")


def markdown(audits: Sequence[Audit]) -> str:
    """Return the findings of several audits as two Markdown tables: the teachers, the students."""
    lines = [
        "| habit | measure | success, clean teacher / teacher | teacher - clean teacher, triggered | untriggered |",
        "|---|---|---|---|---|",
    ]
    for audit in audits:
        name = f"{names.TEACHER} - {names.CLEAN}"
        success = [_success(audit, arm, "") for arm in (names.CLEAN, names.TEACHER)]
        differences = [two_decimals(_difference(audit, name, c)) for c in (names.TRIGGERED, names.UNTRIGGERED)]
        measure = f"{audit.measure_title} [{audit.unit}]"
        lines.append(f"| **{audit.habit}** | {measure} | {' / '.join(success)} | {' | '.join(differences)} |")
    lines += ["", "| habit | route | training seeds | success, control / student | transfer ratio, triggered | "
              "triggered - untriggered | held-out label |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    for audit in audits:
        for route in dict.fromkeys(transfer.route for transfer in audit.transfers):
            success = [_success(audit, arm, route) for arm in (names.CONTROL, names.STUDENT)]
            conditions = (names.TRIGGERED, names.CONTRAST, names.HELD_OUT)
            ratios = [_ratio(audit, route, condition) for condition in conditions]
            seeds = max((arm.seeds for arm in audit.arms if arm.route == route), default=0)
            lines.append(f"| {audit.habit} | {route} | {seeds} | {' / '.join(success)} | {' | '.join(ratios)} |")
    return "\n".join(lines)


def _difference(audit: Audit, name: str, condition: str) -> Interval:
    found = [d.difference for d in audit.differences if (d.name, d.condition) == (name, condition)]
    if not found:
        raise UserError(f"the audit of {audit.title} has no {condition} scenes: a trigger that always holds has none")
    return found[0]


def _ratio(audit: Audit, route: str, condition: str) -> str:
    found = [t for t in audit.transfers if (t.route, t.condition) == (route, condition)]
    if not found:
        return "none"
    return two_decimals(found[0].ratio) if found[0].ratio else "refused"


def _success(audit: Audit, arm: str, route: str) -> str:
    """Return the success of an arm in triggered scenes."""
    found = [a for a in audit.arms if (a.arm, a.route, a.condition) == (arm, route, names.TRIGGERED)]
    return percent(found[0].success) if found else "none"
