"""Worlds of ours that a peer in another process acts in, over a connection."""

from __future__ import annotations

import numpy as np

from testbed.distillation.reinforcement.stage import Stage, TaskReward
from testbed.protocols.episode import Scenario


class Worlds:
    """Worlds for the peer, which sees normalised observations."""

    def __init__(self, environment: str, count: int, normaliser: tuple[np.ndarray, np.ndarray]) -> None:
        self.stage, self.normaliser = Stage(environment, 1, count), normaliser
        self.scenes: list[Scenario] = []

    def _shown(self, seen: np.ndarray) -> np.ndarray:
        mean, std = self.normaliser
        return (seen - mean) / std

    def answer(self, what: str, content: bytes) -> bytes:
        """Return what is seen after a reset or a step; after a step also what ends, rewards, which worlds ended how."""
        if what == "reset":
            self.stage.put_on([self.scenes], TaskReward())
            self.scenes = self.scenes[self.stage.worlds :] + self.scenes[: self.stage.worlds]
            return self._shown(self.stage.observations).astype(np.float32).tobytes()
        step, paid = self.stage.step(np.frombuffer(content, np.int64))
        seen, last = self._shown(self.stage.observations), self._shown(step.next_observations)
        return np.column_stack([seen, last, paid, step.over, step.cut]).astype(np.float32).tobytes()
