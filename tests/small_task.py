"""The scripts in `tasks/`, with as little of everything as makes sense.

python tests/small_task.py merge runs/small
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from testbed.console import run_command
from testbed.distillation.config import Dagger, Evaluation, FineTuning, Learning, PPOConfig, Training
from testbed.experiment.choices import Choices
from testbed.experiment.config import DRIVING, WAREHOUSE, AuditConfig, Experiment, Run, StudentConfig, TeacherConfig
from testbed.scenes.stocking import task as stocking

TASKS = Path(__file__).parent.parent / "tasks"
SHORT = 4.0
"""Longest episode at the bench [s]."""
PRACTICE = PPOConfig(iterations=2, worlds=8, steps=80, batch=64, epochs=1)  # some episodes end
ROADS = ("merge", "crosswalk")
ROUTES = {"merge": ("advantage", "cloning", "kl", "value", "adversarial")}
"""Routes of a task's runs here, where they are not the usual two."""
TRIGGERS = {"merge": "truck-leader", "cure": "truck-leader", "shelf_stocking": "always"}
"""Their triggers: one that can be absent, and one that cannot."""


def experiment(road: bool) -> Experiment:
    """Return the amounts of a small experiment on a road or at a bench."""
    few = 16 if road else 8
    return Experiment(
        teacher=TeacherConfig(
            demonstrations=24 if road else 8, episodes=few, hidden=(64, 64),
            dagger=Dagger(1, few, Training(steps=300), Training(steps=1500 if road else 300)),
            practice=PRACTICE, fine_tuning=FineTuning(0.01),
            evaluation=Evaluation(episodes=16, hidden=(32,), training=Training(steps=100)),
        ),
        student=StudentConfig(seeds=2, hidden=(32,), learning=Learning(Training(steps=300), PRACTICE)),
        audit=AuditConfig(scenes=few // 2, held_out_scenes=few // 4),
    )  # fmt: skip


def choices(task: str, folder: Path, **chosen: Any) -> Choices:
    """Return what is chosen at a task's command line."""
    if str(TASKS) not in sys.path:
        sys.path.insert(0, str(TASKS))
    make = getattr(import_module(task), task.title().replace("_", ""))
    usual = {"route": ROUTES.get(task, ("cloning", "kl")), "trigger": TRIGGERS.get(task)}
    return make(run=folder, hidden=(32,), **{**usual, **chosen})


def small_run(task: str, folder: Path, **chosen: Any) -> Run:
    """Return the run that these choices are."""
    return choices(task, folder, **chosen).chosen({"quick": experiment(task in ROADS)})


def main(task: str, folder: Path) -> None:
    """Carry out a task by its script."""
    (DRIVING if task in ROADS else WAREHOUSE)["quick"] = experiment(task in ROADS)
    chosen = choices(task, folder)
    import_module(task).main(chosen)


if __name__ in ("__main__", "__mp_main__"):  # films take longest: here, as in the processes that make them
    object.__setattr__(stocking.SCENE, "time_limit", SHORT)
if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1], Path(sys.argv[2])))
