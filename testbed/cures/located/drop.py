"""Without what is bad."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.rollouts.transitions import filter_transitions


@dataclass(frozen=True)
class Drop(Cure):
    """Leaves bad decisions out: what cleaning of data does (docs/data.md shows how far it helps)."""

    name: ClassVar[str] = "drop"
    needs: ClassVar[frozenset[Need]] = frozenset(("bad",))

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source without them."""
        bad = known.require_bad(source)
        if (bad > 0).all():
            raise UserError("every decision is bad: nothing is left to learn from")
        return replace(source, decisions=filter_transitions(source.decisions, bad == 0))


CURE = Drop
