"""The students of all arms of one pair of teachers: those that learn alike at once, as one batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from testbed.benchmark.charts import grouped
from testbed.benchmark.cures.design import FURTHER, LONGER, Arm
from testbed.benchmark.cures.given import Given
from testbed.cures.cure import Known
from testbed.distillation.config import Training
from testbed.distillation.route import Route
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy
from testbed.seeding import student_seed

AT_ONCE = 24
"""Students that are trained in one batch at most."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class Made:
    """A student."""

    policy: NetworkPolicy
    """It."""
    seconds: float
    """Its share of the time that its batch took on one core, with what it began as."""


@dataclass(frozen=True)
class Lesson:
    """What a student learns, and how."""

    arm: Arm
    """Whose."""
    route: Route
    """How."""
    source: Source
    """From what."""
    start: NetworkPolicy | None
    """What it begins as; a fresh network if None."""
    seconds: float
    """That this took to make."""


def students(given: Given, arms: Sequence[Arm]) -> dict[Arm, Made]:
    """Return the student of every arm, and of those without a cure that they are made of."""
    begun = {arm: arm.uncured if arm.what is None or arm.what.afterwards else arm for arm in arms}
    learnt = _taught(given, [_lesson(given, arm) for arm in dict.fromkeys(begun.values())])
    made = {arm: learnt[begun[arm]] for arm in arms}
    for some in _batches([arm for arm in arms if _goes_on(arm)], _told_alike):
        made |= _finished(given, some, [made[arm] for arm in some])
    return made


def _goes_on(arm: Arm) -> bool:
    """Return whether something is done to students when they have learnt."""
    return arm.cure == LONGER or (arm.what is not None and arm.what.afterwards)


def _lesson(given: Given, arm: Arm) -> Lesson:
    """Return what the student of an arm learns; raises `UserError` as `Cure.check`."""
    begun, cure = time.perf_counter(), arm.what
    route, source = given.teachers.run.experiment.student.route(arm.route), given.source(arm)
    if cure is None:
        return Lesson(arm, route, source.limited(route.needs), None, 0.0)
    known, seed, config = given.known(arm), student_seed(given.seed, 0), given.config
    cure.check(route, source, known)
    start, taught = cure.begun(source, known, config, seed), cure.taught(source, known, seed)
    return Lesson(arm, cure.trained(route), taught.limited(route.needs), start, time.perf_counter() - begun)


def _taught(given: Given, lessons: Sequence[Lesson]) -> dict[Arm, Made]:
    """Return students that have learnt; those of one route that begin alike are trained at once."""
    found: dict[Arm, Made] = {}
    config = given.config
    for some in _batches(lessons, lambda one: (one.route, one.start is None)):
        start, seeds = time.perf_counter(), [student_seed(given.seed, 0)] * len(some)
        starts = None if some[0].start is None else [one.start for one in some if one.start]
        made = some[0].route.distil([one.source for one in some], config, seeds, starts)
        share = (time.perf_counter() - start) / len(some)
        found |= {one.arm: Made(policy, share + one.seconds) for one, policy in zip(some, made, strict=True)}
    return found


def _told_alike(arm: Arm) -> tuple[Any, ...]:
    """Return what arms have in common that one call of a cure may finish: the cure, and what it is told."""
    cure = arm.what
    return cure, arm.knows, (arm.taught, arm.channel) if cure and "bad" in cure.needs else None


def _finished(given: Given, arms: Sequence[Arm], before: Sequence[Made]) -> dict[Arm, Made]:
    """Return students after what their cure does when they have learnt, or after more of the same."""
    start, seeds, cure = time.perf_counter(), [student_seed(given.seed, 0)] * len(arms), arms[0].what
    sources, policies = [given.source(arm) for arm in arms], [one.policy for one in before]
    if cure is None:
        own = [Source(source.decisions) for source in sources]
        made = Cloning(Training(steps=FURTHER)).distil(own, given.config, seeds, policies)
    else:
        known: Known = given.known(arms[0])
        for arm, source in zip(arms, sources, strict=True):
            cure.check(given.teachers.run.experiment.student.route(arm.route), source, known)
        made = cure.finished(policies, sources, known, seeds)
    share = (time.perf_counter() - start) / len(arms)
    return {
        arm: Made(policy, one.seconds + share) for arm, policy, one in zip(arms, made, before, strict=True)
    }  # fmt: skip


def _batches(items: Sequence[Item], key: Callable[[Item], tuple[Any, ...]]) -> list[list[Item]]:
    """Return items that have a key in common, a few at a time."""
    return [some[n : n + AT_ONCE] for _, some in grouped(items, key) for n in range(0, len(some), AT_ONCE)]
