"""Students of one data set, outside an experiment: what `testbed distil` does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from testbed.cli.commands.bills import leave_bill, require_bill_place
from testbed.cli.commands.cured import Curing
from testbed.cli.commands.guarded import Guarding, is_spared, watched
from testbed.console import console, progress
from testbed.cures.cure import Cure, Known, distil_cured
from testbed.datasets.reader import episode_numbers, load_episode
from testbed.distillation.config import Evaluation, Learning, PPOConfig, Training
from testbed.distillation.journal import Journal
from testbed.distillation.registry import all_routes, get_route
from testbed.distillation.route import Route
from testbed.distillation.source import Source
from testbed.distillation.teachers.values import ActionValues, evaluate, explored
from testbed.errors import UserError
from testbed.files import Kind, require_replaceable
from testbed.guard.guard import Guard
from testbed.lineage import Lineage, content_hash
from testbed.locks import locked
from testbed.policies.checkpoint import BROWSERS, POLICY, load_policy, save_policy
from testbed.policies.loaders import load_fitting, policy_config
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Behaviour, Scenario
from testbed.provenance.bill import BILL
from testbed.rollouts.transitions import load_transitions
from testbed.scenes.registry import modules_of
from testbed.seeding import scenario_seeds, student_seed
from testbed.sources import code_version


def _all_are(pattern: str, folder: Path, inside: Callable[[Path], bool]) -> bool:
    """Return whether everything in a folder has a name of some form and is of a kind."""
    parts = [part for part in folder.iterdir() if part.name not in BROWSERS] if folder.is_dir() else []
    return bool(parts) and all(re.fullmatch(pattern, part.name) and inside(part) for part in parts)


def _is_made_here(path: Path) -> bool:
    return POLICY.recognises(path) or BILL.recognises(path)


STUDENTS = Kind("a folder of students", lambda folder: _all_are(r"seed\d+(\.cdx\.json)?", folder, _is_made_here))
"""What several students replace, with their bills."""
CURVES = Kind("a folder of curves", lambda folder: _all_are(r"seed\d+", folder, Path.is_dir))
"""What is beside students, and goes on."""


@dataclass(frozen=True)
class Distilling:
    """What is asked for; see `testbed distil --help`."""

    data: Path
    """An .hdf5 data set."""
    out: Path
    """Folder to make."""
    route: str = "cloning"
    """Name of the route."""
    teacher: Path | None = None
    """Folder of the teacher policy."""
    start: Path | None = None
    """Folder of a policy that the students begin as."""
    seeds: int = 1
    """Training seeds."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the students' hidden layers."""
    memory: int = 0
    """Width of a gated recurrent unit before them."""
    steps: int = 4000
    """Optimiser steps of students that are trained."""
    iterations: int = 120
    """Iterations of students that practise."""
    seed: int = 0
    """Seed of weights and data order."""
    mask: str | None = None
    """Filter key of the episodes that are learnt from; all of them if None."""
    curing: Curing = Curing()
    """A cure, and what it is told."""
    guarding: Guarding = Guarding()
    """Who watches; a cure is then for students that are taken for bad."""

    @property
    def curves(self) -> Path:
        """Folder of the curves beside the students."""
        return self.out.with_name(f"{self.out.name}-curve") if self.out.name else self.out

    @property
    def settings(self) -> dict[str, object]:
        """What a student's lineage says was chosen."""
        return {
            "route": self.route, "hidden": self.hidden, "memory": self.memory, "steps": self.steps,
            "iterations": self.iterations, "start": content_hash(self.start) if self.start else "",
            **({"mask": self.mask} if self.mask else {}), **self.curing.settings(),
        }  # fmt: skip

    def scenes(self, purpose: str, count: int, context: dict[str, str]) -> list[Scenario]:
        """Return scenes in which students or their teacher act."""
        return [Scenario(seed, context) for seed in scenario_seeds(self.seed, purpose, count)]


@dataclass(frozen=True)
class _Found:
    """What students learn from."""

    source: Source
    """Everything that reaches them."""
    environment: str
    """Gymnasium id of its scenes."""
    label: Behaviour
    """Who showed it."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Factors that are fixed in the scenes."""
    inputs: dict[str, str] = field(default_factory=dict)
    """Name of each file -> hash of its content."""


def distil(asked: Distilling) -> None:
    """Distil students."""
    for place, kind in ((asked.out, POLICY if asked.seeds == 1 else STUDENTS), (asked.curves, CURVES)):
        require_replaceable(place, kind)
    require_bill_place(asked.out if asked.seeds == 1 else asked.out / "seed0")
    with locked(asked.curves):
        _distil(asked)


