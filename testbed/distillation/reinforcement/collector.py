"""A batch environment as SB3's vectorised environment, with a reward of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from testbed.distillation.teachers.sb3 import action_space, observation_space
from testbed.policies.network import PolicyConfig
from testbed.protocols.episode import Scenario
from testbed.sb3 import VecEnv


@dataclass(frozen=True)
class Step:
    """One decision in each of n worlds."""

    observations: np.ndarray
    """Before it, shape (n, d)."""
    actions: np.ndarray
    """Shape (n,) or (n, size)."""
    next_observations: np.ndarray
    """After it, of worlds that ended too, shape (n, d)."""
    rewards: np.ndarray
    """The environment's, shape (n,)."""
    over: np.ndarray
    """Which worlds ended, shape (n,) bool."""
    info: Mapping[str, Any]
    """The environment's info, with the trace of this decision."""


class Reward(Protocol):
    """What a learner is paid."""

    def begin(self, worlds: np.ndarray, observations: np.ndarray, info: Mapping[str, Any]) -> None:
        """Take note that scenes begin in the worlds of a mask, shape (n,) bool."""

    def of(self, step: Step) -> np.ndarray:
        """Return the rewards of one decision, shape (n,)."""
        ...


class TaskReward:
    """The environment's own."""

    def begin(self, worlds: np.ndarray, observations: np.ndarray, info: Mapping[str, Any]) -> None:
        """Nothing is noted."""

    def of(self, step: Step) -> np.ndarray:
        """Return what the environment pays."""
        return step.rewards


class RolloutCollector(VecEnv):
    """n worlds for SB3. A world that is over begins the next of the scenes that were put on.

    Args:
        config: Environment, observations and actions of the policy that learns.
        count: Worlds.
        normaliser: Mean and standard deviation of each component: what SB3 sees is (observation - mean) / std.
        reward: What is paid.
    """

    def __init__(
        self, config: PolicyConfig, count: int, normaliser: tuple[np.ndarray, np.ndarray], reward: Reward
    ) -> None:
        self.config, self.normaliser, self.reward = config, normaliser, reward
        self._scenes: Sequence[Scenario] = ()
        self._taken = 0
        self.finished: list[bool] = []
        """Whether each episode that ended since `put_on` was a success."""
        super().__init__(config.environment, count)

    def _spaces(self) -> tuple[spaces.Space, spaces.Space]:
        return observation_space(self.config), action_space(self.config)

    def put_on(self, scenes: Sequence[Scenario]) -> None:
        """Say which scenes are played from the next reset on, one after the other, and again from the first."""
        self._scenes, self._taken, self.finished = scenes, 0, []

    def _begin(self, worlds: np.ndarray, seeds: object = None) -> np.ndarray:
        following = [self._scenes[(self._taken + k) % len(self._scenes)] for k in range(int(worlds.sum()))]
        self._taken += len(following)
        numbers, contexts = np.zeros(self.num_envs, np.int64), [dict[str, str]()] * self.num_envs
        for world, scene in zip(np.flatnonzero(worlds), following, strict=True):
            numbers[world], contexts[world] = scene.seed, dict(scene.context)
        self._seen, info = self.env.reset(seed=numbers, options={"context": contexts, "reset_mask": worlds})
        self.reward.begin(worlds, self._seen, info)
        return self._shown(self._seen)

    def _shown(self, seen: np.ndarray) -> np.ndarray:
        mean, std = self.normaliser
        return (seen - mean) / std

    def _paid(self, seen: np.ndarray, rewards: np.ndarray, over: np.ndarray, info: Mapping[str, Any]) -> np.ndarray:
        before, self._seen = self._seen, seen
        self.finished += info["success"][over].tolist()
        return self.reward.of(Step(before, self._actions, seen, rewards, over, info))
