"""Experiments and a suite that are as small as they can be, and stages that are forked from the warm process."""

from __future__ import annotations

import multiprocessing
from types import SimpleNamespace

from testbed.benchmark import suites
from testbed.benchmark.suites import Plan, Suite
from testbed.distillation.config import Dagger, Evaluation, Learning, PPOConfig, Training
from testbed.experiment import config as run
from testbed.experiment import parallel as in_parallel


def _tiny(episodes: int, round_episodes: int, valued: int, scenes: int, practice: PPOConfig) -> run.Experiment:
    short = Training(steps=20)
    dagger = Dagger(rounds=1, episodes=round_episodes, training=short, final=Training(steps=40))
    evaluation = Evaluation(episodes=valued, hidden=(8,), training=short)
    return run.Experiment(
        teacher=run.TeacherConfig(
            demonstrations=episodes, episodes=episodes, hidden=(16,), dagger=dagger, evaluation=evaluation
        ),
        student=run.StudentConfig(seeds=1, hidden=(8,), learning=Learning(short, practice, cloned=20)),
        audit=run.AuditConfig(scenes=scenes, held_out_scenes=2),
    )


TINY = _tiny(6, 4, 4, 3, PPOConfig(iterations=1, worlds=4, steps=40, batch=32, epochs=1))
TINY_BENCH = _tiny(2, 2, 1, 2, PPOConfig(iterations=1, worlds=2, steps=20, batch=20, epochs=1))
"""At a bench, where an untrained hand takes a scene's whole time, and a step costs more."""


class _Two(Plan):
    """A plan of which two cells are made."""

    def suite(self, name: str, seed: int) -> Suite:
        """Return the grid."""
        return Suite(name, super().suite(name, seed).primary[:2], ())


def shrink() -> None:
    """Make `--profile quick` and `--suite smoke` tiny in this process, and fork stages instead of starting a server.

    A server of processes would import everything again for every input.
    """
    run.DRIVING["quick"], run.WAREHOUSE["quick"] = TINY, TINY_BENCH
    suites.PLANS["smoke"] = _Two(("aggressive-merge",), 1, 2, TINY, TINY, silently=(), widths=(), doses=())
    forking = multiprocessing.get_context("fork")
    in_parallel.get_context = lambda method: forking  # type: ignore[attr-defined]
    in_parallel.forkserver = SimpleNamespace(ensure_running=lambda: None)  # type: ignore[attr-defined]
