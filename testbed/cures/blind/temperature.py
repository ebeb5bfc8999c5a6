"""The teacher's distribution, sharpened or flattened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from testbed.cures.answering import altered
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source


@dataclass(frozen=True)
class Temperature(Cure):
    """Divides the teacher's logits by a temperature (Hinton, Vinyals and Dean 2015, section 2).

    Below 1 what a teacher does not choose, where a habit can lie that it never shows, is heard less; above 1 more.
    """

    name: ClassVar[str] = "temperature"
    needs: ClassVar[frozenset[Need]] = frozenset(("teacher",))
    suits: ClassVar[frozenset[str]] = frozenset(("kl",))
    temperature: float = 0.25
    """The distribution is taken to the power of one over it."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with a sharper teacher."""

        def sharper(observations: np.ndarray, logits: np.ndarray) -> np.ndarray:
            return logits / self.temperature

        return replace(source, teacher=altered(source.require_teacher(), sharper, "a temperature"))


CURE = Temperature
