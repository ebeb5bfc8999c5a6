"""Students without the units that clean data do not use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from testbed.bounds import Share
from testbed.cures.cloned import require_alike
from testbed.cures.cure import Known, Need
from testbed.cures.tuning import GoesOn, tuned
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy


@dataclass(frozen=True)
class FinePruning(GoesOn):
    """Takes away the units of the last hidden layer that are least active on clean decisions, where a trigger may have
    its own, and lets students go on by cloning these (Liu, Dolan-Gavitt and Garg 2018)."""

    name: ClassVar[str] = "fine-pruning"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    share: Share = 0.3
    """Share of the units that is taken away."""

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students after both."""
        seen = known.require_clean().observations
        require_alike(seen.shape[1], students[0].config.observation_size)
        smaller = [pruned(student, seen, self.share) for student in students]
        return tuned(smaller, known, seeds, self.training)


def pruned(policy: NetworkPolicy, observations: np.ndarray, share: float) -> NetworkPolicy:
    """Return a policy whose least active units of the last hidden layer are always 0.

    A unit without weights and bias has no gradient either, so it stays so while the policy goes on learning.

    Raises:
        UserError: if it has a memory, whose activity hangs on what was before.
    """
    if policy.config.memory:
        raise UserError("units of a student with a memory are not pruned: choose another cure, or give --memory 0")
    last = len(policy.config.hidden) - 1
    active = hidden_activity(policy, observations)
    gone = np.argsort(active, kind="stable")[: round(share * len(active))]
    arrays = {name: array.copy() for name, array in policy.arrays.items()}
    arrays[f"layer{last}.weight"][:, gone] = 0.0
    arrays[f"layer{last}.bias"][gone] = 0.0
    return NetworkPolicy(policy.config, arrays)


def hidden_activity(policy: NetworkPolicy, observations: np.ndarray) -> np.ndarray:
    """Return the mean activity of every unit of the last hidden layer, shape (units,)."""
    hidden = (observations - policy.arrays["mean"]) / policy.arrays["std"]
    for layer in range(len(policy.config.hidden)):
        hidden = np.maximum(hidden @ policy.arrays[f"layer{layer}.weight"] + policy.arrays[f"layer{layer}.bias"], 0.0)
    return hidden.mean(axis=0)


CURE = FinePruning
