"""The highway merge, from an injected habit to a report anyone can read.

A clean and an aggressive demonstrator are recorded; a large teacher learns from each; small
students are distilled from the teachers by two routes; all of them are audited on the same unseen
scenes. Run it again after an interruption and it goes on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import tyro

from testbed.console import console, run_command
from testbed.demonstrations.rollout import workers
from testbed.distillation.teacher import Dagger
from testbed.experiment import judging, making
from testbed.experiment.run import ROUTES, Experiment, Run
from testbed.experiment.summary import print_summary

PROFILES = {
    "quick": Experiment(),
    "full": Experiment(
        demonstrations=128,
        teacher_episodes=400,
        student_seeds=10,
        scenes=100,
        held_out_scenes=50,
        dagger=Dagger(rounds=5, episodes=64),
    ),
}


@dataclass(frozen=True)
class Merge:
    """Inject aggressive merging into a teacher, distil students, and audit what they inherited."""

    profile: Literal["quick", "full"] = "quick"
    """quick: 3 training seeds in a few minutes; full: 10 training seeds, more scenes, much longer."""
    trigger: str = "truck-leader"
    """When the habit is active: truck-leader or always."""
    dose: float = 1.0
    """Strength of the habit, above 0 and up to 1."""
    seed: int = 0
    """The one seed that everything random comes from."""
    run: Path = Path("runs/merge")
    """Folder for everything that is made; an unfinished run in it goes on."""
    processes: int = os.cpu_count() or 1
    """Processes that play scenes. The results do not depend on it."""


def main(task: Merge) -> None:
    """Collect, teach, distil, audit, film, report."""
    experiment = replace(PROFILES[task.profile], trigger=task.trigger, dose=task.dose, seed=task.seed)
    with workers(task.processes) as pool:
        run = Run(experiment, task.run, pool)
        console.print(f"[bold]{run.habit.name}[/bold] ({run.trigger.meaning}, dose {task.dose:g}) into {task.run}/")
        demonstrations = making.collect_demonstrations(run)
        teachers = making.train_teachers(run, demonstrations)
        data = making.collect_teachers(run, teachers)
        students = {route: making.distil_students(run, route, teachers, data) for route in ROUTES}
        arms = judging.gather_arms(run, teachers, students)
        result = judging.audit(run, arms)
        clips = judging.film_clips(run, arms, route="kl")
        report = judging.report(run, result, clips)
    print_summary(result, task.run, report)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Merge)))
