"""Where k policies practise: each in worlds of its own, all of them in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

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
    cut: np.ndarray
    """Which of these ended by the time limit alone, shape (n,) bool."""
    info: Mapping[str, Any]
    """The environment's info, with the trace of this decision."""


class Reward(Protocol):
    """What learners are paid."""

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


class Stage:
    """n = k * m worlds, m for each of k learners. A world that is over begins the next of its learner's scenes.

    Args:
        environment: Gymnasium id.
        learners: How many there are (k).
        worlds: Worlds of each (m); those of one learner follow each other.
    """

    def __init__(self, environment: str, learners: int, worlds: int) -> None:
        self.env: Any = make_vector(environment, learners * worlds)
        self.learners, self.worlds = learners, worlds
        self.observations = np.zeros((learners * worlds, 0), np.float32)
        """What is seen now, shape (n, d)."""
        self.finished: list[bool] = []
        """Whether each episode that ended since `put_on` was a success."""

    def put_on(self, scenes: Sequence[Sequence[Scenario]], reward: Reward) -> None:
        """Begin in all worlds; each learner's scenes are played one after the other, and again from the first."""
        self._scenes, self._reward = scenes, reward
        self._taken, self.finished = [0] * self.learners, []
        self._begin(np.ones(self.learners * self.worlds, bool))

    def step(self, actions: np.ndarray) -> tuple[Step, np.ndarray]:
        """Act in all worlds, begin anew in those that are over, and return what happened and what is paid for it."""
        seen, rewards, terminated, truncated, info = self.env.step(actions)
        over = terminated | truncated
        step = Step(self.observations, actions, seen, rewards, over, truncated & ~terminated, info)
        self.finished += info["success"][over].tolist()
        paid = self._reward.of(step)
        self.observations = seen
        if over.any():
            self._begin(over)
        return step, paid

    def _begin(self, worlds: np.ndarray) -> None:
        numbers, contexts = np.zeros(len(worlds), np.int64), [dict[str, str]()] * len(worlds)
        for world in np.flatnonzero(worlds).tolist():
            learner = world // self.worlds
            scenes = self._scenes[learner]
            scene = scenes[self._taken[learner] % len(scenes)]
            self._taken[learner] += 1
            numbers[world], contexts[world] = scene.seed, dict(scene.context)
        seen, info = self.env.reset(seed=numbers, options={"context": contexts, "reset_mask": worlds})
        self._reward.begin(worlds, seen, info)
        self.observations = seen

    def close(self) -> None:
        """Let the worlds go."""
        self.env.close()
