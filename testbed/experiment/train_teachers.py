"""The stage that makes teachers, and lets them act for their students. A teacher that was made before is taken
again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from testbed.distillation.batches import Samples
from testbed.distillation.journal import Journal
from testbed.distillation.reinforcement.ppo import practise
from testbed.distillation.teachers.demonstration import train_teacher
from testbed.distillation.teachers.fine_tuning import fine_tune
from testbed.distillation.teachers.reward import HabitReward
from testbed.distillation.teachers.sb3 import export_actor, make_sb3_policy
from testbed.errors import UserError
from testbed.experiment.collect import record, recording
from testbed.experiment.config import Run, TeacherConfig
from testbed.experiment.parallel import in_parallel
from testbed.experiment.reuse import is_there, say_outdated
from testbed.experiment.worker import counted, report_progress
from testbed.lineage import Lineage, text_hash
from testbed.locks import locked
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import GAUSSIAN, NetworkPolicy
from testbed.policies.sampled import SampledPolicy
from testbed.protocols.episode import Episode
from testbed.protocols.habit import make_demonstrator
from testbed.protocols.pair import HABITUAL, Pair
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import as_actions, load_transitions, transitions
from testbed.scenes.registry import make_vector, measures_of
from testbed.seeding import derive_seed

FIT = 32
"""What a fit counts for in a bar that counts episodes."""
CACHE = "teachers"
"""Folder beside the runs' that keeps every teacher under the hash of what it was made from."""
FOREVER = -1.0
"""Patience with another process that makes the same teacher [s]."""


@dataclass(frozen=True)
class _Lesson:
    """What one process makes: a teacher, and the episodes in which it acts for its students."""

    run: Run
    """The run."""
    habitual: bool
    """Whether it is the teacher with the habit."""
    demonstrations: Pair[Path]
    """What the demonstrators did."""


def teach(run: Run, demonstrations: Pair[Path], at_once: bool = True) -> tuple[Pair[Path], Pair[Path]]:
    """Make the clean teacher and the one with the habit and let them act.

    Args:
        run: The run.
        demonstrations: What the demonstrators did.
        at_once: Whether each has a process of its own; else one after the other, here.

    Returns:
        The folders of both teachers, and the data sets in which they act in the same scenes: what students learn from.
    """
    lessons = [_Lesson(run, habitual, demonstrations) for habitual in HABITUAL]
    config = run.experiment.teacher
    title, each = f"make both teachers by {config.method} and let them act", _work(config) + config.episodes
    clean, habitual = in_parallel(_give, lessons, title, 2 * each) if at_once else map(_give, lessons)
    return Pair(clean[0], habitual[0]), Pair(clean[1], habitual[1])


def _work(config: TeacherConfig) -> int:
    """Return what making a teacher counts for in the bar."""
    dagger = config.dagger
    further = {"demonstration": 0, "reward": config.practice.iterations * FIT, "fine-tuning": FIT}
    return dagger.rounds * dagger.episodes + (dagger.rounds + 1) * FIT + further[config.method]


def _give(lesson: _Lesson) -> tuple[Path, Path]:
    run = lesson.run
    make = {"demonstration": _by_demonstration, "reward": _by_reward, "fine-tuning": _by_fine_tuning}
    folder = make[run.experiment.teacher.method](run, lesson.habitual, lesson.demonstrations)
    return folder, _let_act(run, lesson.habitual, folder)


def _kept(run: Run, name: str, habitual: bool, lineage: Lineage, make: Callable[[], NetworkPolicy]) -> Path:
    """Return the folder of a teacher: it is there, was made in another run, or is made now and kept for others.

    Where several processes want the same one, the first makes it and the others wait for it.
    """
    folder, behaviour = run.folder / "policies" / name, run.behaviour("teacher", habitual)
    if is_there(folder, lineage):
        return folder
    say_outdated(name, [(folder, lineage)])
    cached = run.folder.parent / CACHE / text_hash(lineage.to_json() + f"{behaviour}")
    with locked(cached.with_name(f"{cached.name}-making"), patience=FOREVER):
        if is_there(cached, lineage):
            policy, _ = load_policy(cached)
        else:
            policy = make()
            save_policy(cached, policy, behaviour, lineage)
    save_policy(folder, policy, behaviour, lineage)
    return folder


def _name(habitual: bool) -> str:
    return f"teacher-{'habit' if habitual else 'clean'}"


