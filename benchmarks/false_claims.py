"""How often two clean teachers are said to hand a habit down: by an audit of one pair, and by the transfer benchmark.

    python benchmarks/false_claims.py --write docs/experiment.md

Small teachers are cloned from halves of the clean demonstrations of the merge, two a pair; students are cloned from
episodes of their teachers. None of them has a habit, so whatever the benchmark's rules claim of five pairs is false. Of
one pair a ratio may be told from 0 and true: two policies are never quite alike, and what they differ by is inherited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

import testbed  # noqa: F401  (registers the environments)
from testbed.audit import names
from testbed.audit.ratio import transfer_ratio
from testbed.audit.result import Interval
from testbed.audit.score import SUCCESS, score_policies
from testbed.audit.statistics import rate_interval
from testbed.audit.text import percent
from testbed.benchmark.finding import ENOUGH, OPPOSITE, REFUSED, TRANSFERS, Finding, claimed
from testbed.benchmark.findings import Pair, over_pairs
from testbed.benchmark.stored import Filled, Tables, reference_names
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, run_command
from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import get_trigger
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, load_transitions, transitions
from testbed.scenes.registry import get_habit, measures_of
from testbed.seeding import derive_seed, generator, scenario_seeds

HABIT = get_habit("aggressive-merge")
MEASURE = measures_of(HABIT.environment)[HABIT.measure]
SHAPE = PolicyConfig(HABIT.environment, 56, 5, (64, 64))
TEACHING, LEARNING = Training(steps=1000, learning_rate=3e-3), Training(steps=600, learning_rate=3e-3)
AT_ONCE = 100
"""Networks that are trained in one batch."""


@dataclass(frozen=True)
class Options:
    """Audit pairs of clean teachers and count claims."""

    pairs: int = 200
    """Pairs."""
    students: int = 2
    """Students of each teacher."""
    episodes: int = 48
    """Episodes of a teacher that its students learn from."""
    scenes: int = 48
    """Triggered scenes of each pair."""
    drawn: int = 2000
    """Draws of five of the pairs, beside those that follow each other."""
    seed: int = 2026
    """The one seed that everything random comes from."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


