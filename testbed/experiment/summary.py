"""The table at the end of a run: success, severity, transfer, and the files that were made."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from testbed.audit import references
from testbed.audit.result import Audit
from testbed.audit.text import percent, two_decimals
from testbed.console import console, lines, styled


def print_summary(audit: Audit, folder: Path, report: Path) -> None:
    """Print what an audit found and where everything is."""
    console.print()
    console.print(arm_table(audit))
    console.print(transfer_table(audit))
    console.print()
    console.print(styled(f"{report} ", "bold"), "open it in a browser: videos, time lines, intervals")
    for name, what in (
        ("videos", "side-by-side videos"),
        ("demonstrations", "data sets (HDF5)"),
        ("policies", "teachers, controls and students"),
        ("audit.json", "every number above"),
    ):
        if (folder / name).exists():
            console.print(f"{folder / name}  {what}")


def arm_table(audit: Audit) -> Table:
    """Return success and severity of every arm, a section for each condition that ends with the reference drivers."""
    title = f"{audit.title}: {audit.measure_title}, 95 % intervals"
    caption = references.of_audit(audit)
    table = Table(title=title, title_justify="left", caption=caption or None, caption_justify="left")
    table.add_column("scenes", no_wrap=True)
    table.add_column("arm", no_wrap=True)
    table.add_column("success", justify="right", no_wrap=True)
    table.add_column(audit.unit, justify="right", no_wrap=True)
    for condition in dict.fromkeys(arm.condition for arm in audit.arms):
        table.add_section()
        for some, heading, style in ((audit.arms, "{} {}", ""), (audit.references, "references", "dim")):
            for arm in (arm for arm in some if arm.condition == condition):
                name = f"{arm.arm} ({arm.route})" if arm.route else arm.arm
                cells = name, percent(arm.success), two_decimals(arm.measures[audit.measure])
                table.add_row(heading.format(arm.scenes, condition), *cells, style=style)
                heading = ""
    return table


def transfer_table(audit: Audit) -> Table:
    """Return the transfer ratio of every route, or that it is refused, and below why."""
    title = "transfer ratio = (student - control) / (teacher - clean teacher)"
    reasons = dict.fromkeys(f"{t.condition}: {t.refused}" for t in audit.transfers if t.refused)
    caption = lines(f"refused, {reason}" for reason in reasons) if reasons else None
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    table.add_column("scenes", no_wrap=True)
    table.add_column("route", no_wrap=True)
    table.add_column("transfer ratio", justify="right", no_wrap=True)
    for transfer in audit.transfers:
        ratio = two_decimals(transfer.ratio) if transfer.ratio else "refused"
        table.add_row(transfer.condition, transfer.route, ratio)
    return table
