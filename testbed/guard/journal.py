"""The guard over a distillation: it looks when the journal is told that steps were done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from testbed.distillation.journal import Journal
from testbed.guard.guard import Guard

if TYPE_CHECKING:
    from testbed.policies.network import NetworkPolicy


class Watched(Journal):
    """A journal whose training is watched; everything else is as the journal inside does it.

    Args:
        inside: What is told of the training too.
        guard: Who looks.
        at: Steps after which it looks; at the first time that the journal is told of after each of these.
    """

    def __init__(self, inside: Journal, guard: Guard, at: Sequence[int]) -> None:
        super().__init__(inside.folder, inside.recipe, inside.on_progress)
        self.guard, self._at = guard, sorted(at)

    def passed(self, step: int, students: Callable[[], list[NetworkPolicy]]) -> None:
        """Look at every student, if it is time; raises `Suspicious` for the first that is taken for bad."""
        super().passed(step, students)
        if not self._at or step < self._at[0]:
            return
        self._at = [one for one in self._at if one > step]
        for student in students():
            self.guard.require(student, step, early=bool(self._at))


def looks_told(guard: Guard) -> list[Mapping[str, Any]]:
    """Return what a guard saw, as a lineage keeps it."""
    return [
        {"step": one.step, "where": one.where, "worse": one.worse, "better": one.better, "p": one.p,
         "severity": one.severity, "reference": one.reference} for one in guard.looks
    ]  # fmt: skip
