"""The whole crossed experiment: teachers, students of every pair, and what is found."""

from __future__ import annotations

from pathlib import Path

from testbed.benchmark.engines import Cluster
from testbed.benchmark.pieces import do_pieces
from testbed.benchmark.silent.crossed import Piece, cross
from testbed.benchmark.silent.design import Design
from testbed.benchmark.silent.effects import Effect, effects, read_crossed


def measure_silently(design: Design, seed: int, folder: Path, cluster: Cluster) -> list[Effect]:
    """Do what is missing of the experiment and return all that is found."""
    pieces = [Piece(design, habit, pair, seed) for habit in design.habits for pair in range(design.pairs)]
    do_pieces("cross states and targets", pieces, cross, read_crossed, folder, cluster)
    return effects(design, seed, folder)
