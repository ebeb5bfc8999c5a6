"""The whole experiment on poison: teachers, students of every pair, and what is found."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from testbed.benchmark.engines import Cluster
from testbed.benchmark.poisoning.design import Design
from testbed.benchmark.poisoning.effects import Effect, effects, read_poisoned
from testbed.benchmark.poisoning.piece import Piece, poison
from testbed.benchmark.sweep import Job, sweep
from testbed.benchmark.transfer import make_teachers


def measure_poison(design: Design, seed: int, folder: Path, cluster: Cluster) -> list[Effect]:
    """Do what is missing of the experiment and return all that is found."""
    pieces = [Piece(design, habit, pair, seed) for habit in design.habits for pair in range(design.pairs)]
    make_teachers({design.teachers(one.habit, one.pair, seed): () for one in pieces}, folder, cluster)
    work, file, whole = partial(poison, folder=folder), partial(_file, folder), partial(_is_whole, folder)
    sweep(Job("poison students", pieces, work, file, _same, whole), cluster)
    return effects(design, seed, folder)


def _file(folder: Path, piece: Piece) -> Path:
    return piece.file(folder)


def _is_whole(folder: Path, piece: Piece) -> bool:
    return read_poisoned(piece, folder) is not None


def _same(piece: Piece) -> float:
    """Return what a piece costs: as much as any other."""
    return 1.0
