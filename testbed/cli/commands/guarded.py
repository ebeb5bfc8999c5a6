"""A guard at the command line: what it watches, and what becomes of students that it takes for bad."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from testbed.console import console, styled
from testbed.distillation.journal import Journal
from testbed.errors import UserError
from testbed.guard.guard import Guard, Suspicious, moments
from testbed.guard.journal import Watched, looks_told
from testbed.lineage import content_hash
from testbed.policies.loaders import load_fitting
from testbed.policies.network import NetworkPolicy

NOTHING = "nothing"
"""What a guard does to students that it lets pass."""
Make = Callable[[bool, Journal], list[NetworkPolicy]]
"""(whether with the cure, journal) -> students."""


@dataclass(frozen=True)
class Guarding:
    """A guard that is asked for; see `testbed distil --help`."""

    measure: str | None = None
    """Name of the measure that is watched; nobody watches if not given."""
    references: tuple[Path, ...] = ()
    """Folders of policies that are known to be clean."""

    def guard(self, environment: str, seed: int, context: Mapping[str, str]) -> Guard | None:
        """Return the guard, or None; raises `UserError` if half of it is given, or as `Guard`."""
        if self.measure is None and not self.references:
            return None
        if self.measure is None or not self.references:
            raise UserError("a guard watches a measure beside references: give both --guard and --references")
        references = [load_fitting(one, environment)[0] for one in self.references]
        return Guard(environment, self.measure, references, seed=seed, context=context)

    def inputs(self) -> dict[str, str]:
        """Return whom it watches beside, by content."""
        return {f"reference {number}": content_hash(one) for number, one in enumerate(self.references)}


def watched(
    guard: Guard, make: Make, curable: str | None, length: int, journal: Journal
) -> tuple[list[NetworkPolicy], dict[str, object]]:
    """Return students that a guard lets pass, and what their lineage says of it; ends the program with exit code 1 if
    there are none.

    Args:
        guard: Who watches.
        make: Makes students; without the cure at first.
        curable: Name of the cure that bad ones are made anew with; none if None.
        length: Of their training, as its journal counts it.
        journal: Of the training.
    """
    told: dict[str, object] = {"measure": guard.measure.name, "rule": repr(guard.rule)}
    try:
        students = make(False, Watched(journal, guard, moments(length)))
        return students, {"guard": {**told, "looks": looks_told(guard), "did": NOTHING}}
    except Suspicious as found:
        console.print(styled("the guard:", "bold"), found.look.words)
        if curable is None:
            _stopped("give a --cure to make students anew with, or look into the data: testbed audit")
    journal = Journal(journal.folder, f"{journal.recipe} cured", journal.on_progress)
    students = make(True, journal)
    try:
        for student in students:
            guard.require(student, length)
    except Suspicious as found:
        console.print(styled("the guard:", "bold"), f"cured by {curable}, {found.look.words}")
        _stopped(f"{curable} is not enough: choose another cure")
    console.print(f"cured by {curable}, and not taken for bad any more")
    return students, {"guard": {**told, "looks": looks_told(guard), "did": f"cured by {curable}"}}


def is_spared(told: Mapping[str, object]) -> bool:
    """Return whether a guard let students pass, so that no cure was used, whichever was given."""
    seen = told.get("guard")
    return isinstance(seen, dict) and seen["did"] == NOTHING


def _stopped(mend: str) -> NoReturn:
    console.print(f"stopped, and no student was kept: {mend}")
    sys.exit(1)
