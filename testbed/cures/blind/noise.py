"""Observations with noise on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from testbed.bounds import Tolerance
from testbed.cures.cure import Cure, Known
from testbed.distillation.source import Source
from testbed.seeding import generator


@dataclass(frozen=True)
class Noise(Cure):
    """Adds Gaussian noise to what students see while they learn (Bishop 1995), so that a narrow trigger is blurred."""

    name: ClassVar[str] = "noise"
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning"))
    spread: Tolerance = 0.2
    """Standard deviation, in standard deviations of each component over the demonstrations."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source with blurred observations; a teacher is asked about what is seen then."""
        seen = source.decisions.observations
        noise = generator(seed, "noise of a cure").normal(size=seen.shape) * self.spread * seen.std(axis=0)
        blurred = (seen + noise).astype(seen.dtype)
        return replace(source, decisions=replace(source.decisions, observations=blurred))


CURE = Noise