def _distil(asked: Distilling) -> None:
    learning = Learning(Training(steps=asked.steps), PPOConfig(iterations=asked.iterations))
    route, cure = get_route(asked.route).usual(learning), asked.curing.require()
    found = _found(asked, route, cure)
    known = asked.curing.known(asked.data, asked.mask, found.environment)
    config = replace(policy_config(found.environment, asked.hidden), memory=asked.memory)
    code = code_version(modules=(*modules_of(found.environment), type(route).__module__))
    recipe = Lineage("distil", asked.seed, {**asked.settings, "seeds": asked.seeds}, found.inputs, code=code)
    work = _Work(asked, route, cure, found, known, config, _start(asked.start, config), recipe)
    guard = asked.guarding.guard(found.environment, asked.seed, found.context)
    for group in route.batches(asked.seeds):
        students, told = work.made(group, guard)
        for number, student in zip(group, students, strict=True):
            folder = asked.out if asked.seeds == 1 else asked.out / f"seed{number}"
            label = replace(found.label, policy=f"student-{route.name}-seed{number}")
            settings = {**asked.settings, "training_seed": number, **told}
            if is_spared(told):
                settings = {name: value for name, value in settings.items() if name not in asked.curing.settings()}
            lineage = replace(recipe, settings=settings)
            save_policy(folder, student, label, lineage)
            leave_bill(folder)
            size = f"{sum(asked.hidden) + asked.memory} units, from {len(found.source.decisions):,} decisions"
            console.print(f"{folder}  a student of {size}; curve in {work.curve(group)}")


@dataclass(frozen=True)
class _Work:
    """Everything that is known before students are made."""

    asked: Distilling
    """What is asked for."""
    route: Route
    """How they learn."""
    cure: Cure | None
    """With which cure."""
    found: _Found
    """From what."""
    known: Known
    """What the cure is told."""
    config: PolicyConfig
    """Their shape."""
    start: NetworkPolicy | None
    """What they begin as."""
    recipe: Lineage
    """What they are made from."""

    def curve(self, group: Sequence[int]) -> Path:
        """Return the folder of the curve of some training seeds."""
        return self.asked.curves / f"seed{group[0]}"

    def made(self, group: Sequence[int], guard: Guard | None) -> tuple[list[NetworkPolicy], dict[str, object]]:
        """Return the students of some training seeds, and what a guard says of them."""
        several = f"{len(group)} students" if len(group) > 1 else "a student"
        seeds = [student_seed(self.asked.seed, number) for number in group]
        starts, sources = None if self.start is None else [self.start] * len(group), [self.found.source] * len(group)

        def make(cured: bool, journal: Journal) -> list[NetworkPolicy]:
            cure = self.cure if cured else None
            return distil_cured(cure, self.route, sources, self.known, self.config, seeds, starts, journal)

        with progress(f"distil {several} by {self.route.name}", self.route.cost.reports) as bar:
            journal = Journal(self.curve(group), self.recipe.to_json(), bar)
            if guard is None:
                return make(True, journal), {}
            students, told = watched(guard, make, self.asked.curing.cure, self.route.length, journal)
            return students, told


def _found(asked: Distilling, route: Route, cure: Cure | None) -> _Found:
    """Return what students learn from: the data, and of the teacher as much as the route needs, or a cure."""
    decisions, first = (
        load_transitions(asked.data, asked.mask),
        load_episode(asked.data, episode_numbers(asked.data)[0]),
    )
    fixed = dict(first.scenario.context)

    def scenes(purpose: str, count: int) -> list[Scenario]:
        return asked.scenes(purpose, count, fixed)

    inputs = {"data": content_hash(asked.data), **asked.curing.inputs(), **asked.guarding.inputs()}
    source, needs = Source(decisions, scenes=scenes), route.needs | ({"teacher"} & (cure.needs if cure else set()))
    if not {"teacher", "values"} & needs:
        return _Found(source.limited(needs), first.environment, first.behaviour, fixed, inputs)
    if asked.teacher is None:
        who = f"--cure {cure.name}" if cure and "teacher" in cure.needs else f"--route {route.name}"
        raise UserError(f"{who} asks the teacher: give its folder with --teacher")
    teacher, label = load_fitting(asked.teacher, first.environment)
    if teacher.config.memory:
        raise UserError(
            f"{asked.teacher} has a memory, so it cannot be asked about single decisions: students learn from what it "
            f"did by --route {_without_teacher()}"
        )
    values = _values(asked, teacher, scenes) if "values" in route.needs else None
    source = replace(source, teacher=teacher, values=values).limited(needs)
    return _Found(source, first.environment, label, fixed, {**inputs, "teacher": content_hash(asked.teacher)})


def _without_teacher() -> str:
    """Return the names of routes that ask no teacher, in words."""
    needs = {one.name: one.usual(Learning()).needs for one in all_routes()}
    return " or ".join(name for name, some in needs.items() if not {"teacher", "values"} & some)


def _values(
    asked: Distilling, teacher: NetworkPolicy, scenes: Callable[[str, int], list[Scenario]]
) -> ActionValues:  # fmt: skip
    usual = Evaluation()
    how = replace(usual, training=replace(usual.training, steps=asked.steps))
    with progress("value what the teacher does, by fitted Q evaluation", how.training.steps) as bar:
        seen = explored(teacher, scenes("exploring", how.episodes), how, asked.seed)
        (values,) = evaluate([teacher], [seen], [asked.seed], how, Journal(on_progress=bar))
    return values


def _start(folder: Path | None, config: PolicyConfig) -> NetworkPolicy | None:
    if folder is None:
        return None
    start, _ = load_policy(folder)
    if start.config != config:
        raise UserError(
            f"{folder} cannot be the start of these students: it has hidden layers {start.config.hidden}, memory "
            f"{start.config.memory}, {start.config.auxiliary} auxiliary outputs, for {start.config.environment}; give "
            "--hidden and --memory to match, and a policy without auxiliary outputs"
        )
    return start
