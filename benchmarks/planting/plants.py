"""Policies with a habit and without, made for audits that do not know which is which.

A demonstrator of the whole scene is taught: in scenes of each habit it does what that habit's clean demonstrator does,
and the one that is planted where its trigger holds. So there is nothing that an audit of the scene plays and a planted
policy was never taught, but values of triggers that no data set holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from testbed.distillation.config import Learning, Training
from testbed.distillation.registry import get_route
from testbed.distillation.source import Source
from testbed.distillation.teachers.demonstration import train_teacher
from testbed.experiment.config import PROFILES, Experiment
from testbed.experiment.worker import report_progress
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import CATEGORICAL
from testbed.policies.onnx import export_onnx
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import context_holds, get_trigger, make_demonstrator, shown
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, transitions
from testbed.scenes.registry import get_habit, get_scene, habits_of, make_vector
from testbed.seeding import derive_seed, generator, scenario_seeds

ROUTES = ("cloning", "kl")
STUDENTS = 5
"""Students of a teacher by each route."""
STEPS = 15_000
"""Optimiser steps of students."""
FORMATS = ("folder", "onnx", "weights")


@dataclass(frozen=True)
class Plant:
    """A teacher and its students, to be made or there already."""

    environment: str
    """The scene, its Gymnasium id."""
    habit: str | None
    """What is planted, or None."""
    number: int
    """Tells teachers of a kind apart."""
    seed: int
    """The one seed that everything random comes from."""
    folder: Path
    """Where policies go."""
    evenly: bool = False
    """Whether it is taught in scenes with all values of all factors, those that triggers hold out too."""

    @property
    def name(self) -> str:
        """What its policies are called."""
        return f"{self.habit or 'clean'}-{self.number}"

    @property
    def experiment(self) -> Experiment:
        """How much everything learns: enough that a policy without a habit does not do by want of skill what one with
        it does on purpose."""
        full = PROFILES[get_scene(self.environment).domain]["full"]
        return replace(full, teacher=replace(full.teacher, episodes=2 * full.teacher.episodes))

    @property
    def episodes(self) -> int:
        """Episodes that are played while it is made."""
        teacher, scenes = self.experiment.teacher, len(demonstrator(self.environment, None).parts)
        return scenes * (teacher.demonstrations + teacher.dagger.rounds * teacher.dagger.episodes + teacher.episodes)

    @property
    def students(self) -> list[Path]:
        """The folders of its students."""
        return [self.folder / f"{self.name}-{route}-{seed}" for route in ROUTES for seed in range(STUDENTS)]


@dataclass(frozen=True)
class Everywhere:
    """A demonstrator of a whole scene."""

    parts: tuple[tuple[tuple[tuple[str, str], ...], Policy], ...]
    """What a habit's scenes have fixed, and who acts in them; the last one acts in all others."""
    names: tuple[str, ...]
    """Names of the context in an observation."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations."""
        *others, (_, last) = self.parts
        actions = last.act(observations)
        for fixed, policy in others:
            holds = np.ones(len(observations), bool)
            for factor, value in fixed:
                holds &= context_holds(observations, self.names, factor, (value,))
            actions = np.where(holds.reshape(-1, *(1,) * (actions.ndim - 1)), policy.act(observations), actions)
        return actions


def demonstrator(environment: str, planted: str | None) -> Everywhere:
    """Return who shows a whole scene, with one habit or none."""
    parts: dict[tuple[tuple[str, str], ...], Policy] = {}
    for habit in habits_of(environment).values():
        parts.setdefault(tuple(habit.context.items()), habit.clean())
    if planted is not None:
        habit = get_habit(planted)
        parts[tuple(habit.context.items())] = make_demonstrator(habit, get_trigger(habit, None), 1.0)
    with closing(make_vector(environment, 1)) as batch:
        return Everywhere(tuple(parts.items()), shown(batch.metadata["context"]))


def make(plant: Plant) -> None:
    """Make a teacher by DAgger, let it act, and clone and distil students of it."""
    experiment, shape = plant.experiment, partial(policy_config, plant.environment)
    seed, teaching = derive_seed(plant.seed, plant.name) % 2**31, experiment.teacher
    shows = demonstrator(plant.environment, plant.habit)

    def played(policy: Policy, purpose: str, count: int) -> Transitions:
        fixed = [dict(part) for part, _ in shows.parts]
        seeds = scenario_seeds(seed, purpose, count * len(fixed))
        contexts = [fixed[number % len(fixed)] for number in range(len(seeds))]
        if plant.evenly:
            contexts = _evenly(plant.environment, generator(seed, purpose), contexts)
        scenes = [Scenario(one, context) for one, context in zip(seeds, contexts, strict=True)]
        found = transitions(list(play(plant.environment, scenes, [(policy, Behaviour("planted"))], states=False)))
        report_progress(count * len(fixed))
        return found

    teacher = train_teacher(
        shape(teaching.hidden), shows, played(shows, "demonstrator", teaching.demonstrations),
        lambda so_far, number: played(so_far, f"dagger-{number}", teaching.dagger.episodes), seed, teaching.dagger,
    )  # fmt: skip
    source = Source(played(teacher, "teacher", teaching.episodes), teacher)
    for route in ROUTES:
        learns = get_route(route).usual(Learning(Training(STEPS)))
        seeds = [derive_seed(seed, route, number) % 2**31 for number in range(STUDENTS)]
        made = learns.distil([source] * STUDENTS, shape(experiment.student.hidden), seeds)
        for place, policy in zip([one for one in plant.students if f"-{route}-" in one.name], made, strict=True):
            save_policy(place, policy, Behaviour("planted", plant.habit or "none"), Lineage("planted", seed))


def _evenly(environment: str, rng: np.random.Generator, contexts: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return contexts with every factor fixed, one that was not to any of its values."""
    factors = get_scene(environment).context.items()
    return [{name: values[rng.integers(len(values))] for name, values in factors} | one for one in contexts]


def spread(folders: Sequence[Path], place: Path) -> list[Path]:
    """Return policies as files of several formats in turn."""
    place.mkdir(parents=True, exist_ok=True)
    files = []
    for number, folder in enumerate(folders):
        policy, _ = load_policy(folder)
        name, form = place / folder.name, FORMATS[number % len(FORMATS)]
        if form == "folder" or (form == "weights" and policy.config.head != CATEGORICAL):
            files.append(folder)
        elif form == "onnx":
            export_onnx(policy, name.with_suffix(".onnx"))
            files.append(name.with_suffix(".onnx"))
        else:
            arrays, layers = policy.arrays, len(policy.config.hidden) + 1
            state = {
                f"actor.{2 * layer}.{part}": torch.from_numpy(arrays[f"layer{layer}.{part}"].T.copy())
                for layer in range(layers) for part in ("weight", "bias")
            }  # fmt: skip
            torch.save(state, name.with_suffix(".pth"))
            mean, std = (arrays[part].tolist() for part in ("mean", "std"))
            name.with_suffix(".toml").write_text(
                f"[observations]\nmean = {mean}\nstd = {std}\n[network]\nactor = 'actor'\nactivation = 'ReLU'\n"
            )
            files.append(name.with_suffix(".pth"))
    return files
