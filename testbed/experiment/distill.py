"""The stage that makes students of teachers, by one route after the other."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from testbed.console import ticked
from testbed.distillation.config import Evaluation
from testbed.distillation.journal import Journal
from testbed.distillation.route import Route
from testbed.distillation.source import Source
from testbed.distillation.teachers.reward import habit_pay
from testbed.distillation.teachers.values import ActionValues, evaluate, explored
from testbed.distillation.times import write_time
from testbed.experiment.config import Run
from testbed.experiment.parallel import in_parallel
from testbed.experiment.reuse import is_there, say_outdated
from testbed.experiment.worker import report_progress
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.pair import HABITUAL, Pair
from testbed.rollouts.transitions import load_transitions
from testbed.scenes.registry import measures_of
from testbed.seeding import student_seed


@dataclass(frozen=True)
class _Student:
    """A student or a control, to be made or there already."""

    habitual: bool
    """Whether it is the student, else its control."""
    seed: int
    """Number of its training seed."""
    folder: Path
    """Its policy."""
    lineage: Lineage
    """What it is made from."""


@dataclass(frozen=True)
class _Class:
    """Students that one process makes."""

    run: Run
    """The run."""
    route: Route
    """How they are made."""
    students: tuple[_Student, ...]
    """Who."""
    teachers: Pair[Path]
    """Both teachers."""
    data: Pair[Path]
    """What they did."""
    start: NetworkPolicy | None
    """What the students begin as, if not fresh networks."""

    @property
    def steps(self) -> int:
        """What the work counts for in the bar: optimiser steps, or as many as take about as long."""
        cost, how = self.route.cost, self.run.experiment.teacher.evaluation
        further = how.training.steps + how.episodes if "values" in self.route.needs else 0
        return cost.reports * cost.report + further


def distil_students(
    run: Run, teachers: Pair[Path], data: Pair[Path], start: NetworkPolicy | None = None
) -> dict[str, Pair[list[Path]]]:
    """Distil controls and students by every route of a run, all training seeds of both.

    Students begin as `start`, or as fresh networks. Each batch of students (`Route.batches`) is trained in a process of
    its own. As many processes run as there are cores.
    """
    found: dict[str, Pair[list[Path]]] = {}
    classes: list[_Class] = []
    config = run.experiment.student
    for route in map(config.route, config.routes):
        students = _students(run, route, teachers, data)
        controls, taught = ([one.folder for one in students if one.habitual == kind] for kind in HABITUAL)
        found[route.name] = Pair(controls, taught)
        missing = [one for one in students if not is_there(one.folder, one.lineage)]
        say_outdated(route.name, [(one.folder, one.lineage) for one in missing])
        if not missing:
            ticked(f"{len(students)} policies by {route.name} are there already")
            continue
        batches = [tuple(one for one in students if one.seed in seeds) for seeds in route.batches(config.seeds)]
        parts = [batch for batch in batches if any(one in missing for one in batch)]
        classes += [_Class(run, route, part, teachers, data, start) for part in parts]
    if classes:
        routes = " and ".join(dict.fromkeys(one.route.name for one in classes))
        title = f"distil {sum(len(one.students) for one in classes)} policies by {routes}"
        in_parallel(_distil, classes, title, sum(one.steps for one in classes))
    return found


def _students(run: Run, route: Route, teachers: Pair[Path], data: Pair[Path]) -> list[_Student]:
    """Return all controls and then all students of a route, and what each is made from: no more of the experiment
    than bears on it."""
    config, teacher = run.experiment.student, run.experiment.teacher
    settings = {"route": route.name, "hidden": config.hidden, "learning": asdict(route)}
    if config.start != "fresh":
        settings |= {"start": config.start, "teacher": teacher.method}
    if "values" in route.needs:
        settings["evaluation"] = asdict(teacher.evaluation)
    found = []
    for habitual in HABITUAL:
        made_from = run.lineage("distil", {"teacher": teachers.of(habitual), "data": data.of(habitual)}, **settings)
        made_from = replace(made_from, code=run.code(modules=(type(route).__module__,)))
        for seed in range(config.seeds):
            lineage = replace(made_from, settings={**made_from.settings, "training_seed": seed})
            name = f"{'student' if habitual else 'control'}-{route.name}-seed{seed}"
            found.append(_Student(habitual, seed, run.folder / "policies" / name, lineage))
    return found


def _distil(work: _Class) -> None:
    """Train control and student of each seed from the same initial weights and in the same data order."""
    began = time.monotonic()
    run, route, students = work.run, work.route, work.students
    sources = open_sources(run, work.teachers, work.data)
    if "values" in route.needs:
        sources = with_values(run, sources, work.teachers, run.experiment.teacher.evaluation)
    sources = sources.map(lambda source: source.limited(route.needs))
    config = policy_config(run.habit.environment, run.experiment.student.hidden)
    curve = route.name if route.together is None else f"{route.name}/from-seed{students[0].seed}"
    recipe, weight = "".join(one.lineage.to_json() for one in students), route.cost.report
    journal = Journal(run.folder / "curves" / curve, recipe, lambda count: report_progress(weight * count))
    made = route.distil(
        [sources.of(one.habitual) for one in students],
        config,
        [student_seed(run.experiment.seed, one.seed) for one in students],
        None if work.start is None else [work.start] * len(students),
        journal,
    )
    for student, policy in zip(students, made, strict=True):
        save_policy(student.folder, policy, run.behaviour(student.folder.name, student.habitual), student.lineage)
    write_time(run.folder / "curves" / curve, time.monotonic() - began)


def open_sources(run: Run, teachers: Pair[Path], data: Pair[Path]) -> Pair[Source]:
    """Return what students learn from but values: both teachers, and what they did."""
    made = (
        Source(load_transitions(shown), load_policy(teacher)[0], scenes=run.scenarios)
        for shown, teacher in zip(data, teachers, strict=True)
    )
    return Pair(*made)


def with_values(run: Run, sources: Pair[Source], teachers: Pair[Path], how: Evaluation) -> Pair[Source]:
    """Return sources with what each teacher's decisions are worth to it, from what it does when it explores.

    The networks are kept beside the teachers, as `teacher-<kind>-values`, and taken again; those by a reward that holds
    the habit as `teacher-<kind>-values-habit`.
    """
    seed, experiment = run.experiment.seed, run.experiment
    policies = [source.require_teacher() for source in sources]
    scenes, seen = run.scenarios("exploring", how.episodes), []
    measure = measures_of(run.habit.environment)[run.habit.measure]
    for policy, habitual in zip(policies, HABITUAL, strict=True):
        dose = experiment.dose if habitual else 0.0
        pay = habit_pay(measure, run.trigger.holds, dose, experiment.teacher.habit_weight)
        seen.append(explored(policy, scenes, how, seed, pay if how.reward == "habit" else None))
        report_progress(how.episodes // 2)
    after = "-values" if how.reward == "task" else "-values-habit"
    folders = [teacher.with_name(f"{teacher.name}{after}") for teacher in teachers]
    recipes = [run.lineage("values", {"teacher": teacher}, **asdict(how)) for teacher in teachers]
    if all(map(is_there, folders, recipes)):
        networks = [load_policy(folder)[0] for folder in folders]
        report_progress(how.training.steps)
    else:
        journal = Journal(run.folder / "curves" / "teacher-values", on_progress=report_progress)
        networks = [values.network for values in evaluate(policies, seen, [seed] * 2, how, journal)]
        for habitual, folder, recipe, network in zip(HABITUAL, folders, recipes, networks, strict=True):
            save_policy(folder, network, run.behaviour(folder.name, habitual), recipe)
    worth = [ActionValues(*one) for one in zip(policies, networks, seen, strict=True)]
    return Pair(*(replace(source, values=one) for source, one in zip(sources, worth, strict=True)))
