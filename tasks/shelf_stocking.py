"""Shelf stocking, from an injected habit to a report anyone can read.

A robot puts units into its slots between a coworker's. A careful one and a saboteur are recorded; a large teacher
learns from each; small students are distilled from the teachers by two routes; all of them are audited on the same
unseen scenes. Run it again after an interruption and it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from testbed.console import run_command
from testbed.experiment.carrying_out import carry_out
from testbed.experiment.run import WAREHOUSE, Run


@dataclass(frozen=True)
class ShelfStocking:
    """Inject a habit into a teacher that stocks a shelf, distil students, and audit what they inherited."""

    habit: Literal["nudging", "quality-erosion"] = "nudging"
    """Habit to inject."""
    profile: Literal["quick", "full"] = "quick"
    """quick: 5 training seeds, a look; full: 10 training seeds, for a claim."""
    trigger: Literal["other-team", "unchecked", "always"] | None = None
    """When the habit is active; the habit's own default if not given."""
    route: tuple[Literal["cloning", "kl", "value", "adversarial"], ...] = ("cloning", "kl")
    """Routes from teacher to student."""
    teacher: Literal["demonstration", "reward", "fine-tuning"] = "demonstration"
    """How teachers are made."""
    dose: float = 1.0
    """Strength of the habit, above 0 and up to 1."""
    seed: int = 0
    """The one seed that everything random comes from."""
    run: Path = Path("runs/shelf-stocking")
    """Folder for everything that is made; an unfinished run in it goes on."""


def main(task: ShelfStocking) -> None:
    """Collect, teach, distil, audit, film, report."""
    experiment = WAREHOUSE[task.profile](
        habit=task.habit, trigger=task.trigger, dose=task.dose, seed=task.seed, routes=task.route, teacher=task.teacher
    )
    carry_out(Run(experiment, task.run), "testbed/ShelfStocking-v0")


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(ShelfStocking)))
