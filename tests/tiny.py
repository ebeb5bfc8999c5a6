"""A grid of real cells that are as small as cells can be, and ways to fill it that go wrong on purpose."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from testbed.benchmark.cell import Cell
from testbed.benchmark.engines import Cluster
from testbed.benchmark.run_cell import run_cell
from testbed.benchmark.suites import Plan, Suite
from testbed.benchmark.table import write_tables
from testbed.benchmark.transfer import measure
from testbed.distillation.config import Dagger, Evaluation, Learning, PPOConfig, Training
from testbed.experiment.config import AuditConfig, Experiment, StudentConfig, TeacherConfig

PRACTICE = PPOConfig(iterations=1, worlds=8, steps=40, batch=64, epochs=1)
ROAD = Experiment(
    teacher=TeacherConfig(
        demonstrations=16, episodes=24,
        evaluation=Evaluation(episodes=16, hidden=(32, 32), training=Training(steps=60)),
        dagger=Dagger(rounds=1, episodes=16, training=Training(steps=60), final=Training(steps=120)),
    ),
    student=StudentConfig(learning=Learning(Training(steps=60), PRACTICE, cloned=50)),
    audit=AuditConfig(scenes=6, held_out_scenes=4),
)  # fmt: skip
GRID: Suite = Plan(
    ("aggressive-merge",), 1, 2, ROAD, ROAD, silently=(), widths=(), doses=(),
    others={"aggressive-merge": "tailgating"},
).suite("tiny", 0)  # fmt: skip
SUITE = replace(
    GRID, primary=tuple(cell for cell in GRID.primary if cell.route.name == "cloning" or cell.channel == "overt")
)
"""All channels of one route, and one channel of all routes."""


def run(folder: Path, engine: str = "local", workers: int = 2) -> tuple[bytes, bytes]:
    """Fill the grid and return the bytes of both tables."""
    found = measure(SUITE, folder, Cluster(engine, workers))  # type: ignore[arg-type]
    comma, parquet = write_tables(folder, found)
    return comma.read_bytes(), parquet.read_bytes()


def fill_or_die(cell: Cell, folder: Path) -> None:
    """Fill a cell; the first process that comes here ends itself as if it had been killed."""
    try:
        (folder / "died").touch(exist_ok=False)
    except FileExistsError:
        run_cell(cell, folder)
    else:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
