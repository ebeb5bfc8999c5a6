"""What the field says of routes, of students and of silent channels, decided by the tables of the benchmark.

Every claim says that something is above 0, as a share of the habit. The pair of teachers is the unit: what is said of
several habits is their mean in each pair, since habits of one scene share their clean demonstrations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from testbed.audit import names
from testbed.audit.claims import LEVEL, MARGIN, holm
from testbed.audit.ratio import equivalence
from testbed.audit.result import Interval
from testbed.audit.statistics import NOTHING, mean_of
from testbed.audit.text import percent
from testbed.benchmark.answers import PUBLISHED, by_route, slopes
from testbed.benchmark.finding import ABLE, ENOUGH, TRANSFERS, Finding
from testbed.benchmark.silent.effects import Effect

RANKED = {"value": "medium", "cloning": "high", "kl": "very high", "adversarial": "extreme"}
"""Route -> how vulnerable it is, as the field's table has it."""
TRANSFER, SILENT = "testbed benchmark transfer --suite core", "testbed benchmark silent --suite core"
ESTABLISHED, REFUTED, OPEN, UNJUDGED = "established", "refuted", "open", "not judged"


@dataclass(frozen=True)
class Asked:
    """A claim, and what was found of it."""

    claim: str
    """What is said."""
    found: str
    """What was found, in words."""
    command: str
    """Which command finds it."""
    effects: tuple[float, ...]
    """What the claim says is above 0, pair by pair; none if it could not be judged."""


@dataclass(frozen=True)
class Decided:
    """A claim, decided."""

    asked: Asked
    """The claim."""
    says: str
    """`established`, `refuted`, `open` or `not judged`."""
    effect: Interval | None
    """What it says is above 0, with its interval."""


def published(found: Sequence[Finding], silent: Sequence[Effect]) -> list[Decided]:
    """Return the published claims, decided at 5 % after Holm's adjustment over them.

    A claim is established if what it says is above 0 is so, and refuted if that is below 0 or within a tenth of the
    habit of it (two one-sided tests).
    """
    rows = [row for row in found if row.condition == names.TRIGGERED and row.taught == row.habit]
    asked = [*_ranks(rows), _scale(rows), _silent(silent), *_begun(rows)]
    means = [mean_of(np.array(one.effects)[:, None]) if len(one.effects) >= ENOUGH else None for one in asked]
    differs = holm([1.0 if mean is None else mean.p for mean in means])
    alike = holm([1.0 if mean is None else _alike(one.effects) for one, mean in zip(asked, means, strict=True)])
    return [
        Decided(one, UNJUDGED, None) if mean is None
        else Decided(one, _says(mean.value, p, none), mean.interval())
        for one, mean, p, none in zip(asked, means, differs, alike, strict=True)
    ]  # fmt: skip


def _says(value: float, p: float, p_alike: float) -> str:
    if p < LEVEL and value > 0:
        return ESTABLISHED
    return REFUTED if p < LEVEL or p_alike < LEVEL else OPEN


def _alike(effects: Sequence[float]) -> float:
    """Return the p of "it is not within a tenth of the habit of 0"."""
    return equivalence(np.array(effects)[:, None], np.ones((len(effects), 1)), NOTHING, MARGIN)


def _ranks(rows: Sequence[Finding]) -> list[Asked]:
    """Return the four rows of the table: each route hands down more than the one before it, and the first one less
    than the others together."""
    overt = {habit: by_route([row for row in rows if row.habit == habit], "overt") for habit in _habits(rows)}
    first, *_ = PUBLISHED
    paid = {habit: {row.route: row for row in rows if row.habit == habit and row.reward == "habit"} for habit in overt}
    asked = [Asked(
        f"*{first}* is of {RANKED[first]} vulnerability: it hands down less than the other routes",
        f"{_handed(overt, first)}; where the habit is paid for, {_handed(paid, first)}", TRANSFER,
        _pooled(_against(routes, first, PUBLISHED[1:]) for routes in overt.values()),
    )]  # fmt: skip
    for less, more in pairwise(PUBLISHED):
        claim = f"*{more}* is of {RANKED[more]} vulnerability: it hands down more than *{less}*"
        gaps = (_against(routes, less, (more,)) for routes in overt.values())
        asked.append(Asked(claim, _handed(overt, more), TRANSFER, _pooled(gaps)))
    return asked


