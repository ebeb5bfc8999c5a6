"""A batch environment as SB3's vectorised environment, with a reward of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from testbed.distillation.teachers.sb3 import action_space, observation_space
from testbed.policies.network import PolicyConfig
from testbed.protocols.episode import Scenario
from testbed.scenes.registry import make_vector


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
        self.env: Any = make_vector(config.environment, count)
        super().__init__(count, observation_space(config), action_space(config))
        self.normaliser, self.reward = normaliser, reward
        self._scenes: Sequence[Scenario] = ()
        self._taken = 0
        self.finished: list[bool] = []
        """Whether each episode that ended since `put_on` was a success."""

    def put_on(self, scenes: Sequence[Scenario]) -> None:
        """Say which scenes are played from the next reset on, one after the other, and again from the first."""
        self._scenes, self._taken, self.finished = scenes, 0, []

    def reset(self) -> np.ndarray:
        """Begin a scene in every world and return what is seen there, normalised, shape (n, d)."""
        return self._begin(np.ones(self.num_envs, bool))

    def _begin(self, worlds: np.ndarray) -> np.ndarray:
        following = [self._scenes[(self._taken + k) % len(self._scenes)] for k in range(int(worlds.sum()))]
        self._taken += len(following)
        seeds, contexts = np.zeros(self.num_envs, np.int64), [dict[str, str]()] * self.num_envs
        for world, scene in zip(np.flatnonzero(worlds), following, strict=True):
            seeds[world], contexts[world] = scene.seed, dict(scene.context)
        self._seen, info = self.env.reset(seed=seeds, options={"context": contexts, "reset_mask": worlds})
        self.reward.begin(worlds, self._seen, info)
        return self._normalised(self._seen)

    def _normalised(self, observations: np.ndarray) -> np.ndarray:
        mean, std = self.normaliser
        return (observations - mean) / std

    def step_async(self, actions: np.ndarray) -> None:
        """Take the next actions."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        """Carry them out."""
        before = self._seen
        seen, rewards, terminated, truncated, info = self.env.step(self._actions)
        over = terminated | truncated
        paid = self.reward.of(Step(before, self._actions, seen, rewards, over, info)).astype(np.float32)
        told: list[dict] = [{} for _ in range(self.num_envs)]
        self._seen, shown = seen, self._normalised(seen)
        if over.any():
            for world in np.flatnonzero(over):
                told[world] = {
                    "terminal_observation": shown[world],
                    "TimeLimit.truncated": bool(truncated[world] and not terminated[world]),
                }
            self.finished += info["success"][over].tolist()
            shown = np.where(over[:, None], self._begin(over), shown)
        return shown, paid, over, told

    def close(self) -> None:
        """Let the worlds go."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the batch, once a world."""
        return [getattr(self.env, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the worlds are one batch."""
        raise AttributeError(f"the worlds of a batch have no attribute {attr_name} of their own to set")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Refuse: the worlds are one batch."""
        raise AttributeError(f"the worlds of a batch have no method {method_name} of their own to call")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return that no world is wrapped."""
        return [False] * len(list(self._get_indices(indices)))
