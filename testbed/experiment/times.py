"""How long students took to make, kept beside them: in no lineage, for it is another on every machine."""

from __future__ import annotations

import json
from pathlib import Path

from testbed.lineage import write_text

FILE = "times.json"
"""Name of the file in a run's folder."""


def add_times(folder: Path, taken: dict[str, float]) -> None:
    """Put how long routes took [s], summed over processes, beside what is known of others."""
    write_text(folder / FILE, json.dumps(read_times(folder) | taken, indent=1, sort_keys=True) + "\n")


def read_times(folder: Path) -> dict[str, float]:
    """Return how long each route took [s]; nothing is known of a run without the file."""
    file = folder / FILE
    return json.loads(file.read_text()) if file.is_file() else {}
