"""How robust cured students are: shown the habit again, in other scenes, made smaller, and their own students."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from testbed.audit import names
from testbed.benchmark.cures.design import Design
from testbed.benchmark.cures.given import Given
from testbed.benchmark.teachers import audited_scenes, played
from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.policies.compressed import quantised, thinned
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import some_decisions, transitions
from testbed.scenes.registry import get_scene
from testbed.seeding import generator, scenario_seeds

RELEARNING = Training(steps=300, learning_rate=1e-3)
"""How students are shown the habit again."""
HELD_OUT, DESCENDED, EIGHT_BITS, FOUR_BITS, THINNED = "held-out trigger", "its student", "8 bits", "4 bits", "thinned"
HALF = 0.5
"""Share of the weights that is taken away."""


def trials_of(design: Design) -> list[str]:
    """Return the names of all trials."""
    relearnt = [relearning(count) for count in design.relearnt]
    return [*relearnt, HELD_OUT, DESCENDED, EIGHT_BITS, FOUR_BITS, THINNED]


def relearning(count: int) -> str:
    """Return what the trial is called that shows so many decisions of the habit again."""
    return f"relearnt from {count}"


def tried(given: Given, students: Sequence[NetworkPolicy], seeds: Sequence[int]) -> dict[str, list[float]]:
    """Return the mean severity of every student in each trial."""
    work: dict[str, Callable[[], Sequence[NetworkPolicy]]] = {
        **{relearning(count): _relearnt(given, students, seeds, count) for count in given.design.relearnt},
        HELD_OUT: lambda: students,
        DESCENDED: lambda: descended(given, students, seeds),
        EIGHT_BITS: lambda: [quantised(one, 8) for one in students],
        FOUR_BITS: lambda: [quantised(one, 4) for one in students],
        THINNED: lambda: [thinned(one, HALF) for one in students],
    }
    scenes, count = audited_scenes(given.teachers.run), scenes_of(given)
    return {
        name: severities(given, make(), scenes[names.HELD_OUT if name == HELD_OUT else names.TRIGGERED][:count])
        for name, make in work.items()
    }


def scenes_of(given: Given) -> int:
    """Return how many scenes are played under a condition."""
    return given.design.scenes[get_scene(given.environment).domain]


def severities(given: Given, policies: Sequence[NetworkPolicy], scenes: Sequence[Scenario]) -> list[float]:
    """Return the mean severity of policies."""
    return [float(np.mean(row)) for row in played(given.teachers.run, scenes, policies)["severity"]]


def _relearnt(
    given: Given, students: Sequence[NetworkPolicy], seeds: Sequence[int], count: int
) -> Callable[[], list[NetworkPolicy]]:
    """Return what lets students go on with some decisions of the teacher with the habit where its trigger holds."""
    shown = given.teachers.sources.habitual.decisions
    held = np.flatnonzero(given.teachers.injected.holds(shown.observations))
    rows = generator(given.seed, "shown again").permutation(held)[:count]
    source = Source(some_decisions(shown, rows))
    config = students[0].config
    return lambda: Cloning(RELEARNING).distil([source] * len(students), config, seeds, students)


def descended(given: Given, students: Sequence[NetworkPolicy], seeds: Sequence[int]) -> list[NetworkPolicy]:
    """Return students of students: clones of what each does, in half of its episodes under the trigger."""
    habit, trigger = given.teachers.run.habit, given.teachers.run.trigger
    count = given.design.shown[get_scene(given.environment).domain]
    off, on = ({**habit.context, **fixed} for fixed in (trigger.off, trigger.on))
    scenes = [Scenario(seed, on if n % 2 else off)
              for n, seed in enumerate(scenario_seeds(given.seed, "shown by the cured", count))]  # fmt: skip
    sources = [
        Source(transitions(list(play(given.environment, scenes, [(one, Behaviour("cured"))], states=False))))
        for one in students
    ]
    route = given.teachers.run.experiment.student.route("cloning")
    return route.distil(sources, students[0].config, [seed + 1 for seed in seeds])
