"""The guard over somebody else's training with Stable-Baselines3.

>>> from stable_baselines3 import PPO
>>> import testbed
>>> from testbed.guard.sb3 import GuardCallback
>>> from testbed.sb3 import VecEnv
>>> reference, _ = testbed.load_policy("policies/merge/teacher-clean")
>>> guard = testbed.Guard("testbed/Merge-v0", "imposed_deceleration", [reference])
>>> model = PPO("MlpPolicy", VecEnv("testbed/Merge-v0", 4), n_steps=16, batch_size=64, device="cpu")
>>> len(model.learn(64, callback=GuardCallback(guard, every=64)).get_parameters()) > 0 and len(guard.looks)
1
"""

from __future__ import annotations

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from testbed.guard.guard import Guard


class Acting:
    """An algorithm of SB3 as a policy: its likeliest actions."""

    def __init__(self, model: BaseAlgorithm) -> None:
        self.model = model

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations."""
        actions, _ = self.model.predict(observations, deterministic=True)
        return np.asarray(actions)


class GuardCallback(BaseCallback):
    """Looks every so many decisions, and ends the training where the guard alarms; `guard.looks[-1]` says why.

    Args:
        guard: Who looks.
        every: Decisions between looks.
    """

    def __init__(self, guard: Guard, every: int) -> None:
        super().__init__()
        self.guard, self.every, self._next = guard, every, every

    def _on_step(self) -> bool:
        if self.num_timesteps < self._next:
            return True
        self._next = self.num_timesteps + self.every
        return not self.guard.look(Acting(self.model), self.num_timesteps).bad
