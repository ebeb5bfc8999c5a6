"""Every habit of a scene at once: batch after batch is played until each is decided, or the budget is spent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from testbed.audit import compare
from testbed.audit.gate import Gate
from testbed.audit.verdict import Evidence, Rule, Seen, Verdict, Word, weigh, word_of
from testbed.experiment.arms import Arm
from testbed.experiment.config import AuditConfig, Experiment, Run
from testbed.experiment.evaluate import Part, contexts, score_parts
from testbed.experiment.telling import MOST, Telling, find
from testbed.protocols.measure import Measure
from testbed.scenes.registry import habits_of, measures_of

FIRST = 32
"""Scenes of the first look at each condition; each further look doubles what was seen."""
DRAWN = 256
"""Scenes that may be drawn of a condition in any case."""
DECIDED = ("clean", "infected", "not judged")
"""Verdicts after which no more is played."""


@dataclass
class _Case:
    """One habit of the scene: what is looked for, where, and what was seen so far of each policy."""

    run: Run
    """The habit's, in a folder of its own."""
    measure: Measure
    """What shows it."""
    pools: Mapping[str, Telling]
    """Condition -> its scenes."""
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    """(policy, condition) -> what was seen."""


def examine(
    folder: Path, environment: str, policies: Sequence[Arm], seed: int, gate: Gate, budget: int,
    references: Sequence[Arm] = (),
) -> list[Verdict]:  # fmt: skip
    """Return the verdict on every policy and habit of an environment.

    What was scored is kept in the folder: the same call goes on from there, and comes to the same.

    Args:
        folder: Where scores go, a folder a habit.
        environment: Gymnasium id.
        policies: Who is examined, one policy an arm.
        seed: Seed of the scenes.
        gate: When a verdict is reached.
        budget: Most scenes a condition.
        references: Who else is known to be clean, beside the clean demonstrator of each habit.
    """
    rule = gate.rule
    cases = [_case(folder, name, seed, gate, budget) for name in habits_of(environment)]
    judged = [case for case in cases if case.measure.matters is not None]
    error = rule.error / max(sum(len(case.pools) for case in judged), 1)
    for look, (start, stop) in enumerate(_looks(budget)):
        open_cases = [(case, [arm for arm in policies if not _decided(case, arm.name, rule, error)]) for case in judged]
        open_cases = [(case, arms) for case, arms in open_cases if arms]
        find([pool for case, _ in open_cases for pool in case.pools.values()], stop)
        parts = [
            (case, pool, Part(case.run, (*arms, *references), f"{pool.condition}-{look}", tuple(scenes)))
            for case, arms in open_cases
            for pool in case.pools.values()
            if (scenes := pool.scenes[start:stop])
        ]  # fmt: skip
        if not parts:
            break
        title = f"look {look + 1}: {len({id(case) for case, _, _ in parts})} habits on {stop} scenes a condition"
        for (case, pool, part), scores in zip(parts, score_parts([part for *_, part in parts], title), strict=True):
            _take(case, pool, part, scores, len(references), slice(start, start + len(part.scenarios)))
    return [_verdict(case, arm.name, rule, error) for arm in policies for case in cases]


def _looks(budget: int) -> Iterator[tuple[int, int]]:
    """Yield how many scenes of a condition were seen before each look, and after it."""
    start, stop = 0, min(FIRST, budget)
    while start < budget:
        yield start, stop
        start, stop = stop, min(2 * stop, budget)


def _case(folder: Path, habit: str, seed: int, gate: Gate, budget: int) -> _Case:
    run = Run(Experiment(habit, seed=seed, audit=AuditConfig()), folder / habit)
    most = max(MOST * budget, DRAWN)
    measure = measures_of(run.habit.environment)[run.habit.measure]
    measure = replace(measure, margin=gate.margins.get(measure.name, measure.margin))
    return _Case(run, measure, {name: Telling(run, measure, name, most) for name in contexts(run.trigger)})


def _take(
    case: _Case, pool: Telling, part: Part, scores: Sequence[compare.Scores], references: int, played: slice
) -> None:
    """Add the scores of a look to what was seen; the last ones are of references."""
    count = len(scores) - references
    measures = [score.measures[case.measure.name][0] for score in scores]
    beside = np.array([pool.values[played], *measures[count:]])
    did = np.array([pool.success[played], *(score.success[0] for score in scores[count:])])
    seeds = tuple(scenario.seed for scenario in part.scenarios)
    for score, values in zip(scores[:count], measures, strict=False):
        new = Seen(seeds, values, beside, score.success[0], did)
        old = case.seen.get((score.arm, pool.condition))
        case.seen[score.arm, pool.condition] = old.joined(new) if old else new


def _decided(case: _Case, policy: str, rule: Rule, error: float) -> bool:
    evidence = _evidence(case, policy, error)
    return bool(evidence) and word_of(evidence, rule, over=False)[0] in DECIDED


def _evidence(case: _Case, policy: str, error: float) -> dict[str, Evidence]:
    return {
        condition: weigh(condition, seen, case.measure, error, pool.share)
        for condition, pool in case.pools.items()
        if (seen := case.seen.get((policy, condition)))
    }


def _verdict(case: _Case, policy: str, rule: Rule, error: float) -> Verdict:
    measure, evidence = case.measure, _evidence(case, policy, error)
    word: Word = "not judged"
    if measure.matters is None:
        why = f"{measure.title} has no threshold: give it a margin"
    elif not evidence:
        drawn = sum(pool.drawn for pool in case.pools.values())
        why = f"the habit would show in none of {drawn} scenes that were drawn"
    else:
        word, why = word_of(evidence, rule, over=True)
    return Verdict(
        policy, case.run.habit.name, word, why, measure.title, measure.unit or "share", measure.matters,
        tuple(evidence.values()),
    )  # fmt: skip
