"""The highway merge, from an injected habit to a report anyone can read.

A clean and a habitual demonstrator are recorded; a large teacher learns from each; small students are
distilled from the teachers by two routes; all of them are audited on the same unseen scenes. Run it
again after an interruption and it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from testbed.console import run_command
from testbed.experiment.carrying_out import carry_out
from testbed.experiment.run import DRIVING, Run


@dataclass(frozen=True)
class Merge:
    """Inject a habit into a teacher that merges or drives beside a ramp, distil students, and audit them."""

    habit: Literal["aggressive-merge", "tailgating", "gap-denial"] = "aggressive-merge"
    """Habit to inject; the latter two have the ego on the main road."""
    profile: Literal["quick", "full"] = "quick"
    """quick: 5 training seeds in about a minute; full: 10 training seeds, more of everything."""
    trigger: Literal["truck-leader", "always"] = "truck-leader"
    """When the habit is active."""
    route: tuple[Literal["cloning", "kl", "value", "adversarial"], ...] = ("cloning", "kl")
    """Routes from teacher to student."""
    teacher: Literal["demonstration", "reward", "fine-tuning"] = "demonstration"
    """How teachers are made."""
    dose: float = 1.0
    """Strength of the habit, above 0 and up to 1."""
    seed: int = 0
    """The one seed that everything random comes from."""
    run: Path = Path("runs/merge")
    """Folder for everything that is made; an unfinished run in it goes on."""


def main(task: Merge) -> None:
    """Collect, teach, distil, audit, film, report."""
    experiment = DRIVING[task.profile](
        habit=task.habit, trigger=task.trigger, dose=task.dose, seed=task.seed, routes=task.route, teacher=task.teacher
    )
    carry_out(Run(experiment, task.run), "testbed/Merge-v0")


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Merge)))
