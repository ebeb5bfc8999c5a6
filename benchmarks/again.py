"""Fill one pair of teachers of the transfer benchmark again, from nothing: does the committed table come out, and how
long does that take?

    python benchmarks/again.py --pair 0 --write docs/transfer/ratios.md

Pairs share nothing, so one of five takes a fifth of the time. What it adds must equal what the table says of it, to the
last bit on the same processor and library versions; elsewhere the largest difference is told, as a share of the habit.
A killed run goes on where it was, and says nothing of the time.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from testbed.benchmark.cell import cell_file
from testbed.benchmark.engines import Cluster
from testbed.benchmark.finding import Finding
from testbed.benchmark.ratios import times
from testbed.benchmark.suites import Suite, get_plan, make_suite, pair_seed
from testbed.benchmark.sweep import seconds_of
from testbed.benchmark.table import read_findings
from testbed.benchmark.transfer import measure, rewards_of, teachers_file
from testbed.bounds import Workers
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, run_command
from testbed.errors import UserError


@dataclass(frozen=True)
class Options:
    """Fill one pair of teachers again."""

    pair: int = 0
    """Which of them, from 0."""
    suite: str = "core"
    """`smoke`, `core` or `full`."""
    seed: int = 0
    """The one seed of the committed table."""
    table: Path = Path("docs/transfer")
    """Folder of the committed table."""
    folder: Path = Path("runs/again")
    """Where cells go; a new one, so that nothing of another run is used."""
    workers: Workers = 2
    """Cells at once."""
    write: Path | None = None
    """Page to put what was found into, between its marks."""


def main(options: Options) -> None:
    """Print how many numbers are the same, and the time of each part."""
    require_page(options.write, "again")
    pairs = get_plan(options.suite).pairs
    if not 0 <= options.pair < pairs:
        raise UserError(f"--pair {options.pair}: {options.suite} has pairs 0 to {pairs - 1}")
    committed = read_findings(options.table, f"run `testbed benchmark transfer --suite {options.suite}`")
    suite = only(make_suite(options.suite, options.seed), pair_seed(options.seed, options.pair))
    anew, begun = not options.folder.exists(), time.monotonic()
    found = measure(suite, options.folder, Cluster(workers=options.workers))
    wall = time.monotonic() - begun if anew else math.nan
    core = sum(map(seconds_of, (*(cell_file(options.folder, cell) for cell in suite.cells),
                                *(teachers_file(options.folder, one) for one in rewards_of(suite.cells)))))  # fmt: skip
    there = {(row.place, row.condition): row for row in committed}
    apart = [difference(row, there[row.place, row.condition], options.pair) for row in found]
    same = sum(one == 0 for one in apart)
    text = "\n".join([
        f"`python benchmarks/again.py --pair {options.pair}`: of {len(apart)} differences between students and "
        f"controls, one of each place and kind of scene, {same} are those of the table to the last bit; the largest "
        f"is {max(apart):.2g} off, as a share of the habit.",
        "",
        f"{len(suite.cells)} of {pairs * len(suite.cells)} cells and their teachers took {wall / 60:.0f} minutes in "
        f"{options.workers} processes, so all {pairs} pairs take {pairs * wall / 3600:.1f} hours."
        if anew else "Some of its cells were there already, so nothing is said of how long it took by the clock.",
        "",
        f"One core worked {core / 3600:.2f} hours on it, so all {pairs} pairs take {pairs * core / 3600:.1f} hours of "
        f"one, {pairs * core / 7200:.1f} of two, other work beside or not. By part, of this pair:",
        "",
        *times(suite, options.folder),
    ])  # fmt: skip
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "again", text)
        console.print(f"also in {options.write}")


def only(suite: Suite, seed: int) -> Suite:
    """Return the part of a suite of one pair of teachers, by its seed."""
    chief, further = (
        tuple(cell for cell in cells if cell.audited.seed == seed) for cells in (suite.primary, suite.further)
    )
    return Suite(suite.name, chief, further)


def difference(again: Finding, committed: Finding, pair: int) -> float:
    """Return how far what a pair adds is from what a table says, as a share of the habit; 0 to the last bit."""
    if not again.gains or not committed.gains:
        return 0.0 if again.gains == committed.gains else np.inf
    missed = abs(again.gains[0] - committed.gains[pair])
    return missed / max(abs(committed.injected.value), 1e-9) if missed else 0.0


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options, description=__doc__)))
