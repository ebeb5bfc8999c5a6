"""The whole benchmark: teachers, cells, and what is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from testbed.distillation.config import ValuedBy


def measure(suite: Suite, folder: Path, cluster: Cluster) -> list[Finding]:
    """Do what is missing of a suite and return all that is found."""
    _do(suite.cells, folder, cluster, "fill cells")
    return findings(suite.cells, folder, suite.primary)


def _do(cells: Sequence[Cell], folder: Path, cluster: Cluster, title: str) -> None:
    say_outdated(cells, folder)
    make_teachers(rewards_of(cells), folder, cluster)
    filled = partial(is_filled, folder=folder)
    fill, file = partial(run_cell, folder=folder), partial(cell_file, folder)
    sweep(Job(title, list(cells), fill, file, cost, filled, lambda cell: cell.teachers), cluster)


def make_teachers(rewards: Mapping[SharedTeachers, tuple[ValuedBy, ...]], folder: Path, cluster: Cluster) -> None:
    """Make what is missing of shared teachers, with what their decisions are worth by some rewards each."""
    ready = partial(is_ready, folder=folder)
    make, scores = partial(_prepare, folder, rewards), partial(teachers_file, folder)
    sweep(Job("make teachers", list(rewards), make, scores, _effort, ready), cluster)


def rewards_of(cells: Iterable[Cell]) -> dict[SharedTeachers, tuple[ValuedBy, ...]]:
    """Return the teachers of a list of cells, and by which rewards their decisions are valued."""
    found: dict[SharedTeachers, dict[ValuedBy, None]] = {}
    for cell in cells:
        for shared in (cell.teachers, cell.audited):
            found.setdefault(shared, {})
        if cell.valued_by:
            found[cell.teachers][cell.valued_by] = None
    return {shared: tuple(rewards) for shared, rewards in found.items()}


def _prepare(folder: Path, rewards: Mapping[SharedTeachers, tuple[ValuedBy, ...]], shared: SharedTeachers) -> None:
    prepare_teachers(shared, folder, rewards[shared])


def teachers_file(folder: Path, shared: SharedTeachers) -> Path:
    """Return the file that is there when shared teachers are made."""
    return scores_file(shared.run(folder))


def _effort(shared: SharedTeachers) -> float:
    """Return about how much making teachers costs."""
    dagger = shared.teacher.dagger
    return dagger.rounds * dagger.training.steps + dagger.final.steps
