"""What states and targets each add to the severity of students, over pairs of teachers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from testbed.audit.claims import LEVEL, MARGIN, holm
from testbed.audit.ratio import equivalence, ratio_interval
from testbed.audit.result import Interval
from testbed.audit.statistics import NOTHING, mean_of
from testbed.benchmark.finding import (
    ABLE,
    ENOUGH,
    FAILS,
    NONE,
    NOWHERE,
    OPPOSITE,
    OUTSIDE,
    REFUSED,
    TRANSFERS,
    UNDECIDED,
    UNKNOWN,
)
from testbed.benchmark.pieces import require, teachers_did
from testbed.benchmark.silent.crossed import Piece
from testbed.benchmark.silent.design import CHIEF, SOFT, Arm, Design
from testbed.protocols.pair import Pair
from testbed.records import record_or_none
from testbed.scenes.registry import get_habit, measures_of

Tables = dict[str, list[list[float]]]
"""`success`, `severity` and `mass` -> students x scenes."""


@dataclass(frozen=True)
class Crossed:
    """What the file of a piece holds."""

    decisions: int
    """Decisions that every student learnt from."""
    held: list[float]
    """In how much of them the trigger holds, arm by arm."""
    lengths: list[Tables]
    """What students did, by length: those of the first arm, of the second and so on."""


@dataclass(frozen=True)
class Effect:
    """Students of four arms, states x targets, after a length of training."""

    habit: str
    """Habit."""
    other: str
    """Who stands beside the clean teacher."""
    target: str
    """What is copied."""
    limit: float
    """Largest total variation in the states."""
    swapped: bool
    """Whether students see the trigger's factor exchanged."""
    length: int
    """Optimiser steps."""
    pairs: int
    """Pairs of teachers."""
    unit: str
    """Of severity."""
    decisions: float
    """Decisions that a student learns from."""
    held: float
    """Share of them in which the trigger holds."""
    success: float
    """The lowest of the four arms, as a share of the teacher's."""
    targets: Interval
    """What the other's targets add to severity, over both kinds of states."""
    states: Interval
    """What the other's states add, over both kinds of targets."""
    ratio: Interval
    """What targets add, as a share of teacher - clean teacher; not a number where these do not differ."""
    mass: Interval
    """What targets add to the mass on the habit's action."""
    by_pair: tuple[float, ...]
    """The ratio, pair by pair."""
    p: float
    """Of "targets add nothing"."""
    p_none: float
    """Of "they add more than a tenth of the habit"."""
    p_holm: float = UNKNOWN
    """`p`, adjusted over the claims."""
    p_none_holm: float = UNKNOWN
    """`p_none`, adjusted."""
    verdict: str = OUTSIDE
    """What may be said."""

    @property
    def is_chief(self) -> bool:
        """Whether it is of those that claims are made of, but for its length."""
        return (self.other, self.target, self.limit, self.swapped) == ("habit", SOFT, CHIEF, False)


def effects(design: Design, seed: int, folder: Path) -> list[Effect]:
    """Return all effects; claims are made of soft targets in states of the usual limit, after the whole training."""
    found = [one for habit in design.habits for one in _of_habit(design, habit, seed, folder)]
    family = [n for n, one in enumerate(found) if one.is_chief and one.length == design.lengths[-1]]
    for name in ("p", "p_none"):
        for n, p in zip(family, holm([getattr(found[n], name) for n in family]), strict=True):
            change: dict[str, Any] = {f"{name}_holm": p}
            found[n] = replace(found[n], **change)
    return [_claimed(one) if n in family else one for n, one in enumerate(found)]


def _claimed(one: Effect) -> Effect:
    if not one.by_pair:
        return replace(one, verdict=REFUSED)
    if one.success < ABLE:
        return replace(one, verdict=FAILS)
    if one.pairs < ENOUGH:
        return one
    if one.p_holm < LEVEL:
        return replace(one, verdict=TRANSFERS if one.ratio.value > 0 else OPPOSITE)
    return replace(one, verdict=NONE if one.p_none_holm < LEVEL else UNDECIDED)


def _of_habit(design: Design, habit: str, seed: int, folder: Path) -> list[Effect]:
    pieces = [Piece(design, habit, pair, seed) for pair in range(design.pairs)]
    found = [require(read_crossed, piece, folder) for piece in pieces]
    teachers = [teachers_did(piece, folder, design.scenes) for piece in pieces]
    contrasts = dict.fromkeys(arm.contrast for arm in design.arms)
    return [
        _effect(design, habit, contrast, number, found, teachers)
        for contrast in contrasts
        for number in range(len(design.lengths))
    ]


def read_crossed(piece: Piece, folder: Path) -> Crossed | None:
    """Return what was found of a piece, or None where its file is missing, damaged or not whole."""
    found = record_or_none(piece.file(folder), Crossed)
    arms, lengths = len(piece.design.arms), len(piece.design.lengths)
    if found is None or len(found.held) != arms or len(found.lengths) != lengths:
        return None
    sizes = {len(rows) for tables in found.lengths for rows in tables.values()}
    return found if sizes == {arms * piece.design.seeds} else None


def _effect(
    design: Design, habit: str, contrast: Arm, number: int, found: Sequence[Crossed], teachers: Sequence[Pair]
) -> Effect:
    places = [n for n, arm in enumerate(design.arms) if arm.contrast == contrast]
    assert [(design.arms[n].from_other, design.arms[n].by_other) for n in places] == [
        (False, False), (False, True), (True, False), (True, True),
    ]  # fmt: skip

    def means(what: str) -> np.ndarray:
        """Return the mean of each pair, shape (pairs, states, targets)."""
        tables = [np.array(one.lengths[number][what]) for one in found]
        seeds = design.seeds
        rows = [[table[n * seeds : (n + 1) * seeds].mean() for n in places] for table in tables]
        return np.array(rows).reshape(len(found), 2, 2)

    severity, mass = means("severity"), means("mass")
    able = np.array([both.habitual[1].mean() for both in teachers]).mean()
    gained = (severity[:, :, 1] - severity[:, :, 0]).mean(axis=1)[:, None]
    given = np.array([[(both.habitual[0] - both.clean[0]).mean()] for both in teachers])
    differ = mean_of(given).interval().excludes_zero
    unit = measures_of(get_habit(habit).environment)[get_habit(habit).measure].unit or "share"
    return Effect(
        habit, contrast.other, contrast.target, contrast.limit, contrast.swapped, design.lengths[number], len(found),
        unit, float(np.mean([one.decisions for one in found])),
        float(np.mean([[one.held[n] for n in places] for one in found])),
        float(means("success").mean(axis=0).min() / able),
        targets=mean_of(gained).interval(),
        states=mean_of((severity[:, 1] - severity[:, 0]).mean(axis=1)[:, None]).interval(),
        ratio=ratio_interval(gained, given, NOTHING) if differ else NOWHERE,
        mass=mean_of((mass[:, :, 1] - mass[:, :, 0]).mean(axis=1)[:, None]).interval(),
        by_pair=tuple(float(one) for one in (gained / given)[:, 0]) if differ else (),
        p=mean_of(gained).p if differ else 1.0,
        p_none=equivalence(gained, given, NOTHING, MARGIN) if differ else 1.0,
    )  # fmt: skip
