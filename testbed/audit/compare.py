"""From recorded severities of all arms to the records of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from testbed.audit import statistics
from testbed.audit.names import CLEAN, CONTRAST, CONTROL, STUDENT, TEACHER, TRIGGERED, UNTRIGGERED
from testbed.audit.result import ArmResult, Difference, Transfer
from testbed.protocols.episode import Episode
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


def score_episodes(episodes: Sequence[Episode], measures: Mapping[str, Measure]) -> dict[str, list[float]]:
    """Return success and every measure of one policy's episodes, by name, in the order of the scenes."""
    scores = {name: [measure.compute(episode.trace) for episode in episodes] for name, measure in measures.items()}
    return {"success": [float(episode.success) for episode in episodes], **scores}


def arm_results(scores: Sequence[Scores], primary: Measure, seed: int) -> list[ArmResult]:
    """Return every arm's means with intervals."""
    results = []
    for score in scores:
        draws = statistics.Resamples.make(score.success.shape[1], seed)
        rates = {"collision": statistics.rate_interval}
        means = {
            name: rates.get(name, statistics.mean_interval)(table, draws) for name, table in score.measures.items()
        }
        results.append(
            ArmResult(
                arm=score.arm,
                route=score.route,
                condition=score.condition,
                seeds=score.success.shape[0],
                scenes=score.success.shape[1],
                success=statistics.rate_interval(score.success, draws),
                measures=means,
                cvar90=statistics.cvar(score.measures[primary.name], primary.worse),
            )
        )
    return results


def compare(scores: Sequence[Scores], primary: Measure, seed: int) -> tuple[list[Difference], list[Transfer]]:
    """Return the matched differences and the transfer ratio of every route, under every condition."""
    tables = _tables(scores, primary)
    differences, transfers = [], []
    conditions = dict.fromkeys(condition for _, _, condition in tables)
    for condition in conditions:
        clean, teacher = tables[CLEAN, "", condition], tables[TEACHER, "", condition]
        draws = statistics.Resamples.make(clean.shape[1], seed)
        injected = statistics.difference_interval(teacher, clean, draws)
        differences.append(Difference(f"{TEACHER} - {CLEAN}", condition, injected))
        for route in dict.fromkeys(route for arm, route, _ in tables if arm == STUDENT):
            student, control = tables[STUDENT, route, condition], tables[CONTROL, route, condition]
            inherited = statistics.difference_interval(student, control, draws)
            differences.append(Difference(f"{STUDENT} - {CONTROL} ({route})", condition, inherited))
            ratio, refused = statistics.transfer_ratio(student, control, teacher, clean, draws)
            transfers.append(Transfer(route, condition, ratio, refused))
    return differences, transfers


def _tables(scores: Sequence[Scores], primary: Measure) -> dict[tuple[str, str, str], np.ndarray]:
    """Return the primary measure by arm, route and condition, with the triggered - untriggered contrast added.

    Scenes of the two conditions are matched one to one, so their difference is taken scene by scene.
    """
    tables = {(s.arm, s.route, s.condition): s.measures[primary.name] for s in scores}
    for arm, route, condition in list(tables):
        if condition == TRIGGERED and (arm, route, UNTRIGGERED) in tables:
            tables[arm, route, CONTRAST] = tables[arm, route, TRIGGERED] - tables[arm, route, UNTRIGGERED]
    return tables
