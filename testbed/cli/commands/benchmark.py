"""The transfer benchmark from the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.table import Table

from testbed.audit import names
from testbed.audit.text import two_decimals
from testbed.benchmark.answers import answers
from testbed.benchmark.engines import Cluster
from testbed.benchmark.finding import Finding, caution
from testbed.benchmark.page import PAGE, write_page
from testbed.benchmark.plan import plan_text
from testbed.benchmark.suites import make_suite
from testbed.benchmark.table import COMMA, PARQUET, write_tables
from testbed.benchmark.transfer import measure
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, styled
from testbed.experiment.folder import BENCHMARK, occupied
from testbed.files import require_replaceable


def transfer(suite: str, folder: Path | None, seed: int, cluster: Cluster, write: Path | None) -> None:
    """Run the benchmark, print what it found, and write tables and page; see `testbed benchmark --help`."""
    grid = make_suite(suite, seed)
    place = folder or Path("runs") / f"transfer-{suite}"
    console.print(styled(f"transfer, {suite}:", "bold"), f"{len(grid.cells)} cells into {place}/")
    out = write or place
    require_tables(out)
    with occupied(place, BENCHMARK):
        found = measure(grid, place, replace(cluster, queue=place / "queue"))
    told = answers(found)
    command = f"testbed benchmark transfer --suite {suite} --seed {seed}"
    files = (*write_tables(out, found), write_page(out / "transfer.html", grid, found, told, command))
    console.print(_ratios(found))
    if caution(found):
        console.print(styled(caution(found), "yellow"))
    for answer in told:
        console.print(styled(answer.question, "bold"))
        console.print(f"  {answer.short}")
        for line in answer.lines:
            console.print(f"  {line.habit}:", styled(f"{line.says},", "bold"), line.why)
    console.print()
    for file, what in zip(files, ("every number", "the same as Parquet", "open it in a browser"), strict=True):
        console.print(f"{file}  {what}")


def plan(suite: str, seed: int, write: Path | None) -> None:
    """Print the plan of a suite, and put it into `plan.md` of a folder between its marks."""
    if write:
        require_page(write / "plan.md", "plan")
    text = plan_text(make_suite(suite, seed), seed)
    console.print(lines(text.splitlines()))
    if write:
        put(write / "plan.md", "plan", text)


def require_tables(folder: Path) -> None:
    """Raise `UserError` if the tables or the page in a folder would take the place of something else."""
    for name, kind in (("transfer.csv", COMMA), ("transfer.parquet", PARQUET), ("transfer.html", PAGE)):
        require_replaceable(folder / name, kind)


def _ratios(found: list[Finding]) -> Table:
    """Return the table of the primary ratios in triggered scenes."""
    table = Table(title="transfer ratios in triggered scenes, 95 % intervals", title_justify="left")
    for heading in ("habit", "channel", "route", "student - control", "ratio", "says"):
        right = heading in ("student - control", "ratio")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "habit", overflow="fold")
    last = ("", "")
    for row in (row for row in found if row.condition == names.TRIGGERED and row.p_holm == row.p_holm):
        first = [text if (row.habit, row.channel)[: n + 1] != last[: n + 1] else ""
                 for n, text in enumerate((row.habit, row.channel))]  # fmt: skip
        ratio, gained = (
            "" if value.value != value.value else two_decimals(value) for value in (row.ratio, row.inherited)
        )
        table.add_row(*first, row.route, gained and f"{gained} {row.unit}", ratio, row.verdict)
        last = (row.habit, row.channel)
    return table
