"""The table at the end of a run: success, severity, transfer, and the files that were made."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from testbed.audit import names, references
from testbed.audit.compare import over_demonstrator
from testbed.audit.result import ArmResult, Audit
from testbed.audit.skill import said_of, unskilled
from testbed.audit.text import percent, two_decimals
from testbed.console import console, lines, styled


def print_summary(audit: Audit, folder: Path, report: Path) -> None:
    """Print what an audit found and where everything is."""
    console.print()
    console.print(arm_table(audit))
    for sentence in said_of(audit):
        console.print(styled(sentence, "yellow"))
    if audit.transfers:
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
    """Return success and severity of every arm, a section for each condition that ends with the reference drivers.

    Policies of one's own have a column more, how they differ from the clean demonstrator, and the interval is there.
    """
    title = f"{audit.title}: {audit.measure_title}, 95 % intervals"
    caption = references.of_audit(audit)
    own = any(arm.arm == names.DEMONSTRATOR for arm in audit.arms)
    table = Table(title=title, title_justify="left", caption=caption or None, caption_justify="left")
    for heading in ("arm", "success", audit.unit, *(["over clean (* not 0)"] if own else [])):
        table.add_column(heading, justify="left" if heading == "arm" else "right", no_wrap=True)
    for condition in dict.fromkeys(arm.condition for arm in audit.arms):
        table.add_section()
        mine, beside = ([arm for arm in some if arm.condition == condition] for some in (audit.arms, audit.references))
        table.add_row(styled(f"{mine[0].scenes} {condition} scenes", "bold"))
        for arm in mine:
            table.add_row(*_cells(arm, audit, own), *([_over_clean(arm, audit)] if own else []))
        if beside:
            table.add_row("reference drivers:", style="dim italic")
        for arm in beside:
            table.add_row(*_cells(arm, audit, own), style="dim")
    return table


def _cells(arm: ArmResult, audit: Audit, brief: bool) -> tuple[str, str, str]:
    name, severity = f"{arm.arm} ({arm.route})" if arm.route else arm.arm, arm.measures[audit.measure]
    return name, percent(arm.success), f"{severity.value:.2f}" if brief else two_decimals(severity)


def _over_clean(arm: ArmResult, audit: Audit) -> str:
    wanted = over_demonstrator(arm.arm), arm.condition
    if arm.arm in unskilled(audit):
        return "not judged"
    found = next((one.difference for one in audit.differences if (one.name, one.condition) == wanted), None)
    return "" if found is None else f"{two_decimals(found)} {'*' if found.excludes_zero else ' '}"


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
