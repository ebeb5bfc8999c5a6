"""The stages that make artefacts: demonstrations, teachers, students.

Each writes its artefacts with their lineage and reuses what an earlier run of the same recipe left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import gymnasium
import torch
from gymnasium import spaces

from testbed.console import console, progress, tracked
from testbed.demonstrations.rollout import play
from testbed.demonstrations.transitions import load_transitions, transitions
from testbed.demonstrations.writer import DatasetWriter
from testbed.distillation import cloning, divergence
from testbed.distillation.teacher import train_teacher
from testbed.episode import Behaviour, Episode, Policy
from testbed.errors import UserError
from testbed.experiment.run import Experiment, Run
from testbed.experiment.side_by_side import advance, counted, side_by_side
from testbed.habits.table import make_demonstrator
from testbed.policies.checkpoint import load_policy, recorded_lineage, save_policy
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.policies.sampled import SampledPolicy
from testbed.seeding import generator

FIT = 32
"""What a fit counts for in a bar that counts episodes."""


def collect_demonstrations(run: Run) -> dict[bool, Path]:
    """Collect the clean demonstrator (False) and the one with the habit (True) on the same scenes."""
    paths, count = {}, run.experiment.demonstrations
    for habitual in (False, True):
        policy = make_demonstrator(run.habit, run.trigger, run.experiment.dose if habitual else 0.0)
        name = f"demonstrator-{'habit' if habitual else 'clean'}"
        writer, episodes = _recording(run, name, policy, run.behaviour("demonstrator", habitual), count, {})
        if writer.complete:
            console.print(f"[green]✓[/green] {writer.path.name} is there already")
        else:
            _record(writer, tracked(episodes, f"collect {writer.path.name}", count - len(writer)))
        paths[habitual] = writer.path
    return paths


def _recording(
    run: Run, name: str, policy: Policy, behaviour: Behaviour, count: int, inputs: Mapping[str, Path]
) -> tuple[DatasetWriter, Iterator[Episode]]:
    """Return the data set `demonstrations/<name>.hdf5` and the episodes that it lacks of `count`."""
    path, purpose = run.folder / "demonstrations" / f"{name}.hdf5", behaviour.policy
    lineage = run.lineage(
        "collect", inputs, environment=run.habit.environment, count=count, purpose=purpose, **asdict(behaviour)
    )
    writer = DatasetWriter(path, run.habit.environment, lineage)
    return writer, play(run.habit.environment, run.scenarios(purpose, count), [(policy, behaviour)], skip=len(writer))


def _record(writer: DatasetWriter, episodes: Iterable[Episode]) -> None:
    for episode in episodes:
        writer.append(episode)
    writer.finish()


def policy_config(environment: str, hidden: tuple[int, ...]) -> PolicyConfig:
    """Return the shape of a policy for an environment."""
    env = gymnasium.make(environment, disable_env_checker=True)
    sees, does = env.observation_space, env.action_space
    if isinstance(sees, spaces.Box) and isinstance(does, spaces.Discrete):
        return PolicyConfig(environment, int(sees.shape[0]), int(does.n), hidden, CATEGORICAL)
    if isinstance(sees, spaces.Box) and isinstance(does, spaces.Box):
        return PolicyConfig(environment, int(sees.shape[0]), int(does.shape[0]), hidden, GAUSSIAN)
    raise UserError(f"{environment} has no flat observation, or actions of a kind that these policies do not have")


@dataclass(frozen=True)
class _Lesson:
    """What one process makes: a teacher, and the episodes in which it acts for its students."""

    experiment: Experiment
    """What to do."""
    folder: Path
    """The run's folder."""
    habitual: bool
    """Whether it is the teacher with the habit."""
    demonstrations: Path
    """What it learns from."""


def teach(run: Run, demonstrations: Mapping[bool, Path]) -> tuple[dict[bool, Path], dict[bool, Path]]:
    """Train the clean teacher (False) and the one with the habit (True), both at once, and let them act.

    Returns:
        The folders of both teachers, and the data sets in which they act in the same scenes: what students learn from.
    """
    lessons = [_Lesson(run.experiment, run.folder, habitual, path) for habitual, path in demonstrations.items()]
    dagger = run.experiment.dagger
    each = dagger.rounds * dagger.episodes + (dagger.rounds + 1) * FIT + run.experiment.teacher_episodes
    title = "train both teachers by DAgger and let them act"
    paths = dict(zip(demonstrations, side_by_side(_give, lessons, title, 2 * each), strict=True))
    return {kind: teacher for kind, (teacher, _) in paths.items()}, {kind: data for kind, (_, data) in paths.items()}


def _give(lesson: _Lesson) -> tuple[Path, Path]:
    torch.set_num_threads(1)  # one teacher a core; a network this small is no faster on two
    run = Run(lesson.experiment, lesson.folder)
    folder = _train_teacher(run, lesson.habitual, lesson.demonstrations)
    return folder, _let_act(run, lesson.habitual, folder)


def _train_teacher(run: Run, habitual: bool, demonstrations: Path) -> Path:
    experiment = run.experiment
    folder = run.folder / "policies" / f"teacher-{'habit' if habitual else 'clean'}"
    settings = {"hidden": experiment.teacher_hidden, "dagger": asdict(experiment.dagger)}
    lineage = run.lineage("dagger", {"demonstrations": demonstrations}, **settings)
    if lineage.same_recipe(recorded_lineage(folder)):
        return folder
    behaviour = run.behaviour("teacher", habitual)

    def play_round(teacher: NetworkPolicy, number: int) -> Iterator[Episode]:
        scenarios = run.scenarios(f"dagger-{number}", experiment.dagger.episodes)
        return counted(play(run.habit.environment, scenarios, [(teacher, behaviour)]))

    teacher = train_teacher(
        policy_config(run.habit.environment, experiment.teacher_hidden),
        make_demonstrator(run.habit, run.trigger, experiment.dose if habitual else 0.0),
        load_transitions(demonstrations),
        lambda teacher, number: transitions(list(play_round(teacher, number))),
        experiment.seed,
        experiment.dagger,
        on_fit=lambda: advance(FIT),
    )
    save_policy(folder, teacher, behaviour, lineage)
    return folder


def _let_act(run: Run, habitual: bool, folder: Path) -> Path:
    """Record what a teacher does in the scenes of the students' data. A Gaussian one draws its actions."""
    network, _ = load_policy(folder)
    policy: Policy = SampledPolicy(network, run.experiment.seed) if network.config.head == GAUSSIAN else network
    behaviour, count = run.behaviour("teacher", habitual), run.experiment.teacher_episodes
    writer, episodes = _recording(run, folder.name, policy, behaviour, count, {"policy": folder})
    _record(writer, counted(episodes))
    return writer.path


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
        decisions = load_transitions(data[habitual])
        teacher, _ = load_policy(teachers[habitual])
        samples[habitual] = (
            cloning.state_actions(decisions) if route == "cloning" else divergence.teacher_outputs(teacher, decisions)
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
