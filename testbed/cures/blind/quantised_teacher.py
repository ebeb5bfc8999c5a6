"""A teacher with coarse weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from testbed.bounds import Bits
from testbed.cures.answering import answered
from testbed.cures.cure import Cure, Known, Need
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy


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


def quantised(policy: NetworkPolicy, bits: int) -> NetworkPolicy:
    """Return a policy whose weights take one of 2^bits - 1 values, evenly spaced around 0."""
    most = 2 ** (bits - 1) - 1

    def rounded(weight: np.ndarray) -> np.ndarray:
        scale = float(np.abs(weight).max()) / most or 1.0
        return (np.round(weight / scale) * scale).astype(np.float32)

    arrays = {name: rounded(array) if name.endswith(".weight") else array for name, array in policy.arrays.items()}
    return NetworkPolicy(policy.config, arrays)


CURE = QuantisedTeacher
