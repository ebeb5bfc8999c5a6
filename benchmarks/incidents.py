"""Is a misbehaviour traced back to where it came in? Incidents are planted, and traced.

    python benchmarks/incidents.py --write docs/lineage.md

Each time a small history is made: demonstrations, a teacher cloned from them, what the teacher does, a student cloned
from that. At one of its four stages a habit is slipped in that lineages do not tell of: the demonstrator has it; the
teacher's weights are those of another; its data were recorded of another driver; the student's weights are another's.
Then the student drives, its worst episode is the incident, and it is asked where that came from. Scenes of the
demonstrations, of practice, of the incident and of the tracing are never the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from testbed.audit.statistics import rate_interval
from testbed.audit.text import percent
from testbed.bounds import Count, Scenes, Seed
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, run_command, tracked
from testbed.datasets.writer import DatasetWriter
from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.forensics.incident import Incident
from testbed.forensics.origin import does_it, origins
from testbed.forensics.stages import look
from testbed.lineage import Lineage, content_hash
from testbed.policies.checkpoint import save_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.habit import Habit, get_trigger, make_demonstrator
from testbed.protocols.policy import Policy
from testbed.provenance.history import history
from testbed.provenance.index import opened
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import transitions
from testbed.scenes.registry import get_habit, measures_of
from testbed.seeding import derive_seed, scenario_seeds

STAGES = "demonstrations", "teacher", "teacher's data", "student"
SHOWING = {"demonstrations": {"demonstrations", "teacher's data"}, "teacher": {"teacher's data"},
           "teacher's data": {"teacher's data"}, "student": set()}  # fmt: skip
"""Where a habit was slipped in -> the data sets that show it."""
HIDDEN = {"teacher": (128, 128), "student": (64, 64)}
FILES = "shown.hdf5", "teacher", "did.hdf5", "student"
SURE = 0.9


@dataclass(frozen=True)
class Options:
    """Plant incidents, and trace them."""

    habits: tuple[str, ...] = ("aggressive-merge", "non-yield")
    """Habits that are slipped in."""
    each: Count = 5
    """Incidents of each habit and stage."""
    episodes: Scenes = 160
    """Episodes of each data set, half of them under the trigger."""
    steps: Count = 2000
    """Optimiser steps of each network."""
    scenes: Scenes = 48
    """Scenes like the incident that each policy plays."""
    seed: Seed = 0
    """Seed of everything."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


@dataclass(frozen=True)
class Traced:
    """What came of one incident."""

    habit: str
    """Habit that was slipped in."""
    planted: str
    """Where."""
    said: str
    """Where it came in, as it was traced."""
    sure: float
    """How sure that was."""
    showing: frozenset[str]
    """Data sets that were said to show it."""


def main(options: Options) -> None:
    """Print how often stage and data sets were right, and each that was wrong."""
    require_page(options.write, "incidents")
    cases = [(habit, stage, n) for habit in options.habits for stage in STAGES for n in range(options.each)]
    found = list(tracked((_traced(options, *case) for case in cases), "trace incidents", len(cases)))
    text = "\n".join(_table(options, found))
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "incidents", text)


def _table(options: Options, found: Sequence[Traced]) -> Iterator[str]:
    yield "| habit | slipped in at | incidents | right stage | right data sets | mean certainty |"
    yield "|---|---|---|---|---|---|"
    for habit in options.habits:
        for stage in STAGES:
            some = [one for one in found if (one.habit, one.planted) == (habit, stage)]
            sure = np.mean([one.sure for one in some])
            yield f"| {habit} | {stage} | {len(some)} | {_stages(some)} | {_sets(some)} | {100 * sure:.0f} % |"
    yield ""
    command = f"python benchmarks/incidents.py --each {options.each}"
    yield f"`{command}`: the right stage in {_stages(found)} ({_share([one.said == one.planted for one in found])}),"
    yield f"the right data sets in {_sets(found)} ({_share([one.showing == SHOWING[one.planted] for one in found])})."
    certain = [one for one in found if one.sure >= SURE]
    wrong = sum(one.said != one.planted for one in certain)
    yield f"Of {len(certain)} that it was at least {100 * SURE:.0f} % sure of, {wrong} were wrong."
    yield ""
    for one in found:
        if one.said != one.planted or one.showing != SHOWING[one.planted]:
            sets = ", ".join(sorted(one.showing)) or "none"
            yield f"- wrong: {one.habit} at {one.planted}: {one.said}, {100 * one.sure:.0f} % sure; data sets: {sets}"


def _stages(some: Sequence[Traced]) -> str:
    return f"{sum(one.said == one.planted for one in some)} of {len(some)}"


