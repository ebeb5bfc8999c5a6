"""How long students took to make, kept beside their curves: in no lineage, for it is another on every machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from testbed.files import write_text
from testbed.records import record_or_none

FILE = "time.json"
"""Name of the file beside a curve."""


@dataclass(frozen=True)
class _Time:
    """What the file holds."""

    seconds: float


def write_time(curve: Path, seconds: float) -> None:
    """Put how long the students of a curve took beside it [s]."""
    write_text(curve / FILE, json.dumps({"seconds": round(seconds, 1)}) + "\n")


def read_time(curves: Path) -> float | None:
    """Return how long all students whose curves are in a folder took, summed [s]; None where that of some is lost."""
    taken = [record_or_none(file, _Time) for file in sorted(curves.rglob(FILE))]
    known = [one.seconds for one in taken if one]
    return sum(known) if len(known) == len(taken) else None
