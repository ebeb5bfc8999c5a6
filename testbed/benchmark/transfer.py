"""The whole benchmark: teachers, cells, and what is found."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from testbed.benchmark.cell import Cell, SharedTeachers, cell_file
from testbed.benchmark.engines import Cluster
from testbed.benchmark.finding import Finding
from testbed.benchmark.findings import findings
from testbed.benchmark.run_cell import run_cell
from testbed.benchmark.stored import is_filled, is_ready, say_outdated, scores_file
from testbed.benchmark.suites import Suite, cost
from testbed.benchmark.sweep import Job, sweep
from testbed.benchmark.teachers import prepare_teachers


def measure(suite: Suite, folder: Path, cluster: Cluster) -> list[Finding]:
    """Do what is missing of a suite and return all that is found."""
    _do(suite.cells, folder, cluster, "fill cells")
    return findings(suite.cells, folder, suite.primary)


def _do(cells: Sequence[Cell], folder: Path, cluster: Cluster, title: str) -> None:
    teachers = list(dict.fromkeys(shared for cell in cells for shared in (cell.teachers, cell.audited)))
    say_outdated(cells, folder)
    ready, filled = partial(is_ready, folder=folder), partial(is_filled, folder=folder)
    make, scores = partial(prepare_teachers, folder=folder), partial(_scores, folder)
    sweep(Job("make teachers", teachers, make, scores, _effort, ready), cluster)
    sweep(Job(title, list(cells), partial(run_cell, folder=folder), partial(cell_file, folder), cost, filled), cluster)


def _scores(folder: Path, shared: SharedTeachers) -> Path:
    return scores_file(shared.run(folder))


def _effort(shared: SharedTeachers) -> float:
    """Return about how much making teachers costs."""
    dagger = shared.teacher.dagger
    return dagger.rounds * dagger.training.steps + dagger.final.steps
