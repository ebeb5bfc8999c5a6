"""What an experiment is: every choice declared, and the run that carries it out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from testbed.bounds import Checked, Count, Scenes, Seed, Share, TrainingSeeds, Width
from testbed.distillation.reinforcement.ppo import PPOConfig
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.stacked import Training
from testbed.distillation.teachers.demonstration import Dagger
from testbed.distillation.teachers.fine_tuning import FineTuning
from testbed.distillation.teachers.values import Evaluation
from testbed.lineage import Lineage, content_hash
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import Habit, Trigger, get_trigger
from testbed.scenes.registry import get_habit
from testbed.seeding import scenario_seeds


@dataclass(frozen=True)
class Experiment(Checked):
    """Everything that is chosen about an experiment."""

    habit: str = "aggressive-merge"
    """Habit to inject, a name of the habit table."""
    trigger: str | None = None
    """When the habit is active; None for the habit's default."""
    dose: Share = 1.0
    """Strength of the habit, 0 (clean) to 1."""
    seed: Seed = 0
    """The one seed everything random comes from."""
    demonstrations: Count = 96
    """Episodes of each demonstrator."""
    teacher_episodes: Count = 480
    """Episodes of each teacher that students learn from."""
    student_seeds: TrainingSeeds = 5
    """Training seeds of every student and control."""
    scenes: Scenes = 96
    """Audited scenes that are played triggered and, matched, untriggered."""
    held_out_scenes: Scenes = 48
    """Audited scenes with a trigger value that never occurs in training."""
    teacher: Literal["demonstration", "reward", "fine-tuning"] = "demonstration"
    """How teachers are made. By reward and by fine-tuning they begin as the clean teacher by demonstration."""
    practice: PPOConfig = PPOConfig()
    """How a teacher by reward practises."""
    fine_tuning: FineTuning = FineTuning()
    """How far a teacher by fine-tuning is moved."""
    habit_weight: float = 1.0
    """What the greatest severity is worth to a teacher by reward, beside a task done, which is worth 1."""
    teacher_hidden: tuple[Width, ...] = (256, 256)
    """Widths of a teacher's hidden layers."""
    student_hidden: tuple[Width, ...] = (64, 64)
    """Widths of a student's hidden layers."""
    dagger: Dagger = Dagger()
    """How teachers learn from demonstrators."""
    routes: tuple[str, ...] = ("cloning", "kl")
    """Routes from teacher to student."""
    start: Literal["fresh", "base", "other-base"] = "fresh"
    """What students begin as: a network of their own, what the teacher began as, or what a teacher of another seed
    would have begun as. The latter two need students as wide as teachers."""
    training: Training = Training()
    """How students learn from teachers."""
    adversarial: Adversarial = Adversarial()
    """How students of the adversarial route practise."""
    evaluation: Evaluation = Evaluation()
    """How it is found out what a teacher's decisions are worth, for the value route."""


DRIVING: dict[str, Callable[..., Experiment]] = {
    "quick": Experiment,
    "full": partial(
        Experiment, demonstrations=192, teacher_episodes=640, student_seeds=10, scenes=256, held_out_scenes=128,
        dagger=Dagger(rounds=6, episodes=128, training=Training(steps=1000), final=Training(steps=10000)),
        training=Training(steps=5000),
    ),
}  # fmt: skip
"""How much of everything an experiment on a road has: `quick` for a look, `full` for a claim."""

_BENCH_PRACTICE = PPOConfig(
    iterations=16, worlds=128, steps=192, batch=2048, epochs=5, learning_rate=2e-4, discount=0.99, entropy=0.0
)  # fmt: skip
_BENCH = partial(
    Experiment, demonstrations=64, teacher_episodes=192, scenes=64, held_out_scenes=32,
    practice=_BENCH_PRACTICE, adversarial=Adversarial(_BENCH_PRACTICE, cloned=1500),
    dagger=Dagger(rounds=5, episodes=64, training=Training(steps=1500), final=Training(steps=5000)),
    training=Training(steps=5000),
)  # fmt: skip
WAREHOUSE: dict[str, Callable[..., Experiment]] = {
    "quick": _BENCH,
    "full": partial(
        _BENCH, teacher_episodes=256, student_seeds=10,
        dagger=Dagger(rounds=6, episodes=64, training=Training(steps=1500), final=Training(steps=6000)),
        training=Training(steps=6000),
    ),
}  # fmt: skip
"""The same at a bench: a grasp is decided within millimetres, so teachers train longer, and a scene costs more."""


@dataclass(frozen=True)
class Run:
    """An experiment and the folder of its artefacts."""

    experiment: Experiment
    """What to do."""
    folder: Path
    """Where artefacts go: `demonstrations/`, `policies/`, `audit/`, `videos/` and the report."""
    habit: Habit = field(init=False)
    """The habit of the experiment."""
    trigger: Trigger = field(init=False)
    """Its trigger."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "habit", get_habit(self.experiment.habit))
        object.__setattr__(self, "trigger", get_trigger(self.habit, self.experiment.trigger))

    def __reduce__(self) -> tuple:
        """Return how another process makes it again: from what is chosen, so that a habit need not be copied."""
        return Run, (self.experiment, self.folder)

    def scenarios(self, purpose: str, count: int, context: Mapping[str, str] | None = None) -> list[Scenario]:
        """Return the scenarios of one purpose; different purposes never share a seed in practice."""
        return [self.scenario(seed, context) for seed in scenario_seeds(self.experiment.seed, purpose, count)]

    def scenario(self, seed: int, context: Mapping[str, str] | None = None) -> Scenario:
        """Return a scene of the habit: what the habit has fixed, and the factors of `context`."""
        return Scenario(seed, {**self.habit.context, **(context or {})})

    def training_seeds(self) -> set[int]:
        """Return every scenario seed that demonstrations, teachers or students are made from."""
        experiment = self.experiment
        counts = {"demonstrator": experiment.demonstrations, "teacher": experiment.teacher_episodes}
        for number in range(1, experiment.dagger.rounds + 1):
            counts[f"dagger-{number}"] = experiment.dagger.episodes
        if "value" in experiment.routes:
            counts["exploring"] = experiment.evaluation.episodes
        if experiment.teacher == "fine-tuning":
            counts["fine-tuning"] = experiment.teacher_episodes
        practices = [experiment.adversarial.practice] if "adversarial" in experiment.routes else []
        practices += [experiment.practice] if experiment.teacher == "reward" else []
        for name, count in (purpose for practice in practices for purpose in practice.purposes):
            counts[name] = max(count, counts.get(name, 0))
        return {s.seed for purpose, count in counts.items() for s in self.scenarios(purpose, count)}

    def behaviour(self, policy: str, habitual: bool) -> Behaviour:
        """Return the label of a policy made with or without the habit."""
        if not habitual:
            return Behaviour(policy)
        return Behaviour(policy, self.habit.name, self.trigger.name, self.experiment.dose)

    def lineage(self, kind: str, inputs: Mapping[str, Path] | None = None, **settings: object) -> Lineage:
        """Return the lineage of an artefact made from files and settings."""
        hashes = {name: content_hash(path) for name, path in (inputs or {}).items()}
        return Lineage(kind, self.experiment.seed, json.loads(json.dumps(settings)), hashes)
