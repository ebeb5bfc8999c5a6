"""Experiments whose work is one piece a pair of teachers: teachers are made, then the pieces that are missing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from testbed.audit import names
from testbed.benchmark.cell import SharedTeachers
from testbed.benchmark.engines import Cluster
from testbed.benchmark.stored import gone, read_scores
from testbed.benchmark.sweep import Job, sweep
from testbed.benchmark.teachers import Teachers, audited_scenes, played
from testbed.benchmark.transfer import make_teachers
from testbed.errors import UserError
from testbed.lineage import Lineage, text_hash
from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.protocols.pair import Pair


class Design(Protocol):
    """How much there is of everything."""

    def teachers(self, habit: str, pair: int, seed: int) -> SharedTeachers:
        """Return the teachers of a pair."""
        ...


D = TypeVar("D", bound=Design)
Found = TypeVar("Found")


@dataclass(frozen=True)
class Piece(ABC, Generic[D]):
    """The work of one pair of teachers."""

    design: D
    """The experiment."""
    habit: str
    """The habit of one of them."""
    pair: int
    """Number of the pair."""
    seed: int
    """The benchmark's."""

    @property
    def shared(self) -> SharedTeachers:
        """Its teachers."""
        return self.design.teachers(self.habit, self.pair, self.seed)

    @abstractmethod
    def file(self, folder: Path) -> Path:
        """Return where what is found is kept."""

    def named(self, folder: Path, experiment: str, chosen: Mapping[str, object], *modules: str) -> Path:
        """Return the file of a piece: its name is the hash of all that is chosen, and of what computes it.

        Args:
            folder: The benchmark's.
            experiment: Its folder in there.
            chosen: Everything that is chosen but the teachers.
            modules: Those of the experiment whose sources compute what is found.
        """
        shared = self.shared
        told = {**chosen, "teachers": asdict(shared), "sources": _sources(modules)}
        recipe = Lineage(experiment, shared.seed, told, code=shared.code())
        return folder / experiment / f"{self.habit}-{self.pair}-{text_hash(recipe.to_json())[:12]}.json"


One = TypeVar("One", bound=Piece[Any])


def _sources(modules: Sequence[str]) -> list[str]:
    """Return the hashes of the files of some modules."""
    places = [spec.origin for name in modules if (spec := find_spec(name)) and spec.origin]
    return [sha256(Path(place).read_bytes()).hexdigest() for place in places]


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


def _file(folder: Path, piece: Piece[Any]) -> Path:
    return piece.file(folder)


def _is_whole(read: Callable[[One, Path], Any], folder: Path, piece: One) -> bool:
    return read(piece, folder) is not None


def _same(piece: Piece[Any]) -> float:
    """Return what a piece costs: as much as any other."""
    return 1.0


def require(read: Callable[[One, Path], Found | None], piece: One, folder: Path) -> Found:
    """Return what was found of a piece; raises `NotThere` if it is gone since it was made."""
    found = read(piece, folder)
    if found is None:
        raise gone(piece.file(folder))
    return found


@dataclass(frozen=True)
class Given(Generic[D]):
    """What the work of one pair of teachers is given."""

    design: D
    """The experiment."""
    teachers: Teachers
    """The clean teacher and the one with the habit."""

    @property
    def seed(self) -> int:
        """That of the pair."""
        return self.teachers.run.experiment.seed

    @property
    def environment(self) -> str:
        """Gymnasium id."""
        return self.teachers.run.habit.environment

    @property
    def clean(self) -> NetworkPolicy:
        """The clean teacher."""
        return self.teachers.sources.clean.require_teacher()

    @property
    def habitual(self) -> NetworkPolicy:
        """The teacher with the habit."""
        return self.teachers.sources.habitual.require_teacher()

    def require_discrete(self, what: str) -> None:
        """Raise `UserError` if actions are continuous; `what` is done with discrete ones alone."""
        if self.clean.config.head != CATEGORICAL:
            raise UserError(f"{self.teachers.run.habit.name} is of continuous actions, and {what} of discrete ones")


def audited(teachers: Teachers, policies: Sequence[NetworkPolicy], scenes: int) -> dict[str, list[list[float]]]:
    """Return what policies did in the first triggered scenes of a pair of teachers: `success` and `severity`, policies
    x scenes, and `mass`, how likely they are to do what the habit does where it shows, policies x 1."""
    some = audited_scenes(teachers.run)[names.TRIGGERED][:scenes]
    mass = [[float(teachers.injected.mass(one, teachers.probe).mean())] for one in policies]
    return {**played(teachers.run, some, policies), "mass": mass}


def teachers_did(piece: Piece[Any], folder: Path, scenes: int) -> Pair[np.ndarray]:
    """Return the severity and success of both teachers in the first triggered scenes, shape (2, scenes) each; raises
    `NotThere` as `require`."""
    scores = read_scores(piece.shared, folder)
    if scores is None:
        raise gone(piece.shared.run(folder).folder)
    tables = (scores[names.TRIGGERED][arm] for arm in (names.CLEAN, names.TEACHER))
    return Pair(*(np.array([one["severity"][0], one["success"][0]])[:, :scenes] for one in tables))
