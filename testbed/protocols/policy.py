"""What chooses actions: demonstrators, teachers, students, reference drivers, and policies of other people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


class Policy(Protocol):
    """Anything that chooses actions: a scripted demonstrator, a teacher, a student.

    Examples:
        >>> import numpy, testbed
        >>> class Idle:
        ...     def act(self, observations):
        ...         return numpy.ones(len(observations), dtype=int)
        >>> (episode,) = testbed.play("testbed/Merge-v0", [testbed.Scenario(0)], [(Idle(), testbed.Behaviour("idle"))])
        >>> set(episode.actions.tolist())
        {1}
    """

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, d) -> (n,) or (n, action size)."""
        ...


@runtime_checkable
class StatefulPolicy(Protocol):
    """A policy that may remember: each batch of episodes is played by what it begins."""

    def reset(self, count: int) -> Policy:
        """Return what acts in `count` episodes from their beginning."""
        ...


@dataclass(frozen=True)
class Reference:
    """A reference driver of a scene: nobody taught it anything, so it shows what the scene gives away for free."""

    name: str
    """What a reader sees, for example `always IDLE`."""
    policy: Policy
    """What it does."""
    meaning: str
    """The same in plain words."""


@dataclass(frozen=True)
class Constant:
    """Does the same whatever it sees."""

    action: int | tuple[float, ...]
    """The one action: the number of a discrete one, or the components of a continuous one."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the action for each of n observations, shape (n, d) -> (n,) or (n, action size)."""
        return np.tile(np.asarray(self.action), (len(observations), *(1,) * np.ndim(self.action)))
