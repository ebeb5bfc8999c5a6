"""The whole experiment on what catches what: teachers, the attacks on every pair, and what was caught."""

from __future__ import annotations

from pathlib import Path

from testbed.benchmark.catching.design import Design
from testbed.benchmark.catching.effects import Attacked, attacked, read_caught
from testbed.benchmark.catching.piece import Piece, attack
from testbed.benchmark.engines import Cluster
from testbed.benchmark.pieces import do_pieces


def measure_catching(design: Design, seed: int, folder: Path, cluster: Cluster) -> list[Attacked]:
    """Do what is missing of the experiment and return all that is found."""
    pieces = [Piece(design, habit, pair, seed) for habit in design.habits for pair in range(design.pairs)]
    do_pieces("attacks", pieces, attack, read_caught, folder, cluster)
    return attacked(design, seed, folder)
