"""Experiments whose work is one piece a pair of teachers: teachers are made, then the pieces that are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from testbed.benchmark.cell import SharedTeachers
from testbed.benchmark.engines import Cluster
from testbed.benchmark.sweep import Job, sweep
from testbed.benchmark.transfer import make_teachers


class Piece(Protocol):
    """The work of one pair of teachers."""

    @property
    def shared(self) -> SharedTeachers:
        """Its teachers."""
        ...

    def file(self, folder: Path) -> Path:
        """Return where what is found is kept."""
        ...


One = TypeVar("One", bound=Piece)


def do_pieces(
    title: str, pieces: Sequence[One], work: Callable[..., None], read: Callable[[One, Path], Any], folder: Path,
    cluster: Cluster,
) -> None:  # fmt: skip
    """Do what is missing of some pieces.

    Args:
        title: What is done.
        pieces: All of them; one costs as much as any other.
        work: Does one piece, called with it and `folder`.
        read: Returns what was found of a piece, or None where that is not whole.
        folder: The benchmark's.
        cluster: Where.
    """
    make_teachers({one.shared: () for one in pieces}, folder, cluster)
    file, whole = partial(_file, folder), partial(_is_whole, read, folder)
    sweep(Job(title, pieces, partial(work, folder=folder), file, _same, whole), cluster)


def _file(folder: Path, piece: Piece) -> Path:
    return piece.file(folder)


def _is_whole(read: Callable[[One, Path], Any], folder: Path, piece: One) -> bool:
    return read(piece, folder) is not None


def _same(piece: Piece) -> float:
    """Return what a piece costs: as much as any other."""
    return 1.0
