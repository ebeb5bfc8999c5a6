"""What an experiment is: every choice declared, and the run that carries it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from testbed.bounds import Checked, Count, Scenes, Seed, Share, TrainingSeeds, Width
from testbed.distillation.config import Dagger, Evaluation, FineTuning, Learning, PPOConfig, Training
from testbed.distillation.registry import RouteName, get_route
from testbed.distillation.route import Route
from testbed.lineage import Lineage, content_hash
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import Habit, Trigger, get_trigger
from testbed.scenes.registry import get_habit, modules_of, packages_of, use
from testbed.seeding import scenario_seeds
from testbed.sources import CodeVersion, code_version


@dataclass(frozen=True)
class TeacherConfig(Checked):
    """How teachers are made, and what students get of them."""

    method: Literal["demonstration", "reward", "fine-tuning"] = "demonstration"
    """How they are made. By reward and by fine-tuning they begin as the clean teacher by demonstration."""
    demonstrations: Count = 96
    """Episodes of each demonstrator."""
    dagger: Dagger = Dagger()
    """How they learn from demonstrators."""
    practice: PPOConfig = PPOConfig()
    """How a teacher by reward practises."""
    habit_weight: float = 1.0
    """What the greatest severity is worth to a teacher by reward, beside a task done, which is worth 1."""
    fine_tuning: FineTuning = FineTuning()
    """How far a teacher by fine-tuning is moved."""
    hidden: tuple[Width, ...] = (256, 256)
    """Widths of a teacher's hidden layers."""
    episodes: Count = 480
    """Episodes of each teacher that students learn from."""
    evaluation: Evaluation = Evaluation()
    """How it is found out what a teacher's decisions are worth, for routes that need that."""


@dataclass(frozen=True)
class StudentConfig(Checked):
    """How students and controls are distilled."""

    routes: tuple[RouteName, ...] = ("cloning", "kl")
    """Routes from teacher to student."""
    seeds: TrainingSeeds = 5
    """Training seeds of every student and control."""
    hidden: tuple[Width, ...] = (64, 64)
    """Widths of a student's hidden layers."""
    start: Literal["fresh", "base", "other-base"] = "fresh"
    """What students begin as: a network of their own, what the teacher began as, or what a teacher of another seed
    would have begun as. The latter two need students as wide as teachers."""
    learning: Learning = Learning()
    """How much they learn, whatever the route."""
    tuned: tuple[Route, ...] = ()
    """Routes whose students learn otherwise than usual, for example `KL(temperature=2.0)`."""

    def route(self, name: str) -> Route:
        """Return a route as students of it learn here; raises `UserError` for an unknown one."""
        given = {one.name: one for one in self.tuned}
        return given.get(name) or get_route(name).usual(self.learning)


@dataclass(frozen=True)
class AuditConfig(Checked):
    """On how many scenes is audited."""

    scenes: Scenes = 96
    """Scenes that are played triggered and, matched, untriggered."""
    held_out_scenes: Scenes = 48
    """Scenes with a trigger value that never occurs in training."""


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
    teacher: TeacherConfig = TeacherConfig()
    """How teachers are made."""
    student: StudentConfig = StudentConfig()
    """How students are distilled from them."""
    audit: AuditConfig = AuditConfig()
    """How all of them are audited."""
    scene: str | None = None
    """Where the scene of the habit is declared, as `module:SPEC`, if it is somebody else's; processes that work for
    this experiment learn of it here."""


DRIVING: dict[str, Experiment] = {
    "quick": Experiment(),
    "full": Experiment(
        teacher=TeacherConfig(
            demonstrations=192, episodes=640,
            dagger=Dagger(rounds=6, episodes=128, training=Training(steps=1000), final=Training(steps=10000)),
        ),
        student=StudentConfig(seeds=10, learning=Learning(Training(steps=5000))),
        audit=AuditConfig(scenes=256, held_out_scenes=128),
    ),
}  # fmt: skip
"""How much of everything an experiment on a road has: `quick` for a look, `full` for a claim."""

