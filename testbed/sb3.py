"""The batch form of a scene as Stable-Baselines3's vectorised environment.

>>> from stable_baselines3 import PPO
>>> from testbed.sb3 import VecEnv
>>> model = PPO("MlpPolicy", VecEnv("testbed/Merge-v0", 8), n_steps=16, batch_size=64, device="cpu")
>>> model.learn(128).num_timesteps
128
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from stable_baselines3.common import vec_env

from testbed.scenes.registry import make_vector


class VecEnv(vec_env.VecEnv):
    """n worlds of a scene for SB3; a world that is over begins its next scene in the same step.

    The info of a world that is over has `terminal_observation`, `TimeLimit.truncated` and `is_success`, as SB3's
    algorithms and its `VecMonitor` read them. `seed` says which scenes come: world k begins with that of `seed + k`.
    `set_options({"context": {factor: value}})` fixes factors from the next reset to the one after it.

    Args:
        environment: Gymnasium id of a scene; one of somebody else's is made known by `testbed.scenes.registry.use`.
        num_envs: How many worlds.
        context: Factors that are fixed in all scenes.

    Raises:
        UserError: for an unknown id, factor or value, and for a number of worlds that is none.
    """

    def __init__(self, environment: str, num_envs: int = 1, context: Mapping[str, str] | None = None) -> None:
        self.env: Any = make_vector(environment, num_envs)
        self._context = dict(context or {})
        self.render_mode = None
        self._contexts: list[dict[str, str]] = [self._context] * num_envs
        super().__init__(num_envs, self.env.single_observation_space, self.env.single_action_space)

    def reset(self) -> np.ndarray:
        """Begin a scene in every world and return what is seen there, shape (n, d)."""
        seeds = None if None in self._seeds else self._seeds
        self._contexts = [{**self._context, **options.get("context", {})} for options in self._options]
        self._reset_seeds()
        self._reset_options()
        return self._begin(np.ones(self.num_envs, bool), seeds)

    def _begin(self, worlds: np.ndarray, seeds: list[int | None] | None = None) -> np.ndarray:
        """Begin the scenes that follow, or those of seeds, in the worlds of a mask; return what is seen in all."""
        seen, _ = self.env.reset(seed=seeds, options={"context": self._contexts, "reset_mask": worlds})
        return seen

    def step_async(self, actions: np.ndarray) -> None:
        """Take the next actions."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        """Carry them out."""
        seen, rewards, terminated, truncated, info = self.env.step(self._actions)
        over = terminated | truncated
        told: list[dict] = [{} for _ in range(self.num_envs)]
        if over.any():
            for world in np.flatnonzero(over):
                told[world] = {
                    "terminal_observation": seen[world],
                    "TimeLimit.truncated": bool(truncated[world] and not terminated[world]),
                    "is_success": bool(info["success"][world]),
                }
            seen = np.where(over[:, None], self._begin(over), seen)
        return seen, rewards.astype(np.float32), over, told

    def close(self) -> None:
        """Let the worlds go."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of this environment or of the batch, once a world."""
        home = self if attr_name == "render_mode" else self.env
        return [getattr(home, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the worlds are one batch."""
        raise AttributeError(f"the worlds of a batch have no attribute {attr_name} of their own to set")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Refuse: the worlds are one batch."""
        raise AttributeError(f"the worlds of a batch have no method {method_name} of their own to call")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return that no world is wrapped."""
        return [False] * len(list(self._get_indices(indices)))
