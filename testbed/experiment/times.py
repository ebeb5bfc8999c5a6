"""How long students took to make, kept beside their curves: in no lineage, for it is another on every machine."""

from __future__ import annotations

import json
from pathlib import Path

from testbed.files import write_text

FILE = "time.json"
"""Name of the file beside a curve."""


def write_time(curve: Path, seconds: float) -> None:
    """Put how long the students of a curve took beside it [s]."""
    write_text(curve / FILE, json.dumps({"seconds": round(seconds, 1)}) + "\n")


def read_time(curves: Path) -> float:
    """Return how long all students whose curves are in a folder took, summed [s]."""
    return sum(json.loads(file.read_text())["seconds"] for file in sorted(curves.rglob(FILE)))
