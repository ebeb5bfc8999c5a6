"""From filled cells to findings: the pair of teachers is the unit, and everything of a pair is drawn anew.

Each pair has its own demonstrations, teachers, students and scenes, so pairs are independent, and a mean over them has
Student's interval with as many degrees of freedom as there are pairs, less one. Of a single pair training seeds are the
unit, and its scenes are shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from testbed.audit import names
from testbed.audit.claims import MARGIN, holm
from testbed.audit.ratio import equivalence, ratio_interval, unseen
from testbed.audit.result import Interval
from testbed.audit.statistics import CONFIDENCE, NOTHING, Unseen, mean_of, share_interval, student
from testbed.audit.text import two_decimals
from testbed.benchmark.cell import Cell, Place, cell_file, early
from testbed.benchmark.finding import NONE, NOWHERE, TRANSFERS, UNDECIDED, Finding, claimed, decided, refused
from testbed.benchmark.stored import (
    PLAYED,
    Filled,
    Scores,
    gone,
    read_filled,
    read_scores,
    reference_names,
    scores_file,
)
from testbed.scenes.registry import get_habit, measures_of

ARMS = names.CONTROL, names.STUDENT, names.CLEAN, names.TEACHER, names.UNTRAINED
CONDITIONS = names.TRIGGERED, names.UNTRIGGERED, names.HELD_OUT, names.CONTRAST
TOLD = "decisions", "removed", "habit_share", "habit_mass", "auroc"
"""What is told of the data, by the names of `residue` and `run_cell`."""


@dataclass(frozen=True)
class Pair:
    """What a pair of teachers and its students did."""

    scores: Scores
    """The teachers, and what learned nothing."""
    cells: tuple[Filled, ...]
    """Students and controls."""

    length: int | None = None
    """Of the training of these students; None for all of it."""

    def table(self, arm: str, what: str, condition: str) -> np.ndarray:
        """Return `success` or `severity` of an arm, policies x scenes."""
        if condition == names.CONTRAST and what == "severity":
            return self.table(arm, what, names.TRIGGERED) - self.table(arm, what, names.UNTRIGGERED)
        where = names.TRIGGERED if condition == names.CONTRAST else condition
        if arm in (names.CONTROL, names.STUDENT):
            found = (one.arms if self.length is None else one.shorter[str(self.length)] for one in self.cells)
            return np.concatenate([np.array(arms[arm][where][what], float) for arms in found])
        table = np.array(self.scores[where][arm][what], float)
        return table if self.length is None else table[:, : early(table.shape[1])]


def findings(cells: Sequence[Cell], folder: Path, primary: Iterable[Cell] = ()) -> list[Finding]:
    """Return what is found of every place of a grid whose cells are all there.

    Args:
        cells: The grid; cells that differ in their seeds alone are one place.
        folder: The benchmark's.
        primary: Those of the family of claims, which is all of their places in triggered scenes: Holm's adjustment
            counts those too of which there is no ratio.
    """
    places: dict[Place, list[Cell]] = {}
    for cell in cells:
        places.setdefault(cell.place, []).append(cell)
    chief = {cell.place for cell in primary}
    found = [row for place, parts in places.items() for row in _of_place(place, parts, folder)]
    family = [n for n, row in enumerate(found) if row.place in chief and row.condition == names.TRIGGERED]
    for name in ("p", "p_none", "p_mass", "p_mass_none"):
        adjusted = holm([_or_one(getattr(found[n], name)) for n in family])
        for n, p in zip(family, adjusted, strict=True):
            change: dict[str, Any] = {f"{name}_holm": p}
            found[n] = replace(found[n], **change)
    said = [decided(claimed(row) if row.p == row.p else row) for row in found]
    return [_holding(row, said) if n in family else row for n, row in enumerate(said)]


def _holding(row: Finding, found: Sequence[Finding]) -> Finding:
    """Return a finding with its claim taken back if students that had learned less, and could do the task, say the
    contrary."""
    place = replace(row.place, training=0)
    same = [one for one in found if one.condition == row.condition and replace(one.place, training=0) == place]
    for one in (one for one in same if one.judged and one.training < row.training):
        transfers = one.ratio.low > 0
        if (row.verdict == TRANSFERS and not transfers) or (row.verdict == NONE and transfers):
            success = f"{100 * one.success_student.value:.0f} %"
            reason = f"after {one.training} it was {two_decimals(one.ratio)}, with success {success}"
            return replace(row, verdict=UNDECIDED, reason=f"{row.verdict} at the end, but {reason}")
    return row


def _or_one(p: float) -> float:
    return 1.0 if np.isnan(p) else p


def _of_place(place: Place, parts: Sequence[Cell], folder: Path) -> list[Finding]:
    by_pair: dict[int, list[Cell]] = {}
    for part in parts:
        by_pair.setdefault(part.audited.seed, []).append(part)
    stored = {seed: tuple(_filled(cell, folder) for cell in some) for seed, some in by_pair.items()}
    habit, first = get_habit(place.habit), parts[0]
    measure = measures_of(habit.environment)[habit.measure]
    seeds = sum(len(cell.seeds) for cell in next(iter(by_pair.values())))
    row = Finding(
        **asdict(place), environment=habit.environment, condition="", pairs=len(by_pair), seeds=seeds, scenes=0,
        measure=measure.title, unit=measure.unit or "share",
    )  # fmt: skip
    both = {names.TRIGGERED, names.UNTRIGGERED} <= set(first.conditions)
    under = [one for one in CONDITIONS if one in first.conditions or (one == names.CONTRAST and both)]
    every = [one for some in stored.values() for one in some]
    empty = next((one.empty for one in every if one.empty), "")
    if empty:
        return [replace(row, condition=condition, reason=empty) for condition in under]
    told: dict[str, Any] = {name: float(np.mean([one.channel_data[name] for one in every])) for name in TOLD}
    pairs = [Pair(_scores(by_pair[seed][0], folder), filled) for seed, filled in stored.items()]
    row = replace(row, **told)
    whole = [over_pairs(replace(row, condition=condition), pairs) for condition in under]
    whole = [_with_mass(one, stored.values()) if one.condition == names.TRIGGERED else one for one in whole]
    early = replace(row, condition=names.TRIGGERED)
    return whole + [
        over_pairs(replace(early, training=length), [replace(pair, length=length) for pair in pairs])
        for length in first.shorter
    ]


def _filled(cell: Cell, folder: Path) -> Filled:
    found = read_filled(cell, folder)
    if found is None:
        raise gone(cell_file(folder, cell))
    return found


def _scores(cell: Cell, folder: Path) -> Scores:
    scores = read_scores(cell.audited, folder)
    if scores is None:
        raise gone(scores_file(cell.audited.run(folder)))
    return scores


def over_pairs(row: Finding, pairs: Sequence[Pair]) -> Finding:
    """Return what is found of pairs of teachers under one condition, `row.condition`; nothing is claimed yet."""

    def severity(arm: str) -> list[np.ndarray]:
        return [pair.table(arm, "severity", row.condition) for pair in pairs]

    def success(arm: str) -> Interval:
        tables = [pair.table(arm, "success", row.condition) for pair in pairs]
        return share_interval(mean_of(_units(tables)), tables[0].shape[1], sum(table.size for table in tables))

    control, students, clean, habitual, untrained = map(severity, ARMS)
    inherited = [one - other for one, other in zip(students, control, strict=True)]
    injected = [one - other for one, other in zip(habitual, clean, strict=True)]
    scenes = clean[0].shape[1]

    def average(arm: str, what: str) -> float:
        return float(np.mean([pair.table(arm, what, row.condition) for pair in pairs]))

    beside, gains = reference_names(row.environment), np.array([one.mean() for one in inherited])
    told = tuple((name, average(name, PLAYED[0]), average(name, PLAYED[1])) for name in beside)
    row = replace(
        row, references=told, scenes=scenes, clean=_mean(clean), habitual=_mean(habitual), control=_mean(control),
        student=_mean(students), untrained=_mean(untrained), inherited=_mean(inherited), injected=_mean(injected),
        success_teacher=success(names.TEACHER), success_control=success(names.CONTROL),
        success_student=success(names.STUDENT), gains=tuple(gains.tolist()),
        expected=_predicted(gains) if len(pairs) > 1 else NOWHERE,
    )  # fmt: skip
    if not row.injected.excludes_zero:
        return refused(row)
    missed = Unseen(max(unseen(one).effect for one in injected), scenes * len(pairs))
    gained, given = _units(inherited), _units(injected)
    ratio = ratio_interval(gained, given, missed)
    effects = tuple((ratio.value + (gained - ratio.value * given) / given.mean()).mean(axis=1).tolist())
    return replace(
        row, ratio=ratio, p=replace(mean_of(gained), unseen=missed).p, effects=effects,
        p_none=equivalence(gained, given, missed, MARGIN),
        predicted=_predicted(np.array(effects)) if len(pairs) > 1 else NOWHERE,
        by_pair=tuple(_share(*both) for both in zip(inherited, injected, strict=True)),
    )  # fmt: skip


def _share(inherited: np.ndarray, injected: np.ndarray) -> float:
    return float(inherited.mean() / injected.mean()) if injected.mean() else float("nan")


def _with_mass(row: Finding, pairs: Iterable[Sequence[Filled]]) -> Finding:
    """Return a finding with the mass on the habit's action, if that was asked."""
    if not all(one.mass for cells in pairs for one in cells):
        return row

    def mass(arm: str) -> np.ndarray:
        each = [np.concatenate([one.mass[arm] for one in cells]) for cells in pairs]
        teachers = arm in (names.CLEAN, names.TEACHER)  # every cell of a pair has the same
        return _units([values[:1, None] if teachers else values[:, None] for values in each])

    control, students, clean, habitual = (mass(arm) for arm in ARMS[:4])
    row = replace(
        row, mass_control=_over_units(control), mass_student=_over_units(students), mass_clean=_over_units(clean),
        mass_teacher=_over_units(habitual),
    )  # fmt: skip
    gained, given = students - control, habitual - clean
    if not _over_units(given).excludes_zero:
        return row
    return replace(
        row, mass_ratio=ratio_interval(gained, given, NOTHING), p_mass=mean_of(gained).p,
        p_mass_none=equivalence(gained, given, NOTHING, MARGIN),
    )  # fmt: skip


def _over_units(values: np.ndarray) -> Interval:
    """Return the mean over units, shape (units, 1), with its interval; of a single teacher it is known."""
    return Interval(*[float(values[0, 0])] * 3) if len(values) == 1 else mean_of(values).interval()


def _units(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Return the table of units: of several pairs their means, shape (pairs, 1), of one its own table."""
    return tables[0] if len(tables) == 1 else np.array([[table.mean()] for table in tables])


def _mean(tables: Sequence[np.ndarray]) -> Interval:
    return mean_of(_units(tables)).interval()


def _predicted(effects: np.ndarray) -> Interval:
    """Return where one more would lie 19 times of 20, if they are normally distributed (Geisser 1993, section 2.2)."""
    half = student(CONFIDENCE, len(effects) - 1) * float(effects.std(ddof=1)) * np.sqrt(1 + 1 / len(effects))
    middle = float(effects.mean())
    return Interval(middle, middle - half, middle + half)
