"""Experiments and a suite that are as small as they can be, and stages that are forked from the warm process."""

from __future__ import annotations

import multiprocessing
from functools import partial
from types import SimpleNamespace

from testbed.benchmark import suites
from testbed.benchmark.suites import Plan, Suite
from testbed.distillation.reinforcement.ppo import PPOConfig
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.stacked import Training
from testbed.distillation.teachers.demonstration import Dagger
from testbed.distillation.teachers.values import Evaluation
from testbed.experiment import config as run
from testbed.experiment import parallel as in_parallel

TINY = partial(
    run.Experiment, demonstrations=6, teacher_episodes=6, student_seeds=1, scenes=3, held_out_scenes=2,
    teacher_hidden=(16,), student_hidden=(8,), training=Training(steps=20),
    dagger=Dagger(rounds=1, episodes=4, training=Training(steps=20), final=Training(steps=40)),
    adversarial=Adversarial(PPOConfig(iterations=1, worlds=4, steps=40, batch=32, epochs=1), cloned=20),
    evaluation=Evaluation(episodes=4, hidden=(8,), training=Training(steps=20)),
)  # fmt: skip

TINY_BENCH = partial(
    TINY, demonstrations=2, teacher_episodes=2, scenes=2, held_out_scenes=2,
    dagger=Dagger(rounds=1, episodes=2, training=Training(steps=20), final=Training(steps=40)),
    adversarial=Adversarial(PPOConfig(iterations=1, worlds=2, steps=20, batch=20, epochs=1), cloned=20),
    evaluation=Evaluation(episodes=1, hidden=(8,), training=Training(steps=20)),
)  # fmt: skip
"""At a bench, where an untrained hand takes a scene's whole time, and a step costs more."""


def _suite(seed: int) -> Suite:
    plan = Plan(("aggressive-merge",), 2, TINY(), TINY(), silently=(), widths=(), doses=())
    return Suite("smoke", plan.suite("smoke", seed).primary[:2], ())


def shrink() -> None:
    """Make `--profile quick` and `--suite smoke` tiny in this process, and fork stages instead of starting a server.

    A server of processes would import everything again for every input.
    """
    run.DRIVING["quick"], run.WAREHOUSE["quick"] = TINY, TINY_BENCH
    suites.SUITES["smoke"] = _suite  # type: ignore[index]
    forking = multiprocessing.get_context("fork")
    in_parallel.get_context = lambda method: forking  # type: ignore[attr-defined]
    in_parallel.forkserver = SimpleNamespace(ensure_running=lambda: None)  # type: ignore[attr-defined]
