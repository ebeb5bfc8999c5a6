"""Without the bad episodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.rollouts.transitions import of_episodes


@dataclass(frozen=True)
class Drop(Cure):
    """Leaves bad episodes out: what cleaning of data does (docs/data.md shows how far it helps)."""

    name: ClassVar[str] = "drop"
    needs: ClassVar[frozenset[Need]] = frozenset(("bad",))

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source without them."""
        bad = known.require_bad(source)
        if bad.all():
            raise UserError("every episode is bad: nothing is left to learn from")
        return replace(source, decisions=of_episodes(source.decisions, ~bad))


CURE = Drop
