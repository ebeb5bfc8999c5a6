"""The table at the end of a run: success, severity, transfer, and the files that were made."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from testbed.audit.result import Audit, Interval, Transfer
from testbed.console import console


def print_summary(audit: Audit, folder: Path, report: Path) -> None:
    """Print what an audit found and where everything is."""
    console.print()
    console.print(arm_table(audit))
    console.print(transfer_table(audit))
    console.print(f"\n[bold]{report}[/bold]  open it in a browser: videos, time lines, intervals")
    for name, what in (
        ("videos", "side-by-side videos"),
        ("demonstrations", "data sets (HDF5)"),
        ("policies", "teachers, controls and students"),
        ("audit.json", "every number above"),
    ):
        if (folder / name).exists():
            console.print(f"{folder / name}  {what}")


def arm_table(audit: Audit) -> Table:
    """Return success and severity of every arm under every condition."""
    table = Table(title=f"{audit.title}, {audit.trigger}: 95 % intervals", title_justify="left")
    for heading in ("scenes", "arm", "route", "seeds"):
        table.add_column(heading)
    table.add_column("success", justify="right")
    table.add_column(f"{audit.measure_title} [{audit.unit}]".replace("[", r"\["), justify="right")
    previous = ""
    for arm in audit.arms:
        if previous and arm.condition != previous:
            table.add_section()
        first = arm.condition != previous
        previous = arm.condition
        table.add_row(
            f"{arm.scenes} {arm.condition}" if first else "",
            arm.arm,
            arm.route,
            str(arm.seeds),
            percent(arm.success),
            number(arm.measures[audit.measure]),
        )
    return table


def transfer_table(audit: Audit) -> Table:
    """Return the transfer ratio of every route, or why it is refused."""
    title = "transfer ratio = (student - control) / (teacher - clean teacher)"
    table = Table(title=title, title_justify="left")
    table.add_column("route")
    table.add_column("scenes")
    table.add_column("transfer ratio", justify="right")
    for transfer in audit.transfers:
        table.add_row(transfer.route, transfer.condition, ratio_text(transfer))
    return table


def ratio_text(transfer: Transfer) -> str:
    """Return a transfer ratio with its interval, or that it is refused and why."""
    return number(transfer.ratio) if transfer.ratio else f"refused: {transfer.refused}".replace("[", r"\[")


def number(found: Interval) -> str:
    """Return `1.23 [1.00, 1.50]`, escaped for a rich table."""
    return rf"{found.value:.2f} \[{found.low:.2f}, {found.high:.2f}]"


def percent(found: Interval) -> str:
    """Return `97 % [91, 100]`, escaped for a rich table."""
    return rf"{100 * found.value:.0f} % \[{100 * found.low:.0f}, {100 * found.high:.0f}]"
