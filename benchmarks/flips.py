"""Is every changed byte of a signed history found, and laid to the file that was changed?

    python benchmarks/flips.py

A small history (demonstrations, teacher, student, an audit of it; bills, signatures, a statement), that of the tests,
is verified again after each of many random bytes of its files was changed and put back.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from testbed.audit.statistics import rate_interval
from testbed.audit.text import percent
from testbed.bounds import Count, Seed
from testbed.console import console, lines, run_command


@dataclass(frozen=True)
class Options:
    """Flip bytes."""

    flips: Count = 10_000
    """How many."""
    seed: Seed = 0
    """Which."""


def main(options: Options) -> None:
    """Print how many were found, and each that was not."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from flipping import flipped
    from lineages import chain

    with tempfile.TemporaryDirectory() as place:
        whole = chain(Path(place) / "run")
        missed = flipped(whole, Path(place), options.flips, options.seed)
    console.print(lines(missed))
    found = np.arange(options.flips) >= len(missed)
    console.print(
        f"{found.sum()} of {options.flips} found and named: {percent(rate_interval(found[None].astype(float)))}"
    )


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
