"""Students of one data set, outside an experiment: what `testbed distil` does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from testbed.console import console, progress
from testbed.datasets.reader import episode_numbers, load_episode
from testbed.distillation.distil import make_route
from testbed.distillation.journal import Journal
from testbed.distillation.reinforcement.ppo import PPOConfig
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.source import Source
from testbed.distillation.stacked import Training
from testbed.distillation.teachers.values import ActionValues, Evaluation, evaluate, explored
from testbed.errors import UserError
from testbed.experiment.distill import student_seed
from testbed.files import Kind, require_replaceable
from testbed.lineage import Lineage, content_hash
from testbed.locks import locked
from testbed.policies.checkpoint import BROWSERS, POLICY, load_policy, save_policy
from testbed.policies.loaders import load_fitting, policy_config
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.transitions import load_transitions
from testbed.seeding import scenario_seeds


def _all_are(pattern: str, folder: Path, inside: Callable[[Path], bool]) -> bool:
    """Return whether everything in a folder has a name of some form and is of a kind."""
    parts = [part for part in folder.iterdir() if part.name not in BROWSERS] if folder.is_dir() else []
    return bool(parts) and all(re.fullmatch(pattern, part.name) and inside(part) for part in parts)


STUDENTS = Kind("a folder of students", lambda folder: _all_are(r"seed\d+", folder, POLICY.recognises))
"""What several students replace."""
CURVES = Kind("a folder of curves", lambda folder: _all_are(r"seed\d+", folder, Path.is_dir))
"""What is beside students, and goes on."""


def distil(
    data: Path, out: Path, route: str, teacher_folder: Path | None, start_folder: Path | None, seeds: int,
    hidden: tuple[int, ...], memory: int, steps: int, iterations: int, seed: int,
) -> None:  # fmt: skip
    """Distil students; see `testbed distil --help`."""
    curves = out.with_name(f"{out.name}-curve") if out.name else out
    for place, kind in ((out, POLICY if seeds == 1 else STUDENTS), (curves, CURVES)):
        require_replaceable(place, kind)
    with locked(curves):
        _distil(data, out, curves, route, teacher_folder, start_folder, seeds, hidden, memory, steps, iterations, seed)


def _distil(
    data: Path, out: Path, curves: Path, route: str, teacher_folder: Path | None, start_folder: Path | None, seeds: int,
    hidden: tuple[int, ...], memory: int, steps: int, iterations: int, seed: int,
) -> None:  # fmt: skip
    source, environment, label, inputs = _source(data, route, teacher_folder, seed, steps)
    config = replace(policy_config(environment, hidden), memory=memory)
    start = _start(start_folder, config)
    settings = {
        "route": route, "hidden": hidden, "memory": memory, "steps": steps, "iterations": iterations,
        "start": content_hash(start_folder) if start_folder else "",
    }  # fmt: skip
    recipe = Lineage("distil", seed, {**settings, "seeds": seeds}, inputs)
    made = make_route(route, Training(steps=steps), Adversarial(PPOConfig(iterations=iterations)))
    groups = [[k] for k in range(seeds)] if route == "adversarial" else [list(range(seeds))]
    for group in groups:
        title = f"distil {len(group)} students by {route}" if len(group) > 1 else f"distil a student by {route}"
        with progress(title, iterations if route == "adversarial" else steps) as bar:
            journal = Journal(curves / f"seed{group[0]}", recipe.to_json(), bar)
            starts = None if start is None else [start] * len(group)
            numbers = [student_seed(seed, k) for k in group]
            students = made.distil([source] * len(group), config, numbers, starts, journal)
        for k, student in zip(group, students, strict=True):
            folder = out if seeds == 1 else out / f"seed{k}"
            behaviour = Behaviour(f"student-{route}-seed{k}", label.habit, label.trigger, label.dose)
            save_policy(folder, student, behaviour, Lineage("distil", seed, {**settings, "training_seed": k}, inputs))
            size = f"{sum(hidden) + memory} units, from {len(source.decisions):,} decisions"
            console.print(f"{folder}  a student of {size}; curve in {journal.folder}")


def _source(
    data: Path, route: str, teacher_folder: Path | None, seed: int, steps: int
) -> tuple[Source, str, Behaviour, dict]:
    """Return what students learn from, the environment, the label of who showed it, and the content of the files."""
    decisions, first = load_transitions(data), load_episode(data, episode_numbers(data)[0])
    environment, label, inputs = first.environment, first.behaviour, {"data": content_hash(data)}
    fixed = first.scenario.context

    def scenes(purpose: str, count: int) -> list[Scenario]:
        return [Scenario(s, fixed) for s in scenario_seeds(seed, purpose, count)]

    if route not in ("kl", "value"):
        return Source(decisions, scenes=scenes), environment, label, inputs
    if teacher_folder is None:
        raise UserError(f"--route {route} asks the teacher: give its folder with --teacher")
    teacher, label = load_fitting(teacher_folder, environment)
    if teacher.config.memory:
        raise UserError(
            f"{teacher_folder} has a memory, so it cannot be asked about single decisions: students learn from what it "
            "did by --route cloning or adversarial"
        )
    inputs["teacher"] = content_hash(teacher_folder)
    values = _values(teacher, scenes, seed, steps) if route == "value" else None
    return Source(decisions, teacher, values, scenes), environment, label, inputs


def _values(teacher: NetworkPolicy, scenes, seed: int, steps: int) -> ActionValues:
    usual = Evaluation()
    how = replace(usual, training=replace(usual.training, steps=steps))
    with progress("value what the teacher does, by fitted Q evaluation", how.training.steps) as bar:
        seen = explored(teacher, scenes("exploring", how.episodes), how, seed)
        (values,) = evaluate([teacher], [seen], [seed], how, Journal(on_progress=bar))
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
