"""The folder that a run or a benchmark keeps everything in: known as such, locked, and swept when it is begun."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.files import Kind, require_replaceable, sweep, write_text
from testbed.locks import locked
from testbed.records import record_or_none

MARK = "testbed.json"
"""File that says what the folder is."""
IGNORED = frozenset({MARK, ".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Holding:
    """What a folder is for."""

    name: str
    """With its article, for example `a run`."""
    names: frozenset[str]
    """What lies in it."""
    always: frozenset[str]
    """Each has one of these; those without a mark, as in 0.6.0, are known by it."""

    def recognises(self, folder: Path) -> bool:
        """Return whether a folder is one of these: by its mark, or, where that is missing or damaged, because it holds
        nothing else."""
        found = record_or_none(folder / MARK, dict[str, str])
        if found is not None:
            return found == {"testbed": self.name}
        names = {part.name for part in folder.iterdir()} - IGNORED if folder.is_dir() else set()
        return bool(self.always & names) and names <= self.names

    @property
    def mark(self) -> str:
        """What its mark says."""
        return json.dumps({"testbed": self.name}) + "\n"


RUN = Holding(
    "a run",
    frozenset(
        {"demonstrations", "policies", "audit", "videos", "curves", "bases", "teachers", "audit.json", "report.html"}
    ),
    frozenset({"demonstrations"}),
)
BENCHMARK = Holding(
    "a transfer benchmark",
    frozenset(
        {
            "teachers",
            "schools",
            "cells",
            "silent",
            "queue",
            "transfer.csv",
            "transfer.parquet",
            "transfer.html",
            "silent.csv",
            "silent.html",
        }
    ),
    frozenset({"teachers", "schools"}),  # the latter until 0.7.0
)


@contextmanager
def occupied(folder: Path, holding: Holding) -> Iterator[None]:
    """Hold a folder while a `with` block fills it; what ended processes left half-written in it is removed.

    A link to a folder is followed: runs may lie on another disk.

    Raises:
        UserError: if the folder holds something else, or another process fills it.
    """
    place = folder.resolve() if folder.is_dir() else folder
    require_replaceable(place, Kind(holding.name, holding.recognises))
    with locked(place):
        sweep(place, alone=True)
        if record_or_none(place / MARK, dict[str, str]) is None:
            write_text(place / MARK, holding.mark)
        yield
