"""What is left of a habit, generation by generation, over pairs of teachers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from testbed.audit.ratio import ratio_interval
from testbed.audit.result import Interval
from testbed.audit.statistics import NOTHING, mean_of, rate_interval
from testbed.benchmark.finding import ABLE, NOWHERE
from testbed.benchmark.generations.design import Design, Line
from testbed.benchmark.generations.piece import Piece
from testbed.benchmark.pieces import require, teachers_did
from testbed.protocols.pair import Pair
from testbed.records import record_or_none
from testbed.scenes.registry import get_habit, measures_of

Tables = dict[str, list[list[float]]]
"""`success` and `severity` -> lines x scenes; `mass` and `told` -> lines x 1."""
HELD = {"success", "severity", "mass", "told"}


@dataclass(frozen=True)
class Left:
    """A generation of a line of descent, over pairs of teachers."""

    habit: str
    """Habit."""
    route: str
    """How each generation learns."""
    width: int
    """Units of its hidden layers."""
    triggered: bool
    """Whether parents acted under the trigger too."""
    generation: int
    """1 for students of the teacher."""
    pairs: int
    """Pairs of teachers."""
    unit: str
    """Of severity."""
    severity: Interval
    """Of the line that began with the habit."""
    ratio: Interval
    """What it does more than the same line from the clean teacher, as a share of teacher - clean teacher."""
    success: float
    """Its success, as a share of the teacher's."""
    control: float
    """That of the line from the clean teacher."""
    mass: Interval
    """How likely it is to do what the habit does where it shows, less the other line."""
    told: Interval
    """How often a student is nearer to its own parent than to any other candidate, both lines."""
    by_pair: tuple[float, ...]
    """The ratio, pair by pair."""

    @property
    def able(self) -> bool:
        """Whether this line and its control can do the task."""
        return min(self.success, self.control) >= ABLE


def generations(design: Design, seed: int, folder: Path) -> list[Left]:
    """Return what every generation of every line does."""
    return [one for habit in design.habits for one in _of_habit(design, habit, seed, folder)]


def _of_habit(design: Design, habit: str, seed: int, folder: Path) -> list[Left]:
    pieces = [Piece(design, habit, pair, seed) for pair in range(design.pairs)]
    found = [require(read_descended, piece, folder) for piece in pieces]
    teachers = [teachers_did(piece, folder, design.scenes) for piece in pieces]
    places = {line: n for n, line in enumerate(design.lines)}
    return [
        _left(habit, line, number, (n, places[line.control]), [one[number] for one in found], teachers)
        for line, n in places.items()
        if line.habitual
        for number in range(design.generations)
    ]


def read_descended(piece: Piece, folder: Path) -> list[Tables] | None:
    """Return what was found of a piece, or None where its file is missing, damaged or not whole."""
    found = record_or_none(piece.file(folder), list[Tables])
    if found is None or len(found) != piece.design.generations or any(one.keys() != HELD for one in found):
        return None
    sizes = {len(rows) for one in found for rows in one.values()}
    return found if sizes == {len(piece.design.lines)} else None


def _left(
    habit: str, line: Line, number: int, places: tuple[int, int], found: Sequence[Tables],
    teachers: Sequence[Pair[np.ndarray]],
) -> Left:  # fmt: skip
    own, beside = places

    def means(what: str, n: int) -> np.ndarray:
        return np.array([[np.mean(tables[what][n])] for tables in found])

    gained = means("severity", own) - means("severity", beside)
    given = np.array([[(one.habitual[0] - one.clean[0]).mean()] for one in teachers])
    able = float(np.mean([one.habitual[1].mean() for one in teachers]))
    differ = mean_of(given).interval().excludes_zero
    scene = get_habit(habit)
    return Left(
        habit, line.route, line.width, line.triggered, number + 1, len(found),
        measures_of(scene.environment)[scene.measure].unit or "share",
        severity=mean_of(means("severity", own)).interval(),
        ratio=ratio_interval(gained, given, NOTHING) if differ else NOWHERE,
        success=float(means("success", own).mean()) / able, control=float(means("success", beside).mean()) / able,
        mass=mean_of(means("mass", own) - means("mass", beside)).interval(),
        told=rate_interval(((means("told", own) + means("told", beside)) / 2).T),  # pairs are drawn, one by one
        by_pair=tuple(float(one) for one in (gained / given)[:, 0]) if differ else (),
    )  # fmt: skip
