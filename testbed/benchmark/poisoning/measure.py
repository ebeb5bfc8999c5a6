"""The whole experiment on poison: teachers, students of every pair, and what is found."""

from __future__ import annotations

from pathlib import Path

from testbed.benchmark.engines import Cluster
from testbed.benchmark.pieces import do_pieces
from testbed.benchmark.poisoning.design import Design
from testbed.benchmark.poisoning.effects import Effect, effects, read_poisoned
from testbed.benchmark.poisoning.piece import Piece, poison


def measure_poison(design: Design, seed: int, folder: Path, cluster: Cluster) -> list[Effect]:
    """Do what is missing of the experiment and return all that is found."""
    pieces = [Piece(design, habit, pair, seed) for habit in design.habits for pair in range(design.pairs)]
    do_pieces("poison students", pieces, poison, read_poisoned, folder, cluster)
    return effects(design, seed, folder)
