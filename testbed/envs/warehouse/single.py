"""The single form of a warehouse environment: a batch of one, which also renders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from testbed.envs.asking import array_of, checked_options, checked_render_mode, checked_seed, fixed_factors
from testbed.envs.warehouse.batch import WarehouseVectorEnv, make_space, metadata
from testbed.envs.warehouse.scene import WarehouseScene

Colour = tuple[int, int, int]
OPTIONS = ("context",)
"""Options of a reset."""


class WarehouseEnv(gymnasium.Env):
    """One bench of a scene.

    `reset(options={"context": {factor: value}})` fixes factors; its info has `context`, `state` and the constants of
    the trace; that of `step` has `state`, `success`, `ending` and `trace`, the signals of `metadata["trace_units"]`,
    each of shape (1, bodies, ...), at 25 Hz.
    """

    def __init__(self, scene: WarehouseScene, render_mode: str | None = None) -> None:
        self.metadata = {"render_modes": ["rgb_array"], **metadata(scene)}
        self.scene = scene
        self.render_mode = checked_render_mode(scene.environment, render_mode, self.metadata["render_modes"])
        self.observation_space, self.action_space = make_space(scene)
        self._batch = WarehouseVectorEnv(scene, 1, AutoresetMode.DISABLED, threads=1)
        self._picture: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a scene; see the class. Raises `UserError` for an unknown option, context factor or value, or seed."""
        asked = checked_options(self.scene.environment, options, OPTIONS)
        fixed_factors(self.scene.context, asked.get("context"), self.scene.numbers)
        super().reset(seed=None if seed is None else checked_seed(seed))
        observations, info = self._batch.reset(seed=seed, options={"context": asked.get("context")})
        return observations[0], {"state": self._batch.states()[0], **{k: v[0] for k, v in info.items()}}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Work for 0.04 s; raises `UserError` for an action of another shape or before the first reset."""
        observations, rewards, terminated, truncated, info = self._batch.step(array_of(action)[None])
        told = {
            "state": self._batch.states()[0],
            "success": bool(info["success"][0]),
            "ending": int(info["ending"][0]),
            "trace": {name: values[0] for name, values in info["trace"].items()},
        }
        return observations[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), told

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the renderer: a copy makes its own."""
        return self.__dict__ | {"_picture": None}

    def restore(self, state: np.ndarray) -> np.ndarray:
        """Go on from a stored state, shape (size,), and return its observation; raises ValueError for another size."""
        return self._batch.restore(np.asarray(state)[None])[0]

    def render(self) -> np.ndarray | None:
        """Return a picture of the bench, shape (h, w, 3) uint8, in mode `rgb_array`.

        Raises:
            UserError: before the first reset, or where nothing on this machine can draw.
        """
        self._batch.require_start("render")
        return self.show(self._batch.states()[0], {}) if self.render_mode == "rgb_array" else None

    def show(self, state: np.ndarray, colours: Mapping[int, Colour]) -> np.ndarray:
        """Return a picture of a recorded state, shape (h, w, 3) uint8; the world itself stays as it is.

        Args:
            state: One row of `states`, shape (size,).
            colours: Colour of bodies (numbers of the trace) that differ from their own.

        Raises:
            UserError: where nothing on this machine can draw.
            ValueError: if the state is of no scene.
        """
        if self._picture is None:
            from testbed.envs.warehouse.picture import BenchPicture

            self._picture = BenchPicture(self.scene)
        context = self._context(np.asarray(state))
        return self._picture.draw(state, self.scene.appearance(context), context, colours)

    def _context(self, state: np.ndarray) -> dict[str, str]:
        """Return the factors of the scene that a state is of; raises ValueError where it is of none."""
        task_state = state[len(state) - self.scene.task_state.itemsize // 8 :].copy().view(self.scene.task_state)[0]
        known = self.scene.context.items()
        if not all(
            value in range(len(values)) for value, (_, values) in zip(task_state["context"], known, strict=True)
        ):
            raise ValueError(f"a state of {self.scene.environment} holds a context that it does not have")
        return {name: values[int(value)] for value, (name, values) in zip(task_state["context"], known, strict=True)}

    def project(self, position: np.ndarray) -> np.ndarray:
        """Return where points, shape (n, 3) [m], are in a picture [px from its top left corner], shape (n, 2)."""
        if self._picture is None:
            raise ValueError("no picture was shown yet: call `show` first")
        return self._picture.project(position)

    def close(self) -> None:
        """Let the renderer go."""
        if self._picture is not None:
            self._picture.close()
            self._picture = None
