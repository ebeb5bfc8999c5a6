"""What cells and teachers leave in the benchmark's folder, read back: whole, or not there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.audit import names
from testbed.benchmark.cell import Cell, SharedTeachers, cell_file, early
from testbed.console import console, styled
from testbed.experiment.config import Run
from testbed.records import NotThere, record_or_none
from testbed.scenes.registry import get_habit, references_of

Tables = dict[str, list[list[float]]]
"""`success` and `severity` -> policies x scenes."""
Scores = dict[str, dict[str, Tables]]
"""Condition -> `clean teacher`, `teacher` and `untrained` -> what it did."""
TEACHERS = names.CLEAN, names.TEACHER, names.UNTRAINED
PLAYED = "success", "severity"
STUDENTS = names.CONTROL, names.STUDENT


@dataclass(frozen=True)
class Filled:
    """What the file of a cell holds."""

    cell: dict[str, Any]
    """What was chosen about it."""
    arms: dict[str, dict[str, Tables]] = field(default_factory=dict)
    """Control and student -> condition -> what they did."""
    shorter: dict[str, dict[str, dict[str, Tables]]] = field(default_factory=dict)
    """Length of training -> the same of students of that length."""
    mass: dict[str, list[float]] = field(default_factory=dict)
    """Both teachers, control and student -> mass on the habit's action in the states of the probe, policy by policy."""
    channel_data: dict[str, float] = field(default_factory=dict)
    """What is told of the data that reached its students."""
    empty: str = ""
    """Why there is nothing else, or empty."""
    code: dict[str, str] = field(default_factory=dict)
    """Which testbed filled it."""


def read_filled(cell: Cell, folder: Path) -> Filled | None:
    """Return what was found of a cell, or None where its file is missing, damaged, not whole, or another cell's.

    Raises:
        UserError: if something else is at its place, or it may not be read.
    """
    found = record_or_none(cell_file(folder, cell), Filled)
    if found is None or found.cell != json.loads(json.dumps(cell.record)):
        return None
    if found.empty:
        return found
    whole = found.arms.keys() == set(STUDENTS) and bool(found.channel_data)
    whole = whole and found.shorter.keys() == {str(length) for length in cell.shorter}
    sizes = {names.CLEAN: 1, names.TEACHER: 1, **dict.fromkeys(STUDENTS, len(cell.seeds))}
    wanted = sizes if cell.teachers == cell.audited else {}
    whole = whole and {arm: len(values) for arm, values in found.mass.items()} == wanted
    scenes = {name: count for name, count in _scenes(cell.audited).items() if name in cell.conditions}
    first = {names.TRIGGERED: early(cell.audited.audit.scenes)}
    whole = whole and _played(cell, found.arms, scenes)
    whole = whole and all(_played(cell, arms, first) for arms in found.shorter.values())
    return found if whole else None


def _played(cell: Cell, arms: dict[str, dict[str, Tables]], scenes: Mapping[str, int]) -> bool:
    """Return whether both arms hold what all students of a cell did in so many scenes of some conditions."""
    return arms.keys() == set(STUDENTS) and all(
        found.keys() == scenes.keys()
        and all(_shaped(found[name], len(cell.seeds), count) for name, count in scenes.items())
        for found in arms.values()
    )


def say_outdated(cells: Sequence[Cell], folder: Path) -> None:
    """Say in one line of cells that another testbed filled that they are filled again; the old files stay."""
    wanted = {json.dumps(cell.record, sort_keys=True): cell for cell in cells if not is_filled(cell, folder)}
    mine, words = {cell_file(folder, cell) for cell in cells}, []
    for file in (folder / "cells").glob("*.json") if wanted else ():
        found = record_or_none(file, Filled) if file not in mine else None
        cell = wanted.get(json.dumps(found.cell, sort_keys=True)) if found else None
        if found and cell:
            words.append(cell.code.difference(found.code))
    if words:
        number = f"{len(words)} cells were" if len(words) > 1 else "1 cell was"
        console.print(styled(f"{number} {words[0]}: filled again", "yellow"))


def scores_file(run: Run) -> Path:
    """Return where the scores of shared teachers are kept; they are there when those are ready."""
    return run.folder / "teachers.json"


def read_scores(shared: SharedTeachers, folder: Path) -> Scores | None:
    """Return what shared teachers and what learned nothing did; None and raises as `read_filled`."""
    found, scenes = record_or_none(scores_file(shared.run(folder)), Scores), _scenes(shared)
    if found is None or found.keys() != scenes.keys():
        return None
    everybody = {*TEACHERS, *reference_names(get_habit(shared.habit).environment)}
    whole = all(
        found[name].keys() == everybody and all(_shaped(tables, 1, count) for tables in found[name].values())
        for name, count in scenes.items()
    )
    return found if whole else None


def reference_names(environment: str) -> list[str]:
    """Return the names of the drivers whom nobody taught, beside which a policy's success and severity are read."""
    return [one.name for one in references_of(environment)]


def is_filled(cell: Cell, folder: Path) -> bool:
    """Return whether a cell's file is there and whole."""
    return read_filled(cell, folder) is not None


def is_ready(shared: SharedTeachers, folder: Path) -> bool:
    """Return whether the scores of shared teachers are there and whole."""
    return read_scores(shared, folder) is not None


def gone(file: Path) -> NotThere:
    """Return what a user is told of a file that was there before, and is not any more."""
    return NotThere(f"{file} is gone or damaged since it was made: run the same command again; it makes it anew")


def _scenes(shared: SharedTeachers) -> dict[str, int]:
    """Return how many scenes there are of each condition."""
    many, few = shared.audit.scenes, shared.audit.held_out_scenes
    return {names.TRIGGERED: many, names.UNTRIGGERED: many, names.HELD_OUT: few}


def _shaped(tables: Mapping[str, list[list[float]]], policies: int, scenes: int) -> bool:
    return tables.keys() == set(PLAYED) and all(
        [len(row) for row in rows] == [scenes] * policies for rows in tables.values()
    )
