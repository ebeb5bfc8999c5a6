"""The stage that makes students of teachers, by one route after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from testbed.console import ticked
from testbed.distillation.distil import make_route
from testbed.distillation.journal import Journal
from testbed.distillation.source import Source
from testbed.distillation.teachers.values import ActionValues, evaluate, explored
from testbed.distillation.times import write_time
from testbed.experiment.config import Experiment, Run
from testbed.experiment.parallel import in_parallel
from testbed.experiment.reuse import is_there, say_outdated
from testbed.experiment.worker import report_progress
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy, random_arrays
from testbed.rollouts.transitions import load_transitions
from testbed.seeding import generator

Arm = tuple[bool, int]
"""Whether it is the student (True) or its control (False), and the number of its training seed."""
ITERATION = 200
"""Optimiser steps of a batch of students that take about as long as an iteration of practice."""


def distil_students(
    run: Run, teachers: Mapping[bool, Path], data: Mapping[bool, Path], start: NetworkPolicy | None = None
) -> dict[str, dict[bool, list[Path]]]:
    """Distil controls (False) and students (True) by every route of a run, all training seeds of both.

    Students begin as `start`, or as fresh networks. A route that can trains all its students as one batch, in one
    process; by the adversarial route each has a process of its own. As many processes run as there are cores.
    """
    arms = [(habitual, seed) for habitual in (False, True) for seed in range(run.experiment.student_seeds)]
    classes = []
    for route in run.experiment.routes:
        wanted = {
            arm: (_folder(run, route, arm), _lineage(run, route, arm, teachers[arm[0]], data[arm[0]])) for arm in arms
        }
        missing = [arm for arm, one in wanted.items() if not is_there(*one)]
        say_outdated(route, [wanted[arm] for arm in missing])
        if not missing:
            ticked(f"{len(arms)} policies by {route} are there already")
        elif route == "adversarial":
            classes += [_Class(run.experiment, run.folder, route, (arm,), teachers, data, start) for arm in missing]
        else:
            classes.append(_Class(run.experiment, run.folder, route, tuple(arms), teachers, data, start))
    if classes:
        routes = " and ".join(dict.fromkeys(one.route for one in classes))
        title = f"distil {sum(len(one.arms) for one in classes)} policies by {routes}"
        in_parallel(_distil, classes, title, sum(one.steps for one in classes))
    return {
        route: {kind: [_folder(run, route, arm) for arm in arms if arm[0] == kind] for kind in (False, True)}
        for route in run.experiment.routes
    }


def _folder(run: Run, route: str, arm: Arm) -> Path:
    return run.folder / "policies" / f"{'student' if arm[0] else 'control'}-{route}-seed{arm[1]}"


def _lineage(run: Run, route: str, arm: Arm, teacher: Path, data: Path) -> Lineage:
    """Return what a student is made from; of the experiment no more than bears on it."""
    experiment = run.experiment
    settings = {"route": route, "hidden": experiment.student_hidden, "training": asdict(experiment.training)}
    if experiment.start != "fresh":
        settings |= {"start": experiment.start, "teacher": experiment.teacher}
    if route == "value":
        settings["evaluation"] = asdict(experiment.evaluation)
    if route == "adversarial":
        settings["adversarial"] = asdict(experiment.adversarial)
    return run.lineage("distil", {"teacher": teacher, "data": data}, training_seed=arm[1], **settings)


@dataclass(frozen=True)
class _Class:
    """Students that one process makes."""

    experiment: Experiment
    """What to do."""
    folder: Path
    """The run's folder."""
    route: str
    """Route of distillation."""
    arms: tuple[Arm, ...]
    """Which students."""
    teachers: Mapping[bool, Path]
    """Both teachers."""
    data: Mapping[bool, Path]
    """What they did."""
    start: NetworkPolicy | None
    """What the students begin as, if not fresh networks."""

    @property
    def steps(self) -> int:
        """What the work counts for in the bar: optimiser steps, or as many as take about as long."""
        training, how = self.experiment.training, self.experiment.evaluation
        further = {"value": 2 * training.steps + how.training.steps + how.episodes}
        if self.route == "adversarial":
            return self.experiment.adversarial.practice.iterations * ITERATION
        return training.steps + further.get(self.route, 0)


