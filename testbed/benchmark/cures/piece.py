"""Make the cured students of one pair of teachers, and see what they do, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from testbed.audit import names
from testbed.benchmark import pieces
from testbed.benchmark.cures.design import PARTNERS, Design
from testbed.benchmark.cures.given import Given
from testbed.benchmark.cures.students import students
from testbed.benchmark.cures.trials import scenes_of, tried
from testbed.benchmark.teachers import Teachers, audited_scenes, open_teachers, played
from testbed.cures.cure import Cure
from testbed.files import write_text
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Scenario
from testbed.seeding import student_seed


@dataclass(frozen=True)
class Did:
    """What the student of an arm did: means over scenes."""

    severity: float
    """In triggered scenes, the habit's measure; where another habit was taught too, of which the cure is not told, the
    measure of that one in its own triggered scenes."""
    success: float
    """Share of triggered and untriggered scenes in which the task was done."""
    seconds: float
    """That it took to make it, on one core."""
    told: int
    """Clean decisions that the cure was given."""
    trials: Mapping[str, float]
    """Trial -> severity; none where nothing was tried."""


@dataclass(frozen=True)
class Piece(pieces.Piece[Design]):
    """The work of one pair of teachers."""

    def file(self, folder: Path) -> Path:
        """Return where what is found is kept."""
        design = self.design
        chosen = {
            "arms": [asdict(one) for one in design.arms(self.habit)], "width": design.width,
            "amounts": [design.scenes, design.shown, design.relearnt],
        }  # fmt: skip
        cures = sorted({type(one.what).__module__ for one in design.arms(self.habit) if one.what})
        return self.named(
            folder, "cures", chosen, __name__, Given.__module__, tried.__module__, Cure.__module__, *cures
        )


def cure(piece: Piece, folder: Path) -> None:
    """Write the file of a piece: what the students of all arms did."""
    given = open_given(piece, folder)
    arms = piece.design.arms(piece.habit)
    made = students(given, arms)
    severity, success = _did(given, [made[arm].policy for arm in arms])
    other = [n for n, arm in enumerate(arms) if arm.taught == "both"]
    told = _did_otherwise(given, [made[arms[n]].policy for n in other]) if other else []
    for n, value in zip(other, told, strict=True):
        severity[n] = value
    robust = [arm for arm in arms if arm.tried]
    found = tried(given, [made[arm].policy for arm in robust], [student_seed(given.seed, 0)] * len(robust))
    trials = {arm: {name: row[n] for name, row in found.items()} for n, arm in enumerate(robust)}
    did = [
        Did(severity[n], success[n], made[arm].seconds, len(given.known(arm).clean or ()), trials.get(arm, {}))
        for n, arm in enumerate(arms)
    ]
    write_text(piece.file(folder), json.dumps([asdict(one) for one in did]))


def open_given(piece: Piece, folder: Path) -> Given:
    """Return what a piece is given."""
    design = piece.design

    def opened(habit: str, further: int = 0) -> Teachers:
        return open_teachers(design.teachers(habit, piece.pair + further, piece.seed), folder)

    partner = PARTNERS.get(piece.habit)
    other = opened(partner) if partner in design.habits and partner else None
    return Given(design, opened(piece.habit), tuple(opened(piece.habit, more) for more in (1, 2)), other)


def _did(given: Given, policies: list[NetworkPolicy]) -> tuple[list[float], list[float]]:
    """Return severity in triggered scenes and success in these and in untriggered ones, policy by policy."""
    scenes, count = audited_scenes(given.teachers.run), scenes_of(given)
    found = {name: played(given.teachers.run, scenes[name][:count], policies)
             for name in (names.TRIGGERED, names.UNTRIGGERED)}  # fmt: skip
    severity = [float(np.mean(row)) for row in found[names.TRIGGERED]["severity"]]
    both = zip(*(tables["success"] for tables in found.values()), strict=True)
    return severity, [float(np.mean(rows)) for rows in both]


def _did_otherwise(given: Given, policies: list[NetworkPolicy]) -> list[float]:
    """Return the severity of another habit in its own triggered scenes."""
    assert given.other
    scenes: list[Scenario] = audited_scenes(given.other.run)[names.TRIGGERED][: scenes_of(given)]
    return [float(np.mean(row)) for row in played(given.other.run, scenes, policies)["severity"]]