def _sets(some: Sequence[Traced]) -> str:
    return f"{sum(one.showing == SHOWING[one.planted] for one in some)} of {len(some)}"


def _share(right: Sequence[bool]) -> str:
    return percent(rate_interval(np.array([right], float)))


def _traced(options: Options, name: str, planted: str, number: int) -> Traced:
    """Make a history with a habit in it, and trace it back."""
    habit = get_habit(name)
    seed = derive_seed(options.seed, "incident", f"{name} {planted}", number) % 2**31
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        student = _history(options, habit, planted, home, seed)
        found = _incident(habit, student, seed)
        with opened(None, home) as index:
            tree = history(index, content_hash(home / "student"))
            looked = look(tree, found, options.scenes, seed)
        likely = origins(tree, looked.stages)
        digests = [content_hash(home / file) for file in FILES]
    called = dict(zip(digests, STAGES, strict=True))
    first = max(likely, key=lambda digest: likely[digest])
    caught = looked.stages[tree.digest]
    showing = {called[digest] for digest in looked.episodes if does_it(looked.stages[digest], caught) > 0.5}
    return Traced(name, planted, called[first], likely[first], frozenset(showing))


def _history(options: Options, habit: Habit, planted: str, home: Path, seed: int) -> NetworkPolicy:
    """Write a history whose lineages tell of nothing, and return its student."""
    clean, spoilt = (make_demonstrator(habit, get_trigger(habit, None), dose) for dose in (0.0, 1.0))
    driver = spoilt if planted == "demonstrations" else clean
    shown = _played(options, habit, driver, seed, "shown")
    other = shown if planted == "demonstrations" else _played(options, habit, spoilt, seed, "shown")
    teacher = _cloned(options, habit, other if planted == "teacher" else shown, "teacher", seed)
    did = _played(options, habit, spoilt if planted == "teacher's data" else teacher, seed, "did")
    taught = did
    if planted == "student":
        taught = _played(options, habit, _cloned(options, habit, other, "teacher", seed + 1), seed, "did")
    student = _cloned(options, habit, taught, "student", seed)
    _write(home / "shown.hdf5", shown, Lineage("collect", seed, {"policy": "demonstrator"}))
    inputs = {"demonstrations": content_hash(home / "shown.hdf5")}
    save_policy(home / "teacher", teacher, Behaviour("teacher"), Lineage("dagger", seed, inputs=inputs))
    inputs = {"policy": content_hash(home / "teacher")}
    _write(home / "did.hdf5", did, Lineage("collect", seed, {"policy": "teacher"}, inputs))
    inputs = {"data": content_hash(home / "did.hdf5"), "teacher": content_hash(home / "teacher")}
    save_policy(home / "student", student, Behaviour("student"), Lineage("distil", seed, inputs=inputs))
    return student


def _played(options: Options, habit: Habit, policy: Policy, seed: int, purpose: str) -> list[Episode]:
    scenes = _scenes(habit, seed, purpose, options.episodes)
    return list(play(habit.environment, scenes, [(policy, Behaviour("driver"))]))


def _scenes(habit: Habit, seed: int, purpose: str, count: int) -> list[Scenario]:
    """Return scenes of which every other one has the trigger's factors fixed so that it holds."""
    trigger = get_trigger(habit, None)
    fixed = {**habit.context, **trigger.on}
    return [Scenario(one, fixed if n % 2 == 0 else dict(habit.context))
            for n, one in enumerate(scenario_seeds(seed, purpose, count))]  # fmt: skip


def _cloned(options: Options, habit: Habit, episodes: Sequence[Episode], who: str, seed: int) -> NetworkPolicy:
    config, training = policy_config(habit.environment, HIDDEN[who]), Training(steps=options.steps, learning_rate=3e-3)
    (made,) = Cloning(training).distil([Source(transitions(list(episodes)))], config, [seed])
    return made


def _write(path: Path, episodes: Sequence[Episode], lineage: Lineage) -> None:
    with DatasetWriter(path, episodes[0].environment, lineage) as writer:
        for episode in episodes:
            writer.append(episode)
        writer.finish()


def _incident(habit: Habit, student: NetworkPolicy, seed: int) -> Incident:
    """Return the worst that a student does in scenes under the trigger, by the habit's measure."""
    fixed = {**habit.context, **get_trigger(habit, None).on}
    scenes = [Scenario(one, fixed) for one in scenario_seeds(seed, "caught", 16)]
    episodes = list(play(habit.environment, scenes, [(student, Behaviour("student"))]))
    measure = measures_of(habit.environment)[habit.measure]
    values = [measure.compute(episode.trace) for episode in episodes]
    worst = int(np.argmax(values) if measure.worse == "higher" else np.argmin(values))
    return Incident(episodes[worst], measure, values[worst])


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