def _distil(students: _Class) -> None:
    """Train control and student of each seed from the same initial weights and in the same data order."""
    began = time.monotonic()
    run, experiment, route = Run(students.experiment, students.folder), students.experiment, students.route
    sources = {
        kind: Source(load_transitions(students.data[kind]), load_policy(teacher)[0], scenes=run.scenarios)
        for kind, teacher in students.teachers.items()
        if kind in {habitual for habitual, _ in students.arms}
    }
    if route == "value":
        sources = with_values(run, sources, students.teachers)
    config = policy_config(run.habit.environment, experiment.student_hidden)
    recipes = [_lineage(run, route, arm, students.teachers[arm[0]], students.data[arm[0]]) for arm in students.arms]
    folders = [_folder(run, route, arm) for arm in students.arms]
    weight = ITERATION if route == "adversarial" else 1
    curve = f"{route}/{folders[0].name}" if route == "adversarial" else route
    recipe = "".join(one.to_json() for one in recipes)
    journal = Journal(run.folder / "curves" / curve, recipe, lambda count: report_progress(weight * count))
    made = make_route(route, experiment.training, experiment.adversarial).distil(
        [sources[kind] for kind, _ in students.arms],
        config,
        [student_seed(experiment.seed, seed) for _, seed in students.arms],
        None if students.start is None else [students.start] * len(students.arms),
        journal,
    )
    for arm, folder, lineage, policy in zip(students.arms, folders, recipes, made, strict=True):
        save_policy(folder, policy, run.behaviour(folder.name, arm[0]), lineage)
    write_time(run.folder / "curves" / curve, time.monotonic() - began)


def with_values(run: Run, sources: Mapping[bool, Source], teachers: Mapping[bool, Path]) -> dict[bool, Source]:
    """Find out what each teacher's decisions are worth to it, from what it does when it explores.

    The networks are kept beside the teachers, as `teacher-<kind>-values`, and taken again.
    """
    how = run.experiment.evaluation
    policies = [source.require_teacher() for source in sources.values()]
    scenes, seen = run.scenarios("exploring", how.episodes), []
    for policy in policies:
        seen.append(explored(policy, scenes, how, run.experiment.seed))
        report_progress(how.episodes // 2)
    folders = [teacher.with_name(f"{teacher.name}-values") for teacher in teachers.values()]
    recipes = [run.lineage("values", {"teacher": teacher}, **asdict(how)) for teacher in teachers.values()]
    if all(map(is_there, folders, recipes)):
        networks = [load_policy(folder)[0] for folder in folders]
        report_progress(how.training.steps)
    else:
        journal = Journal(run.folder / "curves" / "teacher-values", on_progress=report_progress)
        found = evaluate(policies, seen, [run.experiment.seed] * len(policies), how, journal)
        networks = [values.network for values in found]
        for kind, folder, recipe, network in zip(sources, folders, recipes, networks, strict=True):
            save_policy(folder, network, run.behaviour(folder.name, kind), recipe)
    worth = [ActionValues(*one) for one in zip(policies, networks, seen, strict=True)]
    return {kind: replace(source, values=one) for (kind, source), one in zip(sources.items(), worth, strict=True)}


def student_seed(seed: int, number: int) -> int:
    """Return the seed of a student's weights and data order; its control has the same."""
    return int(generator(seed, "student", number).integers(2**62))


def untrained_policy(run: Run) -> NetworkPolicy:
    """Return a student that learned nothing: the arm that shows what the network alone does."""
    config = policy_config(run.habit.environment, run.experiment.student_hidden)
    return NetworkPolicy(config, random_arrays(config, generator(student_seed(run.experiment.seed, 0), "weights")))
