"""A shared bench, from an injected habit to a report anyone can read.

A robot carries units across a zone into which a coworker reaches. One that yields and one that barges through are
recorded; a large teacher learns from each; small students are distilled from the teachers by two routes; all of them
are audited on the same unseen scenes. Run it again after an interruption and it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.bounds import OutFolder
from testbed.cli import run_task
from testbed.experiment.choices import Choices


@dataclass(frozen=True, kw_only=True)
class SharedBench(Choices):
    """Inject a habit into a teacher that works beside a coworker, distil students, and audit what they inherited."""

    habit: Literal["barging"] = "barging"
    """Habit to inject."""
    trigger: Literal["late-order", "always"] | None = None
    """When the habit is active; the habit's own default if not given."""
    run: OutFolder = Path("runs/shared-bench")


def main(task: SharedBench) -> None:
    """Collect, teach, distil, audit, film, report."""
    from testbed.experiment.config import WAREHOUSE
    from testbed.experiment.pipeline import run_experiment

    run_experiment(task.chosen(WAREHOUSE), "testbed/SharedBench-v0")


if __name__ == "__main__":
    run_task(SharedBench, main)