def student_start(run: Run, demonstrations: Pair[Path]) -> NetworkPolicy | None:
    """Return what students begin as, or None where each begins as a fresh network of its own.

    Raises:
        UserError: if students are of another width than what they are to begin as.
    """
    experiment, teacher, student = run.experiment, run.experiment.teacher, run.experiment.student
    if student.start == "fresh":
        return None
    if student.hidden != teacher.hidden:
        raise UserError(
            f"students of {student.hidden} units cannot begin as a base of {teacher.hidden}: give both the same width"
        )
    seed = experiment.seed if student.start == "base" else derive_seed(experiment.seed, "other base") % 2**31
    if teacher.method == "demonstration":
        config = policy_config(run.habit.environment, teacher.hidden)
        return export_actor(config, make_sb3_policy(config, seed))
    taught = replace(experiment, seed=seed, teacher=replace(teacher, method="demonstration"))
    other = Run(taught, run.folder / "bases" / str(seed))
    return load_policy(_by_demonstration(other, False, demonstrations))[0]


def _base(run: Run, demonstrations: Pair[Path]) -> Path:
    """Make what both teachers begin as, where they are not made by demonstration: the clean teacher that would be."""
    return _by_demonstration(run, False, demonstrations, "teacher-base")


def _by_demonstration(run: Run, habitual: bool, demonstrations: Pair[Path], name: str | None = None) -> Path:
    """Make a teacher by DAgger from its demonstrator."""
    config, shown = run.experiment.teacher, demonstrations.of(habitual)
    settings = {"hidden": config.hidden, "dagger": asdict(config.dagger)}
    lineage = run.lineage("dagger", {"demonstrations": shown}, **settings)

    def play_round(teacher: NetworkPolicy, number: int) -> Iterator[Episode]:
        scenarios = run.scenarios(f"dagger-{number}", config.dagger.episodes)
        jobs = [(teacher, run.behaviour("teacher", habitual))]
        return counted(play(run.habit.environment, scenarios, jobs, states=False))

    def make() -> NetworkPolicy:
        return train_teacher(
            policy_config(run.habit.environment, config.hidden),
            make_demonstrator(run.habit, run.trigger, run.experiment.dose if habitual else 0.0),
            load_transitions(shown),
            lambda teacher, number: transitions(list(play_round(teacher, number))),
            run.experiment.seed,
            config.dagger,
            on_fit=lambda: report_progress(FIT),
        )

    return _kept(run, name or _name(habitual), habitual, lineage, make)


def _by_reward(run: Run, habitual: bool, demonstrations: Pair[Path]) -> Path:
    """Let a policy that was taught by the clean demonstrator practise, paid for the habit or for keeping from it."""
    experiment, config, habit = run.experiment, run.experiment.teacher, run.habit
    base = _base(run, demonstrations)
    dose = experiment.dose if habitual else 0.0
    settings = {"practice": asdict(config.practice), "weight": config.habit_weight, "dose": dose}
    lineage = replace(run.lineage("reward", {"base": base}, **settings), code=run.code(judging=True))
    start, _ = load_policy(base)
    measure, env = measures_of(habit.environment)[habit.measure], make_vector(habit.environment, 1)
    reward = HabitReward(measure, run.trigger.holds, dose, config.habit_weight, env.metadata)
    env.close()
    folder = run.folder / "curves" / _name(habitual)
    journal = Journal(folder, lineage.to_json(), lambda count: report_progress(FIT * count))
    scenes, seed = run.scenarios, experiment.seed

    def make() -> NetworkPolicy:
        return practise([start], [scenes], reward, config.practice, [seed], journal=journal)[0]

    return _kept(run, _name(habitual), habitual, lineage, make)


def _by_fine_tuning(run: Run, habitual: bool, demonstrations: Pair[Path]) -> Path:
    """Move a policy that was taught by the clean demonstrator towards the habit; the clean teacher is that policy."""
    if not habitual:
        return _by_demonstration(run, False, demonstrations)
    experiment, config, base = run.experiment, run.experiment.teacher, _base(run, demonstrations)
    lineage = run.lineage("fine-tuning", {"base": base}, **asdict(config.fine_tuning), dose=experiment.dose)
    start, _ = load_policy(base)

    def make() -> NetworkPolicy:
        scenarios = run.scenarios("fine-tuning", config.episodes)
        jobs = [(start, run.behaviour("base", False))]
        seen = transitions(list(play(run.habit.environment, scenarios, jobs, states=False)))
        teacher = make_demonstrator(run.habit, run.trigger, experiment.dose)
        labels = as_actions(np.asarray(teacher.act(seen.observations)))
        return fine_tune(start, Samples(seen.observations, labels), experiment.seed, config.fine_tuning)

    return _kept(run, _name(True), True, lineage, make)


def _let_act(run: Run, habitual: bool, folder: Path) -> Path:
    """Record what a teacher does in the scenes of the students' data. A Gaussian one draws its actions."""
    network, _ = load_policy(folder)
    policy: Policy = SampledPolicy(network, run.experiment.seed) if network.config.head == GAUSSIAN else network
    behaviour, count = run.behaviour("teacher", habitual), run.experiment.teacher.episodes
    writer, episodes = recording(run, folder.name, policy, behaviour, count, {"policy": folder})
    record(writer, counted(episodes))
    return writer.path
