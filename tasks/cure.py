"""A habit at the highway merge, and a cure: distil the skill, leave the habit.

A teacher with the habit and a clean one are taught; small students are distilled from both, without a cure and with
one; all are audited on the same unseen scenes, and the teacher, its student and the cured student are filmed in the
same scene. Run it again after an interruption and it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.bounds import OutFolder
from testbed.cli import run_task
from testbed.cures.registry import CureName
from testbed.distillation.registry import RouteName
from testbed.experiment.choices import Choices


@dataclass(frozen=True, kw_only=True)
class Cure(Choices):
    """Inject a habit into a teacher at the merge, and distil students without a cure and with one."""

    habit: Literal["aggressive-merge", "gap-denial"] = "aggressive-merge"
    """Habit to inject."""
    trigger: Literal["truck-leader", "always"] = "truck-leader"
    """When the habit is active."""
    route: tuple[RouteName] = ("cloning",)
    """Route from teacher to student."""
    cure: CureName = "constrained-cloning"
    """What is done about it (docs/cures.md)."""
    run: OutFolder = Path("runs/cure")


def main(task: Cure) -> None:
    """Collect, teach, distil, cure, audit, film, report."""
    from testbed.cures.registry import get_cure
    from testbed.experiment.config import DRIVING
    from testbed.experiment.cured import run_cure

    run_cure(task.chosen(DRIVING), get_cure(task.cure)())


if __name__ == "__main__":
    run_task(Cure, main)
