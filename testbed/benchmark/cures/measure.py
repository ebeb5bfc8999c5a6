"""The whole experiment on cures: teachers, cured students of every pair, and what is found."""

from __future__ import annotations

from pathlib import Path

from testbed.benchmark.cures.design import Design
from testbed.benchmark.cures.effects import Cured, cured, read_cured
from testbed.benchmark.cures.given import require_others
from testbed.benchmark.cures.piece import Piece, cure
from testbed.benchmark.engines import Cluster
from testbed.benchmark.pieces import do_pieces


def measure_cures(design: Design, seed: int, folder: Path, cluster: Cluster) -> list[Cured]:
    """Do what is missing of the experiment and return all that is found."""
    require_others(design.pairs)
    pieces = [Piece(design, habit, pair, seed) for habit in design.habits for pair in range(design.pairs)]
    do_pieces("cure students", pieces, cure, read_cured, folder, cluster)
    return cured(design, seed, folder)
