"""Teachers whose answers are altered: what they say in any state is another distribution than their network's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.rollouts.transitions import as_actions

Alter = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(observations, shape (n, d); logits there, shape (n, actions)) -> other logits, of the same shape."""


@dataclass(frozen=True)
class AlteredPolicy(NetworkPolicy):
    """A policy with discrete actions whose logits are altered."""

    alter: Alter = lambda observations, logits: logits
    """How."""

    def parameters(self, observations: np.ndarray) -> np.ndarray:
        """Return the altered logits, shape (n, actions)."""
        return self.alter(observations, super().parameters(observations))

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the likeliest actions after that, shape (n,)."""
        return self.parameters(observations).argmax(axis=1)


def altered(teacher: NetworkPolicy, alter: Alter, what: str) -> AlteredPolicy:
    """Return a teacher with altered answers; raises `UserError` if its actions are continuous, of which `what` is not
    defined."""
    if teacher.config.head != CATEGORICAL:
        raise UserError(f"{what} is of discrete actions, and {teacher.config.environment} has continuous ones")
    return AlteredPolicy(teacher.config, teacher.arrays, alter)


def answered(source: Source, teacher: NetworkPolicy) -> Source:
    """Return a source with another teacher, who also says what was done in every recorded state.

    Rewards and next observations stay those of what was done in truth; routes that learn from them are not suited.
    """
    actions = as_actions(teacher.act(source.decisions.observations)).astype(source.decisions.actions.dtype)
    return replace(source, teacher=teacher, decisions=replace(source.decisions, actions=actions))
