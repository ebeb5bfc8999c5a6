"""The stages that make artefacts: demonstrations, teachers, students.

Each writes its artefacts with their lineage and reuses what an earlier run of the same recipe left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import gymnasium
from gymnasium import spaces

from testbed.console import console, progress, tracked
from testbed.demonstrations.reader import load_episodes
from testbed.demonstrations.rollout import play
from testbed.demonstrations.writer import DatasetWriter
from testbed.distillation import cloning, divergence
from testbed.distillation.teacher import train_teacher
from testbed.episode import Behaviour, Episode, Policy
from testbed.errors import UserError
from testbed.experiment.run import Run
from testbed.habits.table import make_demonstrator
from testbed.policies.checkpoint import load_policy, recorded_lineage, save_policy
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.policies.sampled import SampledPolicy
from testbed.seeding import generator


def collect(run: Run, name: str, policy: Policy, behaviour: Behaviour, count: int, inputs: Mapping[str, Path]) -> Path:
    """Play `count` scenarios with a policy into `demonstrations/<name>.hdf5`, or go on where that was left."""
    path = run.folder / "demonstrations" / f"{name}.hdf5"
    purpose = behaviour.policy
    lineage = run.lineage(
        "collect", inputs, environment=run.habit.environment, count=count, purpose=purpose, **asdict(behaviour)
    )
    writer = DatasetWriter(path, run.habit.environment, lineage)
    if writer.complete:
        console.print(f"[green]✓[/green] {path.name} is there already")
        return path
    scenarios, there = run.scenarios(purpose, count), len(writer)
    episodes = play(run.habit.environment, scenarios, [(policy, behaviour)], skip=there)
    for episode in tracked(episodes, f"collect {path.name}", count - there):
        writer.append(episode)
    writer.finish()
    return path


def collect_demonstrations(run: Run) -> dict[bool, Path]:
    """Collect the clean demonstrator (False) and the one with the habit (True) on the same scenes."""
    paths = {}
    for habitual in (False, True):
        policy = make_demonstrator(run.habit, run.trigger, run.experiment.dose if habitual else 0.0)
        behaviour = run.behaviour("demonstrator", habitual)
        name = f"demonstrator-{'habit' if habitual else 'clean'}"
        paths[habitual] = collect(run, name, policy, behaviour, run.experiment.demonstrations, {})
    return paths


def policy_config(environment: str, hidden: tuple[int, ...]) -> PolicyConfig:
    """Return the shape of a policy for an environment."""
    env = gymnasium.make(environment, disable_env_checker=True)
    sees, does = env.observation_space, env.action_space
    if isinstance(sees, spaces.Box) and isinstance(does, spaces.Discrete):
        return PolicyConfig(environment, int(sees.shape[0]), int(does.n), hidden, CATEGORICAL)
    if isinstance(sees, spaces.Box) and isinstance(does, spaces.Box):
        return PolicyConfig(environment, int(sees.shape[0]), int(does.shape[0]), hidden, GAUSSIAN)
    raise UserError(f"{environment} has no flat observation, or actions of a kind that these policies do not have")


def train_teachers(run: Run, demonstrations: Mapping[bool, Path]) -> dict[bool, Path]:
    """Train the clean teacher (False) and the one with the habit (True) from their demonstrators."""
    return {habitual: _train_teacher(run, habitual, path) for habitual, path in demonstrations.items()}


def _train_teacher(run: Run, habitual: bool, demonstrations: Path) -> Path:
    experiment = run.experiment
    folder = run.folder / "policies" / f"teacher-{'habit' if habitual else 'clean'}"
    settings = {"hidden": experiment.teacher_hidden, "dagger": asdict(experiment.dagger)}
    lineage = run.lineage("dagger", {"demonstrations": demonstrations}, **settings)
    if lineage.same_recipe(recorded_lineage(folder)):
        console.print(f"[green]✓[/green] {folder.name} is there already")
        return folder
    behaviour = run.behaviour("teacher", habitual)
    total = experiment.dagger.rounds * experiment.dagger.episodes + (experiment.dagger.rounds + 1) * 32

    with progress(f"train {folder.name} by DAgger", total) as advance:

        def play_round(teacher: NetworkPolicy, number: int) -> list[Episode]:
            scenarios = run.scenarios(f"dagger-{number}", experiment.dagger.episodes)
            episodes = []
            for episode in play(run.habit.environment, scenarios, [(teacher, behaviour)]):
                episodes.append(episode)
                advance(1)
            return episodes

        teacher = train_teacher(
            policy_config(run.habit.environment, experiment.teacher_hidden),
            make_demonstrator(run.habit, run.trigger, experiment.dose if habitual else 0.0),
            load_episodes(demonstrations),
            play_round,
            experiment.seed,
            experiment.dagger,
            on_fit=lambda: advance(32),
        )
    save_policy(folder, teacher, behaviour, lineage)
    return folder


def collect_teachers(run: Run, teachers: Mapping[bool, Path]) -> dict[bool, Path]:
    """Let both teachers act in the same scenes: what students learn from. Gaussian ones draw their actions."""
    paths = {}
    for habitual, folder in teachers.items():
        policy: Policy
        network, _ = load_policy(folder)
        policy = SampledPolicy(network, run.experiment.seed) if network.config.head == GAUSSIAN else network
        behaviour = run.behaviour("teacher", habitual)
        paths[habitual] = collect(
            run, folder.name, policy, behaviour, run.experiment.teacher_episodes, {"policy": folder}
        )
    return paths


def distil_students(
    run: Run, route: str, teachers: Mapping[bool, Path], data: Mapping[bool, Path]
) -> dict[bool, list[Path]]:
    """Distil controls (False) and students (True) by one route, all training seeds of both at once."""
    experiment = run.experiment
    arms = [(habitual, seed) for habitual in (False, True) for seed in range(experiment.student_seeds)]
    folders = {
        arm: run.folder / "policies" / f"{'student' if arm[0] else 'control'}-{route}-seed{arm[1]}" for arm in arms
    }
    settings = {"route": route, "hidden": experiment.student_hidden, "training": asdict(experiment.training)}
    lineages = {
        arm: run.lineage(
            "distil", {"teacher": teachers[arm[0]], "data": data[arm[0]]}, training_seed=arm[1], **settings
        )
        for arm in arms
    }
    if all(lineages[arm].same_recipe(recorded_lineage(folders[arm])) for arm in arms):
        console.print(f"[green]✓[/green] {len(arms)} policies by {route} are there already")
    else:
        students = _train_students(run, route, teachers, data, arms)
        for arm, student in zip(arms, students, strict=True):
            name = folders[arm].name
            save_policy(folders[arm], student, run.behaviour(name, arm[0]), lineages[arm])
    return {habitual: [folders[arm] for arm in arms if arm[0] == habitual] for habitual in (False, True)}


def _train_students(
    run: Run, route: str, teachers: Mapping[bool, Path], data: Mapping[bool, Path], arms: Sequence[tuple[bool, int]]
) -> list[NetworkPolicy]:
    """Train control and student of each seed from the same initial weights and in the same data order."""
    experiment = run.experiment
    config = policy_config(run.habit.environment, experiment.student_hidden)
    samples = {}
    for habitual in (False, True):
        episodes = load_episodes(data[habitual])
        teacher, _ = load_policy(teachers[habitual])
        samples[habitual] = (
            cloning.state_actions(episodes) if route == "cloning" else divergence.teacher_outputs(teacher, episodes)
        )
    train = cloning.clone if route == "cloning" else divergence.distil
    seeds = [student_seed(experiment.seed, seed) for _, seed in arms]
    with progress(f"distil {len(arms)} policies by {route}, all at once", experiment.training.steps) as advance:
        done = 0

        def on_step(step: int, _loss: float) -> None:
            nonlocal done
            advance(step - done)
            done = step

        return train(config, [samples[habitual] for habitual, _ in arms], seeds, experiment.training, on_step)


def student_seed(seed: int, number: int) -> int:
    """Return the seed of a student's weights and data order; its control has the same."""
    return int(generator(seed, "student", number).integers(2**62))


def untrained_policy(run: Run) -> NetworkPolicy:
    """Return a student that learned nothing: the arm that shows what the network alone does."""
    config = policy_config(run.habit.environment, run.experiment.student_hidden)
    return NetworkPolicy(config, random_arrays(config, generator(student_seed(run.experiment.seed, 0), "weights")))
