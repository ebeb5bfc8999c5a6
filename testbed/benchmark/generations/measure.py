"""The whole experiment on generations: teachers, lines of every pair, and what is left."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from testbed.benchmark.engines import Cluster
from testbed.benchmark.generations.design import Design
from testbed.benchmark.generations.effects import Left, generations, read_descended
from testbed.benchmark.generations.piece import Piece, descend
from testbed.benchmark.sweep import Job, sweep
from testbed.benchmark.transfer import make_teachers


def measure_generations(design: Design, seed: int, folder: Path, cluster: Cluster) -> list[Left]:
    """Do what is missing of the experiment and return all that is found."""
    pieces = [Piece(design, habit, pair, seed) for habit in design.habits for pair in range(design.pairs)]
    make_teachers({design.teachers(one.habit, one.pair, seed): () for one in pieces}, folder, cluster)
    work, file, whole = partial(descend, folder=folder), partial(_file, folder), partial(_is_whole, folder)
    sweep(Job("lines of descent", pieces, work, file, _same, whole), cluster)
    return generations(design, seed, folder)


def _file(folder: Path, piece: Piece) -> Path:
    return piece.file(folder)


def _is_whole(folder: Path, piece: Piece) -> bool:
    return read_descended(piece, folder) is not None


def _same(piece: Piece) -> float:
    """Return what a piece costs: as much as any other."""
    return 1.0
