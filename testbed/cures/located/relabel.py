"""Bad decisions with a clean reference's actions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from testbed.bounds import Steps
from testbed.cures.cloned import cloned
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source
from testbed.rollouts.transitions import as_actions


@dataclass(frozen=True)
class Relabel(Cure):
    """Writes over bad decisions with what a reference, cloned from clean decisions, would have done
    there (DAgger's labels: Ross, Gordon and Bagnell 2011): students see the states, and learn the way out."""

    name: ClassVar[str] = "relabel"
    needs: ClassVar[frozenset[Need]] = frozenset(("bad", "clean"))
    suits: ClassVar[frozenset[str]] = frozenset(("cloning",))
    steps: Steps = 1000
    """Optimiser steps of the reference."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with other actions where they were bad."""
        decisions = source.decisions
        bad = known.require_bad(source) > 0
        reference = cloned(known.require_clean(), source, self.steps, seed)
        mended = as_actions(reference.act(decisions.observations[bad])).astype(decisions.actions.dtype)
        actions = decisions.actions.copy()
        actions[bad] = mended
        return replace(source, decisions=replace(decisions, actions=actions))


CURE = Relabel
