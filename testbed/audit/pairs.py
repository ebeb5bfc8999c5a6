"""Two policies in the same scenes: whether the newer one is worse, and where they part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from testbed.audit import statistics
from testbed.audit.result import Interval
from testbed.audit.score import score_episode
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.measure import Measure
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play

Word = Literal["not worse", "worse", "undecided"]
"""What is said of the newer policy: that it is worse by no more than the margin, that it is worse, or neither."""


@dataclass(frozen=True)
class Pairs:
    """What two policies did in the same scenes."""

    seeds: tuple[int, ...]
    """The scenes."""
    success: np.ndarray
    """Whether each did its task, shape (2, scenes) bool, the older one first."""
    values: Mapping[str, np.ndarray]
    """Every measure by name, each of shape (2, scenes)."""
    parted: np.ndarray
    """First decision in which they acted differently, shape (scenes,); -1 where they never did."""
    step: float
    """How long a decision lasts [s]."""


@dataclass(frozen=True)
class SuccessChange:
    """How success changed."""

    old: int
    """Scenes in which the older policy did its task."""
    new: int
    """Scenes in which the newer one did."""
    lost: int
    """Scenes in which only the older one did."""
    won: int
    """Scenes in which only the newer one did."""
    p: float
    """Exact two-sided p of McNemar's test that losses and gains are as likely."""
    change: Interval
    """Share of scenes won less that lost, with its paired 95 % interval."""
    word: Word
    """Beside the margin."""


@dataclass(frozen=True)
class SeverityChange:
    """How one measure changed."""

    measure: str
    """Its title."""
    unit: str
    """Its unit."""
    old: float
    """Mean of the older policy."""
    new: float
    """Mean of the newer one."""
    worse: Interval
    """How much worse the newer one is, in the unit, with its paired 95 % interval: above 0 is worse."""
    margin: float | None
    """By how much it may be worse; None where nothing says."""
    word: Word | None
    """Beside the margin, or None without one."""
    apart: int
    """The scene in which they part most: its seed."""


@dataclass(frozen=True)
class Changed:
    """What changed under one condition."""

    condition: str
    """Name of the condition."""
    scenes: int
    """Scenes that both played."""
    success: SuccessChange
    """Success."""
    severity: SeverityChange
    """The habit's measure."""
    same: int
    """Scenes in which both did the same throughout."""
    parted: float | None
    """Median time at which they first acted differently, in the others [s]."""


def play_pairs(
    environment: str, scenarios: Sequence[Scenario], old: Policy, new: Policy, measures: Mapping[str, Measure]
) -> Pairs:
    """Let two policies play the same scenes; raises `UserError` if one does not fit the environment."""
    jobs = [(old, Behaviour("old")), (new, Behaviour("new"))]
    rows: list[Mapping[str, float]] = []
    actions: list[np.ndarray] = []
    step = 0.0
    for episode in play(environment, scenarios, jobs, states=False):
        rows.append(score_episode(episode, measures))
        actions.append(np.array(episode.actions))
        step = _step(episode)
    count = len(scenarios)
    tables = {name: np.array([row[name] for row in rows]).reshape(2, count) for name in rows[0]}
    parted = [_parted(one, other) for one, other in zip(actions[:count], actions[count:], strict=True)]
    success = tables.pop("success") > 0.5
    return Pairs(tuple(one.seed for one in scenarios), success, tables, np.array(parted), step)


def _step(episode: Episode) -> float:
    return len(episode.trace) / episode.trace.rate / max(len(episode), 1)


def _parted(one: np.ndarray, other: np.ndarray) -> int:
    """Return the first decision that differs, -1 if none does."""
    both = min(len(one), len(other))
    differs = np.flatnonzero(np.any((one[:both] != other[:both]).reshape(both, -1), axis=1))
    return int(differs[0]) if len(differs) else -1 if len(one) == len(other) else both


def mcnemar(lost: int, won: int) -> float:
    """Return the exact two-sided p of McNemar's test (McNemar 1947): twice the smaller binomial tail at one half."""
    from scipy.special import bdtr  # takes a while, and only comparisons need it

    count = lost + won
    return min(1.0, 2 * float(bdtr(min(lost, won), count, 0.5))) if count else 1.0


def success_change(pairs: Pairs, margin: float) -> SuccessChange:
    """Return how success changed; `margin` is the share of tasks that may be lost."""
    old, new = pairs.success
    change = statistics.difference_interval(new[None].astype(float), old[None].astype(float))
    lost, won = int((old & ~new).sum()), int((new & ~old).sum())
    if not lost + won:  # no scene says otherwise: the rule of three at both ends
        rule = min(3 / len(old), 1.0)
        change = Interval(0.0, -rule, rule)
    word = _word(Interval(-change.value, -change.high, -change.low), margin)
    return SuccessChange(int(old.sum()), int(new.sum()), lost, won, mcnemar(lost, won), change, word)


def severity_change(pairs: Pairs, measure: Measure, margin: float | None) -> SeverityChange:
    """Return how a measure changed; `margin` is by how much it may be worse, in its unit."""
    old, new = pairs.values[measure.name]
    sign = 1 if measure.worse == "higher" else -1
    worse = statistics.difference_interval(sign * new[None], sign * old[None])
    apart = np.lexsort((np.where(pairs.parted < 0, np.inf, pairs.parted), -np.abs(new - old)))[0]
    return SeverityChange(
        measure.title, measure.unit or "share", float(old.mean()), float(new.mean()), worse, margin,
        None if margin is None else _word(worse, margin), pairs.seeds[apart],
    )  # fmt: skip


def _word(worse: Interval, margin: float) -> Word:
    """Return whether something is worse by no more than a margin: its whole interval is below that (non-inferiority,
    for example Piaggio et al. 2012), or the whole interval is above 0 and beyond."""
    if worse.high < margin:
        return "not worse"
    return "worse" if worse.low > 0 else "undecided"
