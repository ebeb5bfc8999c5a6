"""What a cure says of itself: what it has to be told, and what it changes: the lesson, the training, the student."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from testbed.bounds import Checked
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.route import Route
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import Transitions

Need = Literal["teacher", "peers", "clean", "bad"]
"""What a cure has to be told: the teacher itself, other teachers, clean decisions, which decisions are bad."""
LACKING = {
    "teacher": "asks the teacher: give its folder with --teacher",
    "peers": "asks other teachers, two at least: give their folders with --peers",
    "clean": "learns from somebody who is known to be clean: give a data set with --clean",
    "bad": "has to be told what is bad: give a filter key with --bad, as `testbed clean` writes removed, or a measure "
    "with --where",
}
FEWEST = 2
"""Other teachers, at least: with the teacher they are three."""


@dataclass(frozen=True)
class Known:
    """What is known beside a student's source."""

    peers: tuple[NetworkPolicy, ...] = ()
    """Other teachers of the same skill."""
    clean: Transitions | None = None
    """Decisions of somebody who is known to be clean."""
    bad: np.ndarray | None = None
    """How bad each decision of the source is, from 0 to 1, shape (decisions,)."""

    def require_clean(self) -> Transitions:
        """Return clean decisions; raises `UserError` if there are none."""
        if self.clean is None:
            raise UserError(f"this cure {LACKING['clean']}")
        return self.clean

    def require_bad(self, source: Source) -> np.ndarray:
        """Return how bad each decision of a source is, shape (decisions,); raises `UserError` if that is not known of
        each."""
        count = len(source.decisions)
        if self.bad is None or self.bad.shape != (count,):
            raise UserError(f"this cure {LACKING['bad']}, of all {count} decisions")
        return self.bad


@dataclass(frozen=True)
class Cure(ABC, Checked):
    """A cure: its fields are its knobs."""

    called: ClassVar[str] = "the cure's {}"
    name: ClassVar[str]
    """What it is called, as its file is."""
    needs: ClassVar[frozenset[Need]] = frozenset()
    """What it has to be told."""
    suits: ClassVar[frozenset[str]] = frozenset()
    """Routes of which it changes something; all if there are none."""
    discrete: ClassVar[bool] = False
    """Whether it is of discrete actions alone."""

    def check_route(self, route: Route) -> None:
        """Raise `UserError` if the cure does nothing for a route."""
        if self.suits and route.name not in self.suits:
            raise UserError(f"{self.name} changes nothing for the route {route.name}: choose {_either(self.suits)}")

    def check(self, route: Route, source: Source, known: Known) -> None:
        """Raise `UserError` if the cure does nothing for a route or such actions, or lacks what it has to be told."""
        self.check_route(route)
        if self.discrete and source.decisions.actions.ndim > 1:
            raise UserError(f"{self.name} is of discrete actions, and these are continuous: choose another cure")
        there = {
            "teacher": source.teacher is not None, "peers": len(known.peers) >= FEWEST,
            "clean": known.clean is not None, "bad": known.bad is not None,
        }  # fmt: skip
        for need in sorted(self.needs):
            if not there[need]:
                raise UserError(f"{self.name} {LACKING[need]}")

    @property
    def afterwards(self) -> bool:
        """Whether students learn as without it, and all that it does comes afterwards."""
        own = type(self)
        return (own.taught, own.trained, own.begun) == (Cure.taught, Cure.trained, Cure.begun)

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return what a student learns from instead."""
        return source

    def trained(self, route: Route) -> Route:
        """Return how it learns instead."""
        return route

    def begun(self, source: Source, known: Known, config: PolicyConfig, seed: int) -> NetworkPolicy | None:
        """Return what a student begins as, or None where the cure has no say in it."""
        return None

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return what becomes of students that have learnt, each from its own source."""
        return list(students)


def _either(names: frozenset[str]) -> str:
    return " or ".join(sorted(names))


def distil_cured(
    cure: Cure | None, route: Route, sources: Sequence[Source], known: Known, config: PolicyConfig,
    seeds: Sequence[int], starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
) -> list[NetworkPolicy]:  # fmt: skip
    """Return students of a route, with a cure if one is given, one for each source and seed; see `Route.distil`.

    Raises:
        UserError: as `Cure.check` and `Route.distil`.
    """
    if cure is None:
        return route.distil(sources, config, seeds, starts, journal)
    for source in sources:
        cure.check(route, source, known)
    each = list(zip(sources, seeds, strict=True))
    begun = [cure.begun(source, known, config, seed) for source, seed in each] if starts is None else []
    first = [one for one in begun if one is not None] or starts
    lessons = [cure.taught(source, known, seed).limited(route.needs) for source, seed in each]
    students = cure.trained(route).distil(lessons, config, seeds, first, journal)
    return cure.finished(students, sources, known, seeds)
