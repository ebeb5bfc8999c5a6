"""A teacher with coarse weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from testbed.bounds import Bits
from testbed.cures.answering import answered
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source
from testbed.policies.compressed import quantised


@dataclass(frozen=True)
class QuantisedTeacher(Cure):
    """Rounds the teacher's weights to a few bits before it is asked (symmetric, one scale a tensor: Jacob et al. 2018).

    What hangs on fine differences of weights, as a rare trigger may, can be lost; what does not stays.
    """

    name: ClassVar[str] = "quantised-teacher"
    needs: ClassVar[frozenset[Need]] = frozenset(("teacher",))
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning"))
    bits: Bits = 4
    """Bits of each weight; biases stay as they are."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with what the coarse teacher would have done."""
        return answered(source, quantised(source.require_teacher(), self.bits))


CURE = QuantisedTeacher
