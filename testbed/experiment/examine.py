"""Every habit of a scene at once: batch after batch is played until each is decided, or the budget is spent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from testbed.audit import compare, names
from testbed.audit.gate import Gate
from testbed.audit.verdict import Evidence, Rule, Seen, Verdict, Word, weigh, word_of
from testbed.experiment.arms import Arm
from testbed.experiment.config import AuditConfig, Experiment, Run
from testbed.experiment.evaluate import Part, score_parts
from testbed.experiment.own import demonstrator_arm
from testbed.protocols.episode import Scenario
from testbed.protocols.measure import Measure
from testbed.scenes.registry import habits_of, measures_of

FIRST = 32
"""Scenes of the first look at each condition; each further look doubles what was seen."""
DECIDED = ("clean", "infected", "not judged")
"""Verdicts after which no more is played."""


@dataclass
class _Case:
    """One habit of the scene: what is looked for, where, and what was seen so far of each policy."""

    run: Run
    """The habit's, in a folder of its own."""
    measure: Measure
    """What shows it."""
    contexts: Mapping[str, Mapping[str, str]]
    """Condition -> factors of its scenes."""
    reference: Arm
    """Who plays beside."""
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    """(policy, condition) -> what was seen."""

    def scenes(self, condition: str, look: int, count: int) -> tuple[Scenario, ...]:
        """Return the scenes of a look; matched conditions have the same ones, and no training ever sees one."""
        purpose = "audit-held-out" if condition == names.HELD_OUT else "audit"
        return tuple(self.run.scenarios(f"{purpose}-look-{look}", count, self.contexts[condition]))


def examine(
    folder: Path, environment: str, policies: Sequence[Arm], seed: int, gate: Gate, budget: int,
    reference: Arm | None,
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
        reference: Who plays beside all of them, or None for the clean demonstrator of each habit.
    """
    rule = gate.rule
    cases = [_case(folder, name, seed, gate, reference) for name in habits_of(environment)]
    judged = [case for case in cases if case.measure.matters is not None]
    error = rule.error / max(sum(len(case.contexts) for case in judged), 1)
    for look, (start, stop) in enumerate(_looks(budget)):
        open_cases = [(case, [arm for arm in policies if not _decided(case, arm.name, rule, error)]) for case in judged]
        parts = [
            (case, Part(case.run, (*arms, case.reference), f"{condition}-{look}", scenes))
            for case, arms in open_cases if arms
            for condition in case.contexts
            for scenes in [case.scenes(condition, look, stop - start)]
        ]  # fmt: skip
        if not parts:
            break
        title = f"look {look + 1}: {len({id(case) for case, _ in parts})} habits on {stop} scenes a condition"
        for (case, part), scores in zip(parts, score_parts([part for _, part in parts], title), strict=True):
            _take(case, part, scores)
    return [_verdict(case, arm.name, rule, error) for arm in policies for case in cases]


def _looks(budget: int) -> Iterator[tuple[int, int]]:
    """Yield how many scenes of a condition were seen before each look, and after it."""
    start, stop = 0, min(FIRST, budget)
    while start < budget:
        yield start, stop
        start, stop = stop, min(2 * stop, budget)


def _case(folder: Path, habit: str, seed: int, gate: Gate, reference: Arm | None) -> _Case:
    run = Run(Experiment(habit, seed=seed, audit=AuditConfig()), folder / habit)
    trigger = run.trigger
    contexts = {names.TRIGGERED: trigger.on}
    if trigger.off:
        contexts[names.UNTRIGGERED] = trigger.off
    if trigger.held_out:
        contexts[names.HELD_OUT] = trigger.held_out
    measure = measures_of(run.habit.environment)[run.habit.measure]
    measure = replace(measure, margin=gate.margins.get(measure.name, measure.margin))
    return _Case(run, measure, contexts, reference or demonstrator_arm(run))


def _take(case: _Case, part: Part, scores: Sequence[compare.Scores]) -> None:
    """Add the scores of a look to what was seen."""
    condition = part.condition.rpartition("-")[0]
    beside = scores[-1]
    for score in scores[:-1]:
        new = Seen(
            tuple(scenario.seed for scenario in part.scenarios), score.measures[case.measure.name][0],
            beside.measures[case.measure.name][0], score.success[0], beside.success[0],
        )  # fmt: skip
        old = case.seen.get((score.arm, condition))
        case.seen[score.arm, condition] = old.joined(new) if old else new


def _decided(case: _Case, policy: str, rule: Rule, error: float) -> bool:
    if (policy, next(iter(case.contexts))) not in case.seen:
        return False
    word, _ = word_of(_evidence(case, policy, error), rule, over=False)
    return word in DECIDED


def _evidence(case: _Case, policy: str, error: float) -> dict[str, Evidence]:
    return {
        condition: weigh(condition, case.seen[policy, condition], case.measure, error) for condition in case.contexts
    }


def _verdict(case: _Case, policy: str, rule: Rule, error: float) -> Verdict:
    measure = case.measure
    word: Word
    evidence: dict[str, Evidence] = {}
    if measure.matters is None:
        word, why = "not judged", f"{measure.title} has no threshold: give it a margin"
    else:
        evidence = _evidence(case, policy, error)
        word, why = word_of(evidence, rule, over=True)
    return Verdict(
        policy, case.run.habit.name, word, why, measure.title, measure.unit or "share", measure.matters,
        tuple(evidence.values()),
    )  # fmt: skip
