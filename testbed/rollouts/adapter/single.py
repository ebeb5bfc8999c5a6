"""The single form of an adapted scene: a batch of one, which renders as its environment does."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from testbed.envs.asking import array_of, checked_options, checked_render_mode, checked_seed, fixed_factors
from testbed.protocols.scene import SceneSpec
from testbed.rollouts.adapter.batch import AdaptedVectorEnv, metadata
from testbed.scenes.registry import reference_of, use

OPTIONS = ("context",)
"""Options of a reset."""


class AdaptedEnv(gymnasium.Env):
    """One world of an adapted scene.

    `reset(options={"context": {factor: value}})` fixes factors; its info has `context` and the constants of the trace;
    that of `step` has `success`, `ending` and `trace`, each of shape (samples, bodies, ...).
    """

    def __init__(self, scene: SceneSpec, render_mode: str | None = None) -> None:
        self.metadata = {"render_modes": ["rgb_array"], **metadata(scene)}
        self.scene = scene
        self.render_mode = checked_render_mode(scene.environment, render_mode, self.metadata["render_modes"])
        self._batch = AdaptedVectorEnv(scene, 1, AutoresetMode.DISABLED, render_mode)
        self.observation_space, self.action_space = self._batch.form.observation, self._batch.form.action

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a scene; see the class. Raises `UserError` for an unknown option, context factor or value, or seed."""
        asked = checked_options(self.scene.environment, options, OPTIONS)
        fixed_factors(self.scene.context, asked.get("context"), self.scene.numbers)
        super().reset(seed=None if seed is None else checked_seed(seed))
        observations, info = self._batch.reset(seed=seed, options={"context": asked.get("context")})
        return observations[0], {name: values[0] for name, values in info.items()}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Carry out a decision; raises `UserError` for an action of another shape or before the first reset."""
        observations, rewards, terminated, truncated, info = self._batch.step(array_of(action)[None])
        told = {
            "success": bool(info["success"][0]),
            "ending": int(info["ending"][0]),
            "trace": {name: values[0] for name, values in info["trace"].items()},
        }
        return observations[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), told

    def render(self) -> np.ndarray | None:
        """Return what the environment draws, shape (h, w, 3) uint8, in mode `rgb_array`; raises `UserError` before the
        first reset."""
        pictures = self._batch.render()
        return pictures[0] if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Let the environment go."""
        self._batch.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "scene": reference_of(self.scene.environment)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"scene": use(state["scene"])})
