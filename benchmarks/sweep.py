"""How many cells an hour a sweep does, on every engine, and how its overhead grows with the grid.

    python benchmarks/sweep.py

Real cells are those of a small merge grid (2 training seeds of clones); dry cells write their file and do nothing else.
Everything runs on this machine: processes, and dask and ray with two local workers.
"""

from __future__ import annotations

import json
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import tyro
from rich.table import Table

from testbed.benchmark.cell import Cell, cell_file
from testbed.benchmark.engines import Cluster, EngineName
from testbed.benchmark.run_cell import run_cell
from testbed.benchmark.suites import Plan
from testbed.benchmark.sweep import Job, sweep
from testbed.benchmark.teachers import prepare_teachers
from testbed.console import console, run_command
from testbed.distillation.config import Dagger, Evaluation, Learning, Training
from testbed.experiment.config import AuditConfig, Experiment, StudentConfig, TeacherConfig
from testbed.files import write_text

STEPS = 400
ROAD = Experiment(
    teacher=TeacherConfig(
        demonstrations=32, episodes=48,
        evaluation=Evaluation(episodes=16, hidden=(32, 32), training=Training(steps=60)),
        dagger=Dagger(rounds=1, episodes=32, training=Training(steps=200), final=Training(steps=600)),
    ),
    student=StudentConfig(learning=Learning(Training(steps=STEPS))),
    audit=AuditConfig(scenes=16, held_out_scenes=8),
)  # fmt: skip
WAYS: tuple[tuple[str, EngineName, int], ...] = (
    ("1 process", "local", 1), ("2 processes", "local", 2),
    ("dask, 2 workers", "dask", 2), ("ray, 2 workers", "ray", 2),
)  # fmt: skip
"""What is compared."""


@dataclass(frozen=True)
class Options:
    """Measure sweeps."""

    cells: int = 24
    """Real cells."""
    sizes: tuple[int, ...] = (10, 100, 1000, 10000)
    """Dry cells."""
    repeats: int = 3
    """How often 100 dry cells are swept on each engine."""


def dry(number: int, folder: Path) -> None:
    """Do nothing but write the file of a cell."""
    write_text(folder / f"{number}.json", json.dumps({"cell": number}))


def dry_seconds(count: int, engine: EngineName, workers: int) -> float:
    """Return how long a sweep of dry cells takes, its start included [s]."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        job = Job("dry", range(count), partial(dry, folder=folder), lambda n: folder / f"{n}.json", lambda _: 1.0)
        return _timed(partial(sweep, job, Cluster(engine, workers)))


def real_seconds(cells: Sequence[Cell], shared: Path, engine: EngineName, workers: int) -> float:
    """Return how long real cells take, the engine's start included [s]."""
    for cell in cells:
        cell_file(shared, cell).unlink(missing_ok=True)
    job = Job("fill", cells, partial(run_cell, folder=shared), partial(cell_file, shared), lambda _: 1.0)
    return _timed(partial(sweep, job, Cluster(engine, workers)))


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    console.quiet = True
    try:
        work()
    finally:
        console.quiet = False
    return time.perf_counter() - start


def grid(count: int) -> list[Cell]:
    """Return cells of one shared: clones whose training differs by a step."""
    [first, *_] = Plan(("aggressive-merge",), 1, 2, ROAD, ROAD, widths=(), doses=()).suite("s", 0).primary
    return [replace(first, route=first.route.lasting(STEPS + number)) for number in range(count)]


def show(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def main(options: Options) -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    rows, fastest = [], 0.0
    with tempfile.TemporaryDirectory() as place:
        cells = grid(options.cells)
        _timed(partial(prepare_teachers, cells[0].teachers, Path(place), ("task",)))
        for name, engine, workers in WAYS:
            took = real_seconds(cells, Path(place), engine, workers)
            empty = [dry_seconds(100, engine, workers) for _ in range(options.repeats)]
            fastest = max(fastest, 3600 * len(cells) / took)
            spread = f"{10 * statistics.median(empty):.1f} ({10 * min(empty):.1f} to {10 * max(empty):.1f})"
            rows.append((name, f"{3600 * len(cells) / took:,.0f}", spread))
    title = f"{options.cells} real cells; 100 dry ones, {options.repeats} times: median (lowest to highest)"
    show(title, ("engine", "cells an hour", "ms a dry cell, start included"), rows)
    times = [(count, dry_seconds(count, "local", 2)) for count in options.sizes]
    told = [(f"{count:,}", f"{seconds:.2f}", f"{1000 * seconds / count:.2f}") for count, seconds in times]
    show("dry cells, 2 processes", ("cells", "s", "ms a cell"), told)
    (few, short), (many, long) = times[-2], times[-1]
    each = (long - short) / (many - few)
    hours = 1e6 / fastest * 2
    console.print(
        f"10^6 cells like these, by these numbers: {hours:,.0f} core hours of work, on 1,000 cores "
        f"{hours / 1000:.1f} h; the sweep itself {1e6 * each / 3600:.1f} h if its cost stays linear"
    )


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