_PRACTICE = PPOConfig(
    iterations=16, worlds=128, steps=192, batch=2048, epochs=5, learning_rate=2e-4, discount=0.99, entropy=0.0
)  # fmt: skip
_BENCH = Experiment(
    teacher=TeacherConfig(
        demonstrations=64, episodes=192, practice=_PRACTICE,
        dagger=Dagger(rounds=5, episodes=64, training=Training(steps=1500), final=Training(steps=5000)),
    ),
    student=StudentConfig(learning=Learning(Training(steps=5000), _PRACTICE, cloned=1500)),
    audit=AuditConfig(scenes=64, held_out_scenes=32),
)  # fmt: skip
WAREHOUSE: dict[str, Experiment] = {
    "quick": _BENCH,
    "full": replace(
        _BENCH,
        teacher=replace(
            _BENCH.teacher, episodes=256,
            dagger=Dagger(rounds=6, episodes=64, training=Training(steps=1500), final=Training(steps=6000)),
        ),
        student=StudentConfig(seeds=10, learning=Learning(Training(steps=6000), _PRACTICE, cloned=1500)),
    ),
}  # fmt: skip
"""The same at a bench: a grasp is decided within millimetres, so teachers train longer, and a scene costs more."""

OTHER: dict[str, Experiment] = {
    "quick": Experiment(
        teacher=TeacherConfig(
            demonstrations=32, episodes=64, dagger=Dagger(rounds=3, episodes=32, final=Training(steps=5000))
        ),
        student=StudentConfig(seeds=3, learning=Learning(Training(steps=3000))),
        audit=AuditConfig(scenes=24, held_out_scenes=12),
    ),
    "full": Experiment(student=StudentConfig(seeds=10)),
}  # fmt: skip
"""The same in a scene of somebody else's, whose environment may take a while: `quick` is a look in minutes."""
PROFILES = {"driving": DRIVING, "warehouse": WAREHOUSE, "other": OTHER}
"""Domain of a scene -> its profiles."""


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
        if self.experiment.scene is not None:
            use(self.experiment.scene)
        object.__setattr__(self, "habit", get_habit(self.experiment.habit))
        object.__setattr__(self, "trigger", get_trigger(self.habit, self.experiment.trigger))

    def __reduce__(self) -> tuple:
        """Return how another process makes it again: from what is chosen, so that a habit need not be copied."""
        return Run, (self.experiment, self.folder)

    def scenarios(self, purpose: str, count: int, context: Mapping[str, str] | None = None) -> list[Scenario]:
        """Return the scenarios of one purpose; audits and trainings never share a seed."""
        return [self.scenario(seed, context) for seed in scenario_seeds(self.experiment.seed, purpose, count)]

    def scenario(self, seed: int, context: Mapping[str, str] | None = None) -> Scenario:
        """Return a scene of the habit: what the habit has fixed, and the factors of `context`."""
        return Scenario(seed, {**self.habit.context, **(context or {})})

    def behaviour(self, policy: str, habitual: bool) -> Behaviour:
        """Return the label of a policy made with or without the habit."""
        if not habitual:
            return Behaviour(policy)
        return Behaviour(policy, self.habit.name, self.trigger.name, self.experiment.dose)

    def lineage(self, kind: str, inputs: Mapping[str, Path] | None = None, **settings: object) -> Lineage:
        """Return the lineage of an artefact made from files and settings."""
        hashes = {name: content_hash(path) for name, path in (inputs or {}).items()}
        made_with = {**settings, **packages_of(self.habit.environment)}
        return Lineage(
            kind, self.experiment.seed, json.loads(json.dumps(made_with)), hashes, code=self.code()
        )  # fmt: skip

    def code(self, judging: bool = False, modules: tuple[str, ...] = ()) -> CodeVersion:
        """Return which testbed makes something in this run, with its scene and with further modules that take part."""
        return code_version(judging, (*modules_of(self.habit.environment), *modules))
