"""The highway merge, from an injected habit to a report anyone can read.

A clean and a habitual demonstrator are recorded; a large teacher learns from each; small students are
distilled from the teachers by two routes; all of them are audited on the same unseen scenes. Run it
again after an interruption and it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.bounds import OutFolder
from testbed.cli import run_task
from testbed.experiment.choices import Choices


@dataclass(frozen=True, kw_only=True)
class Merge(Choices):
    """Inject a habit into a teacher that merges or drives beside a ramp, distil students, and audit them."""

    habit: Literal["aggressive-merge", "tailgating", "gap-denial"] = "aggressive-merge"
    """Habit to inject; the latter two have the ego on the main road."""
    trigger: Literal["truck-leader", "always"] = "truck-leader"
    """When the habit is active."""
    run: OutFolder = Path("runs/merge")


def main(task: Merge) -> None:
    """Collect, teach, distil, audit, film, report."""
    from testbed.experiment.config import DRIVING
    from testbed.experiment.pipeline import run_experiment

    run_experiment(task.chosen(DRIVING), "testbed/Merge-v0")


if __name__ == "__main__":
    run_task(Merge, main)
