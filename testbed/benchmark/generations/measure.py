"""The whole experiment on generations: teachers, lines of every pair, and what is left."""

from __future__ import annotations

from pathlib import Path

from testbed.benchmark.engines import Cluster
from testbed.benchmark.generations.design import Design
from testbed.benchmark.generations.effects import Left, generations, read_descended
from testbed.benchmark.generations.piece import Piece, descend
from testbed.benchmark.pieces import do_pieces


def measure_generations(design: Design, seed: int, folder: Path, cluster: Cluster) -> list[Left]:
    """Do what is missing of the experiment and return all that is found."""
    pieces = [Piece(design, habit, pair, seed) for habit in design.habits for pair in range(design.pairs)]
    do_pieces("lines of descent", pieces, descend, read_descended, folder, cluster)
    return generations(design, seed, folder)