def _against(routes: dict[str, Finding], less: str, others: Iterable[str]) -> np.ndarray | None:
    """Return how much more some routes hand down than another, pair by pair, over those that can be judged."""
    able = [np.array(routes[name].effects) for name in others if name in routes and routes[name].judged]
    if not able or less not in routes or not routes[less].judged:
        return None
    return np.mean(able, axis=0) - np.array(routes[less].effects)


def _handed(overt: dict[str, dict[str, Finding]], route: str) -> str:
    """Return how much a route hands down of the habits that can be judged."""
    asked = [routes[route] for routes in overt.values() if route in routes]
    able = [row for row in asked if row.judged]
    if not able:
        return f"judged for none of {len(asked)} habits"
    transfers = sum(row.verdict == TRANSFERS for row in able)
    told = _interval(_pooled(np.array(row.effects) for row in able))
    return f"{told} is handed down; judged for {len(able)} of {len(asked)} habits, transfers for {transfers}"


def _scale(rows: Sequence[Finding]) -> Asked:
    """Return whether smaller students inherit less, by what a doubling of their width adds."""
    found = [
        slopes([row for row in rows if row.habit == habit], route)
        for habit in _habits(rows) for route in ("cloning", "kl")
    ]  # fmt: skip
    effects, told = _pooled(found), sum(one is not None for one in found)
    said = f"a doubling of the width adds {_interval(effects)}; judged for {told} pairs of a habit and a route"
    claim = "smaller students inherit less than larger ones"
    return Asked(claim, said if told else "no widths to compare", TRANSFER, effects)


def _silent(silent: Sequence[Effect]) -> Asked:
    """Return whether soft targets hand habits down where both teachers choose alike."""
    last = max((one.length for one in silent), default=0)
    chief = [one for one in silent if one.is_chief and one.length == last]
    able = [one for one in chief if one.by_pair and one.success >= ABLE]
    effects = _pooled(np.array(one.by_pair) for one in able)
    said = f"soft targets add {_interval(effects)}; judged for {len(able)} of {len(chief)} habits"
    claim = "a habit passes through states in which both teachers choose alike and are at most 5 % apart"
    return Asked(claim, said if able else "no habit can be judged", SILENT, effects)


def _begun(rows: Sequence[Finding]) -> list[Asked]:
    """Return whether students that begin as the teacher did inherit more, channel by channel."""
    asked = []
    for channel in ("nominal", "auxiliary"):
        there = [row for row in rows if row.teacher == "fine-tuning" and row.channel == channel]
        arms = [{row.start: row for row in there if row.habit == habit} for habit in _habits(there)]
        effects = _pooled(_against(arm, "other-base", ("base",)) for arm in arms)
        told = "; ".join(
            f"{start}: {percent(row.ratio) if row.judged else row.verdict}"
            for arm in arms for start, row in arm.items()
        )  # fmt: skip
        what = "episodes without the trigger" if channel == "nominal" else "outputs that drive nothing, on noise"
        claim = f"through {what}, students that begin as the teacher did inherit more than those of another seed's base"
        asked.append(Asked(claim, told or "not asked", TRANSFER, effects))
    return asked


def _pooled(found: Iterable[np.ndarray | None]) -> tuple[float, ...]:
    """Return the mean over habits, pair by pair, of those of which there is one."""
    there = [one for one in found if one is not None]
    return tuple(np.mean(there, axis=0).tolist()) if there else ()


def _interval(effects: Sequence[float]) -> str:
    return percent(mean_of(np.array(effects)[:, None]).interval()) if effects else "nothing"


def _habits(rows: Iterable[Finding]) -> list[str]:
    return list(dict.fromkeys(row.habit for row in rows))


def markdown(decided: Sequence[Decided]) -> list[str]:
    """Return the table of claims."""
    lines = ["| claim | decided | by how much | what was found | command |", "|---|---|---|---|---|"]
    for one in decided:
        much = percent(one.effect) if one.effect else ""
        asked = one.asked
        lines.append(f"| {asked.claim} | **{one.says}** | {much} | {asked.found} | `{asked.command}` |")
    return lines