def main(options: Options) -> None:
    """Make pairs, judge them, and print how often something was claimed."""
    require_page(options.write, "false-claims")
    shown = load_transitions(Path("demonstrations/merge-clean.hdf5"))
    pairs = [pair for start in range(0, options.pairs, AT_ONCE // 2) for pair in _pairs(options, shown, start)]
    text = table(options, pairs)
    console.print(lines(text))
    if options.write:
        put(options.write, "false-claims", "\n".join(text))


def _pairs(options: Options, shown: Transitions, start: int) -> list[Pair]:
    """Return some pairs from `start`, with what their teachers and students did in scenes of their own."""
    numbers = range(2 * start, 2 * min(start + AT_ONCE // 2, options.pairs))
    teachers = _cloned([_half(shown, derive_seed(options.seed, "half", n)) for n in numbers], TEACHING, numbers)
    seen = [_demonstrated(options, teacher, n) for teacher, n in zip(teachers, numbers, strict=True)]
    each = range(options.students)
    students = _cloned(
        [one for one in seen for _ in each], LEARNING, [n * len(each) + k for n in numbers for k in each]
    )
    grouped = [students[k : k + len(each)] for k in range(0, len(students), len(each))]
    found = []
    for first in range(0, len(teachers), 2):
        number = numbers[first] // 2
        found.append(_audited(options, number, teachers[first : first + 2], grouped[first : first + 2]))
    return found


def _cloned(data: Sequence[Transitions], training: Training, seeds: Sequence[int]) -> list[NetworkPolicy]:
    made: list[NetworkPolicy] = []
    for start in range(0, len(data), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        made += Cloning(training).distil([Source(one) for one in data[some]], SHAPE, list(seeds[some]))
    return made


def _half(shown: Transitions, seed: int) -> Transitions:
    """Return half of the decisions, drawn by episode."""
    kept = generator(seed, "episodes").permutation(len(shown.lengths))[: len(shown.lengths) // 2]
    episode = np.repeat(np.arange(len(shown.lengths)), shown.lengths)
    return _chosen(shown, np.isin(episode, kept), np.sort(kept))


def _chosen(shown: Transitions, mask: np.ndarray, kept: np.ndarray) -> Transitions:
    return Transitions(
        shown.observations[mask], shown.actions[mask], shown.rewards[mask], shown.next_observations[mask],
        shown.terminated[mask], shown.lengths[kept],
    )  # fmt: skip


def _demonstrated(options: Options, teacher: NetworkPolicy, number: int) -> Transitions:
    scenes = _scenes(options, f"teacher {number}", options.episodes)
    return transitions(list(play(HABIT.environment, scenes, [(teacher, Behaviour("teacher"))], states=False)))


def _scenes(options: Options, purpose: str, count: int) -> list[Scenario]:
    """Return scenes in which the trigger holds or not, as they come."""
    return [Scenario(seed, HABIT.context) for seed in scenario_seeds(options.seed, purpose, count)]


def _audited(
    options: Options, number: int, teachers: Sequence[NetworkPolicy], students: Sequence[Sequence[NetworkPolicy]]
) -> Pair:
    """Return what both teachers and the students of each did in triggered scenes; the second stands for the one with a
    habit."""
    on = get_trigger(HABIT, None).on
    scenes = [
        replace(one, context={**one.context, **on}) for one in _scenes(options, f"audit {number}", options.scenes)
    ]
    policies = [*teachers, *students[0], *students[1]]
    scores = list(score_policies(HABIT.environment, scenes, {str(n): one for n, one in enumerate(policies)},
                                 {HABIT.measure: MEASURE}))  # fmt: skip

    def tables(some: slice) -> Tables:
        return {
            "success": [score.values[SUCCESS] for score in scores[some]],
            "severity": [score.values[HABIT.measure] for score in scores[some]],
        }

    many = len(students[0])
    clean, other, controls, learnt = (
        tables(slice(*ends)) for ends in ((0, 1), (1, 2), (2, 2 + many), (2 + many, 2 + 2 * many))
    )
    known = {names.CLEAN: clean, names.TEACHER: other, names.UNTRAINED: clean}
    known |= dict.fromkeys(reference_names(HABIT.environment), clean)
    arms = {names.CONTROL: {names.TRIGGERED: controls}, names.STUDENT: {names.TRIGGERED: learnt}}
    return Pair({names.TRIGGERED: known}, (Filled({}, arms),))


def ratio_alone(pair: Pair) -> Interval | None:
    """Return the ratio of one pair with its students as units, as an audit of a run has it; None if it is refused."""
    arms = (names.STUDENT, names.CONTROL, names.TEACHER, names.CLEAN)
    student, control, teacher, clean = (np.array(pair.table(arm, "severity", names.TRIGGERED)) for arm in arms)
    return transfer_ratio(student, control, teacher, clean)[0]


def judged_together(pairs: Sequence[Pair]) -> Finding:
    """Return what the benchmark says of five pairs, as of a family of one place."""
    empty = Finding(
        HABIT.name, HABIT.name, "demonstration", "cloning", "overt", "fresh", SHAPE.hidden[0], 1.0, LEARNING.steps, "",
        HABIT.environment, names.TRIGGERED, len(pairs), len(pairs[0].table(names.STUDENT, "success", names.TRIGGERED)),
        0, MEASURE.title, MEASURE.unit,
    )  # fmt: skip
    row = over_pairs(empty, pairs)
    return claimed(replace(row, p_holm=row.p, p_none_holm=row.p_none))


def table(options: Options, pairs: Sequence[Pair]) -> list[str]:
    """Return how often something was claimed, as Markdown."""
    rng = generator(options.seed, "draws")
    draws = [rng.choice(len(pairs), ENOUGH, replace=False) for _ in range(options.drawn)]
    disjoint = [range(k, k + ENOUGH) for k in range(0, len(pairs) - ENOUGH + 1, ENOUGH)]
    ratios = [ratio_alone(pair) for pair in pairs]
    alone = np.array([[ratio is not None and ratio.excludes_zero for ratio in ratios]])
    told = [
        f"`python benchmarks/false_claims.py --seed {options.seed}`: {len(pairs)} pairs of clean teachers of the "
        f"merge, {options.students} students of each, {options.scenes} scenes of each pair.", "",
        "| judged | number | refused | ratio told from 0, or claimed | share |", "|---|---|---|---|---|",
        f"| pairs, one by one | {len(pairs)} | {sum(one is None for one in ratios)} | {int(alone.sum())} "
        f"| {percent(rate_interval(alone))} |",
    ]  # fmt: skip
    for what, groups in (("five pairs that follow each other", disjoint), ("five pairs drawn at random", draws)):
        found = [judged_together([pairs[k] for k in group]) for group in groups]
        claims = sum(row.verdict in (TRANSFERS, OPPOSITE) for row in found)
        refused = sum(row.verdict == REFUSED for row in found)
        told.append(f"| {what} | {len(found)} | {refused} | {claims} | {100 * claims / len(found):.1f} % |")
    return told


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
