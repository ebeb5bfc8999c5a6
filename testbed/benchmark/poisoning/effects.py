"""What poison hands down: severity by dose, by what a well-behaved teacher carries, by how much noise is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from testbed.audit.ratio import ratio_interval
from testbed.audit.result import Interval
from testbed.audit.statistics import CONFIDENCE, NOTHING, mean_of, student
from testbed.benchmark.finding import ABLE, NOWHERE
from testbed.benchmark.pieces import require, teachers_did
from testbed.benchmark.poisoning.design import Arm, Design
from testbed.benchmark.poisoning.piece import Piece
from testbed.protocols.pair import Pair
from testbed.records import record_or_none
from testbed.scenes.registry import get_habit, measures_of

Tables = dict[str, list[list[float]]]
"""`success`, `severity` and `mass` -> students x scenes."""
HALF = 0.5
"""Share of the habit whose dose is asked for."""


@dataclass(frozen=True)
class Effect:
    """Students of one arm, over pairs of teachers."""

    habit: str
    """Habit."""
    kind: str
    """What is tried."""
    route: str
    """How students learn."""
    width: int
    """Units of their hidden layers."""
    amount: float
    """Share of poison, or random observations."""
    unit: str
    """What is poisoned."""
    where: str
    """Where the poison lies."""
    carrier: str
    """Whose distribution is carried."""
    target: str
    """What is copied of it."""
    pairs: int
    """Pairs of teachers."""
    scenes: int
    """Scenes of each."""
    measure_unit: str
    """Of severity."""
    severity: Interval
    """Of the students."""
    inherited: Interval
    """Students less their controls."""
    ratio: Interval
    """The same as a share of teacher - clean teacher."""
    success: float
    """Of the students, as a share of the teacher's."""
    mass: Interval
    """How likely students are to do what the habit does where it shows, less their controls."""
    by_pair: tuple[float, ...]
    """The ratio, pair by pair."""


@dataclass(frozen=True)
class HalfDose:
    """The share of poison that hands half of the habit down (ED50)."""

    habit: str
    """Habit."""
    route: str
    """How students learn."""
    width: int
    """Units of their hidden layers."""
    unit: str
    """What is poisoned."""
    where: str
    """Where the poison lies."""
    dose: Interval
    """The dose, on a logarithmic scale; not a number where some pair never comes to half."""
    reached: int
    """Pairs of teachers that come to half at some dose."""
    pairs: int
    """Pairs of teachers; 0 where students of no dose can do the task."""


def effects(design: Design, seed: int, folder: Path) -> list[Effect]:
    """Return what every arm's students do."""
    return [one for habit in design.habits for one in _of_habit(design, habit, seed, folder)]


def _of_habit(design: Design, habit: str, seed: int, folder: Path) -> list[Effect]:
    pieces = [Piece(design, habit, pair, seed) for pair in range(design.pairs)]
    found = [require(read_poisoned, piece, folder) for piece in pieces]
    teachers = [teachers_did(piece, folder, design.scenes) for piece in pieces]
    arms = design.arms
    places = {arm: n for n, arm in enumerate(arms)}
    return [_effect(design, habit, arm, n, places[arm.control], found, teachers) for n, arm in enumerate(arms)]


def read_poisoned(piece: Piece, folder: Path) -> Tables | None:
    """Return what was found of a piece, or None where its file is missing, damaged or not whole."""
    found = record_or_none(piece.file(folder), Tables)
    if found is None or found.keys() != {"success", "severity", "mass"}:
        return None
    return found if {len(rows) for rows in found.values()} == {len(piece.design.arms)} else None


def _effect(
    design: Design, habit: str, arm: Arm, place: int, beside: int, found: Sequence[Tables],
    teachers: Sequence[Pair[np.ndarray]],
) -> Effect:  # fmt: skip
    def means(what: str, n: int) -> np.ndarray:
        return np.array([[np.mean(tables[what][n])] for tables in found])

    gained = means("severity", place) - means("severity", beside)
    given = np.array([[(one.habitual[0] - one.clean[0]).mean()] for one in teachers])
    able = float(np.mean([one.habitual[1].mean() for one in teachers]))
    differ = mean_of(given).interval().excludes_zero
    scene = get_habit(habit)
    return Effect(
        habit, arm.kind, arm.route, arm.width, arm.amount, arm.unit, arm.where, arm.carrier, arm.target, len(found),
        design.scenes, measures_of(scene.environment)[scene.measure].unit or "share",
        severity=mean_of(means("severity", place)).interval(), inherited=mean_of(gained).interval(),
        ratio=ratio_interval(gained, given, NOTHING) if differ else NOWHERE,
        success=float(means("success", place).mean()) / able,
        mass=mean_of(means("mass", place) - means("mass", beside)).interval(),
        by_pair=tuple(float(one) for one in (gained / given)[:, 0]) if differ else (),
    )  # fmt: skip


def half_doses(found: Sequence[Effect]) -> list[HalfDose]:
    """Return the dose that hands half of the habit down, of every habit and way of poisoning; by students that can do
    the task."""
    doses = [one for one in found if one.kind == "dose"]
    ways = dict.fromkeys((one.habit, one.route, one.width, one.unit, one.where) for one in doses)
    told = []
    for way in ways:
        rows = [one for one in doses if (one.habit, one.route, one.width, one.unit, one.where) == way and one.by_pair]
        rows = sorted((one for one in rows if one.amount and one.success >= ABLE), key=lambda one: one.amount)
        each = [half_dose([one.amount for one in rows], [one.by_pair[n] for one in rows])
                for n in range(rows[0].pairs if rows else 0)]  # fmt: skip
        reached = [one for one in each if one == one]
        told.append(HalfDose(*way, _on_log(each), len(reached), len(each)))
    return told


def half_dose(doses: Sequence[float], ratios: Sequence[float]) -> float:
    """Return the dose at which half is handed down, not a number if it never is.

    The ratios are made to rise with the dose (isotonic regression, as in Ayer et al. 1955) and joined by straight lines
    over the logarithm of the dose; below the smallest dose it is that one.
    """
    from scipy.optimize import isotonic_regression

    rising = isotonic_regression(np.array(ratios)).x
    if rising[-1] < HALF:
        return float("nan")
    n = int(np.argmax(rising >= HALF))
    if n == 0:
        return float(doses[0])
    low, high = np.log(doses[n - 1]), np.log(doses[n])
    return float(np.exp(low + (high - low) * (HALF - rising[n - 1]) / (rising[n] - rising[n - 1])))


def _on_log(doses: Sequence[float]) -> Interval:
    """Return the geometric mean of doses with Student's interval, not a number if one of them is none."""
    if len(doses) < 2 or any(one != one for one in doses):
        return NOWHERE
    logs = np.log(doses)
    half = student(CONFIDENCE, len(logs) - 1) * float(logs.std(ddof=1)) / len(logs) ** 0.5
    middle = float(logs.mean())
    return Interval(*(float(np.exp(one)) for one in (middle, middle - half, middle + half)))
