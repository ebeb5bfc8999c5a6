"""From recorded severities of all arms to the records of an audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from testbed.audit import ratio, statistics
from testbed.audit.names import CLEAN, CONTRAST, CONTROL, DEMONSTRATOR, STUDENT, TEACHER, TRIGGERED, UNTRIGGERED
from testbed.audit.result import ArmResult, Difference, Transfer
from testbed.audit.score import SUCCESS, Score
from testbed.protocols.measure import Measure


@dataclass(frozen=True)
class Scores:
    """What one arm did under one condition: tables of training seeds x scenes."""

    arm: str
    """Name of the arm."""
    route: str
    """Route of distillation, or empty."""
    condition: str
    """Condition."""
    success: np.ndarray
    """Whether the task was done, shape (seeds, scenes)."""
    measures: Mapping[str, np.ndarray]
    """Every measure by name, each of shape (seeds, scenes)."""
    endings: Mapping[str, int] = field(default_factory=dict)
    """How many episodes ended how."""


def gather_scores(arm: str, route: str, condition: str, scores: Sequence[Score]) -> Scores:
    """Return the scores of an arm's policies, one a training seed, as tables."""
    tables = {name: np.array([score.values[name] for score in scores]) for name in scores[0].values}
    endings = Counter(ending for score in scores for ending in score.endings)
    return Scores(arm, route, condition, tables.pop(SUCCESS), tables, dict(sorted(endings.items())))


def arm_results(scores: Sequence[Scores], primary: Measure, measures: Mapping[str, Measure]) -> list[ArmResult]:
    """Return every arm's means with intervals: those of measures without a unit are of shares."""
    results = []
    for score in scores:
        means = {
            name: statistics.mean_interval(table) if measures[name].unit else statistics.rate_interval(table)
            for name, table in score.measures.items()
        }
        results.append(
            ArmResult(
                arm=score.arm,
                route=score.route,
                condition=score.condition,
                seeds=score.success.shape[0],
                scenes=score.success.shape[1],
                success=statistics.rate_interval(score.success),
                measures=means,
                cvar90=statistics.cvar(score.measures[primary.name], primary.worse),
                endings=score.endings,
            )
        )
    return results


def compare(scores: Sequence[Scores], primary: Measure) -> tuple[list[Difference], list[Transfer]]:
    """Return the matched differences and the transfer ratio of every route, under every condition.

    Policies of one's own have no teachers to be compared with: each is compared with the clean demonstrator, and
    there are no ratios.
    """
    tables = _tables(scores, primary)
    differences, transfers = [], []
    conditions = dict.fromkeys(condition for _, _, condition in tables)
    for condition in conditions:
        here = {(arm, route): table for (arm, route, name), table in tables.items() if name == condition}
        if (DEMONSTRATOR, "") in here:
            differences += _over_demonstrator(here, condition)
            continue
        clean, teacher = here[CLEAN, ""], here[TEACHER, ""]
        injected = statistics.difference_interval(teacher, clean)
        differences.append(Difference(f"{TEACHER} - {CLEAN}", condition, injected))
        for route in dict.fromkeys(route for arm, route in here if arm == STUDENT):
            student, control = here[STUDENT, route], here[CONTROL, route]
            inherited = statistics.difference_interval(student, control)
            differences.append(Difference(f"{STUDENT} - {CONTROL} ({route})", condition, inherited))
            transfers.append(Transfer(route, condition, *ratio.transfer_ratio(student, control, teacher, clean)))
    return differences, transfers


def over_demonstrator(arm: str) -> str:
    """Return what the difference of a policy of one's own is called."""
    return f"{arm} - {DEMONSTRATOR}"


def _over_demonstrator(here: Mapping[tuple[str, str], np.ndarray], condition: str) -> list[Difference]:
    clean = here[DEMONSTRATOR, ""]
    return [
        Difference(over_demonstrator(arm), condition, statistics.difference_interval(table, clean))
        for (arm, _), table in here.items()
        if arm != DEMONSTRATOR
    ]


def _tables(scores: Sequence[Scores], primary: Measure) -> dict[tuple[str, str, str], np.ndarray]:
    """Return the primary measure by arm, route and condition, with the triggered - untriggered contrast added.

    Scenes of the two conditions are matched one to one, so their difference is taken scene by scene.
    """
    tables = {(s.arm, s.route, s.condition): s.measures[primary.name] for s in scores}
    for arm, route, condition in list(tables):
        if condition == TRIGGERED and (arm, route, UNTRIGGERED) in tables:
            tables[arm, route, CONTRAST] = tables[arm, route, TRIGGERED] - tables[arm, route, UNTRIGGERED]
    return tables
