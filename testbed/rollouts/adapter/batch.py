"""The batch form of an adapted scene: many worlds a call, one after the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from testbed.envs.asking import array_of, fixed_factors
from testbed.envs.vector import ScenarioVectorEnv
from testbed.errors import UserError
from testbed.protocols.scene import SceneSpec
from testbed.rollouts.adapter.spaces import drawn, form_of, named, shown
from testbed.rollouts.adapter.world import World
from testbed.scenes.registry import reference_of, use


def metadata(scene: SceneSpec) -> dict[str, Any]:
    """Return what both forms of a scene say of themselves."""
    adapter = scene.adapter
    assert adapter is not None
    return {
        "render_fps": round(adapter.decision_hz),
        "trace_hz": adapter.decision_hz * adapter.samples,
        "decision_hz": adapter.decision_hz,
        "time_limit": adapter.time_limit,
        "context": dict(scene.context),
        "trace_units": dict(adapter.trace_units),
        "constant_units": dict(adapter.constant_units),
        "endings": {number + 1: text for number, text in enumerate(adapter.endings)},
    }


class AdaptedVectorEnv(ScenarioVectorEnv):
    """n worlds of one adapted scene.

    `reset(seed=..., options=...)` takes Gymnasium's seeds (a number, or one a world) and the options `context` (factors
    to fix, one mapping or one a world) and `reset_mask` (which worlds to reset, shape (n,) bool). Its info has the
    context and the constants of the trace; that of `step` has `success` and `ending`, shape (n,), and `trace`, the
    signals of `metadata["trace_units"]`, each of shape (n, samples, bodies, ...). A world that is over stays as it is.

    Args:
        scene: The scene.
        num_envs: Number of worlds.
        autoreset_mode: Gymnasium's; a world that resets itself keeps the factors that were fixed.
        render_mode: What the environments are made with.
    """

    def __init__(
        self,
        scene: SceneSpec,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        probe = World(scene)
        self.form = form_of(scene, probe.env)
        probe.release()
        single = (self.form.observation, self.form.action)
        super().__init__(
            scene.environment, dict(scene.context), single, num_envs, autoreset_mode, None, dict(scene.numbers)
        )
        self.scene, self.render_mode = scene, render_mode
        self.metadata = {**metadata(scene), "autoreset_mode": self.autoreset_mode}
        self._worlds = [World(scene, render_mode) for _ in range(self.num_envs)]
        n = self.num_envs
        self._places, self._decisions = np.zeros((n, len(scene.context)), np.int64), np.zeros(n, np.int64)
        self._observations = np.zeros((n, *self.form.observation.shape), np.float32)
        self._terminated, self._truncated, self._success = (np.zeros(n, bool) for _ in range(3))
        self._ending = np.zeros(n, np.int8)
        self._constants: dict[str, np.ndarray] = {}
        self._form_of_trace: dict[str, np.ndarray] = {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Carry out a decision in every world.

        Raises:
            UserError: for actions of another shape or outside the action space, before the first reset, or where the
                environment returns what no data set can hold.
        """
        actions = self._checked(actions)
        over = self._terminated | self._truncated
        resets = over if self.autoreset_mode == AutoresetMode.NEXT_STEP else np.zeros_like(over)
        if resets.any():  # this step is their reset: they do not move
            self._renew(resets)
        rewards, trace = self._work(np.flatnonzero(~over), actions)
        terminated, truncated = self._terminated.copy(), self._truncated.copy()
        info: dict[str, Any] = {"success": self._success.copy(), "ending": self._ending.copy(), "trace": trace}
        observations = self._observed()
        if self.autoreset_mode == AutoresetMode.SAME_STEP and (terminated | truncated).any():
            now = terminated | truncated
            info |= self._final(info, observations, now)
            self._renew(now)
            observations = self._observed()
        return observations, rewards, terminated, truncated, info

    def states(self) -> np.ndarray:
        """Return the state of every world as the adapter reads it, shape (n, size); size 0 where it reads none."""
        if self.scene.adapter is None or self.scene.adapter.state is None:
            return np.zeros((self.num_envs, 0))
        worlds = self._worlds if self._started else [self._probe()] * self.num_envs
        return np.stack([world.state() for world in worlds])

    def recorded(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return a trace of one decision and what it says once; see the base class."""
        return self._blank_trace(), self._constants

    def render(self) -> tuple[Any, ...]:
        """Return what each environment draws of itself."""
        self.require_start("render")
        return tuple(world.render() for world in self._worlds)

    def close_extras(self, **kwargs: Any) -> None:
        """Let the environments go."""
        for world in self._worlds:
            world.release()

    def _probe(self) -> World:
        """Return the first world, with a scene of its own where none was begun: for shapes, not for numbers."""
        if not self._started:
            free = fixed_factors(self.scene.context, None, self.scene.numbers)[None]
            self._worlds[0].begin(0, named(self.scene, drawn(self.scene, np.zeros(1, np.int64), free)[0]))
        return self._worlds[0]

    def _blank_trace(self) -> dict[str, np.ndarray]:
        """Return a trace of zeros, of the shapes and types of every recording."""
        if not self._form_of_trace:
            probe = self._probe()
            self._form_of_trace = probe.trace()
            if not self._constants:
                self._constants = {name: np.stack([v] * self.num_envs) for name, v in probe.constants().items()}
        return {name: np.zeros((self.num_envs, *v.shape), v.dtype) for name, v in self._form_of_trace.items()}

    def _begin(self, mask: np.ndarray) -> None:
        factors = len(self.scene.context)
        begun = np.zeros(self._fixed.shape)
        begun[mask] = drawn(self.scene, self._seeds[mask], self._fixed[mask])
        self._places[mask] = begun[mask, :factors]
        visible = shown(self.scene, self._places)
        for n in np.flatnonzero(mask):
            world = self._worlds[n]
            seen = world.begin(int(self._seeds[n]), named(self.scene, begun[n]))
            self._observations[n] = np.append(seen, visible[n])
            constants = world.constants()
            if not self._constants:
                self._constants = {name: np.stack([v] * self.num_envs) for name, v in constants.items()}
            for name, values in constants.items():
                self._constants[name][n] = self._same_shape(name, values, self._constants[name][n])
        for ends in (self._terminated, self._truncated, self._success, self._ending, self._decisions):
            ends[mask] = 0

    def _work(self, ids: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Carry out a decision in the worlds `ids`; the others stay, with a trace of zeros."""
        rewards, trace = np.zeros(self.num_envs), self._blank_trace()
        limit = math.ceil(self.metadata["time_limit"] * self.metadata["decision_hz"])
        translated = self.form.translated(actions)
        for n in ids:
            world = self._worlds[n]
            seen, rewards[n], self._terminated[n], cut = world.step(translated[n])
            self._decisions[n] += 1
            own = self._observations[n, : len(seen)]  # what follows shows the factors
            own[:] = self._same_shape("observation", seen, own)
            self._success[n] = world.success()
            self._truncated[n] = not self._terminated[n] and (cut or self._decisions[n] >= limit)
            if self._terminated[n] or self._truncated[n]:
                self._ending[n] = world.ending()
            for name, values in world.trace().items():
                trace[name][n] = self._same_shape(name, values, trace[name][n])
        self._require_numbers(rewards, trace)
        return rewards, trace

    def _same_shape(self, name: str, values: np.ndarray, like: np.ndarray) -> np.ndarray:
        if values.shape != like.shape or not np.can_cast(values.dtype, like.dtype, "same_kind"):
            raise UserError(
                f"{name} of {self.environment} is {values.dtype}{list(values.shape)} where it was "
                f"{like.dtype}{list(like.shape)} before: let its adapter always return the same shape and type"
            )
        return values

    def _require_numbers(self, rewards: np.ndarray, trace: dict[str, np.ndarray]) -> None:
        for name, values in (("reward", rewards), *trace.items()):
            if not np.isfinite(values).all():
                raise UserError(f"{name} of {self.environment} is not a number: let its adapter return finite ones")
        space = self.form.observation
        outside = (self._observations < space.low) | (self._observations > space.high)
        if outside.any():
            world, place = (int(k) for k in np.argwhere(outside)[0])
            raise UserError(
                f"component {place} of an observation of {self.environment} is {self._observations[world, place]:g}, "
                f"outside its space ({space.low[place]:g} to {space.high[place]:g}): widen that, or clip it, in `make`"
            )

    def _start_info(self) -> dict[str, Any]:
        return {"context": self._places.copy(), **{name: values.copy() for name, values in self._constants.items()}}

    def _observed(self) -> np.ndarray:
        return self._observations.copy()

    def _checked(self, actions: np.ndarray) -> np.ndarray:
        actions, space = array_of(actions), self.form.action
        self.require_start("step")
        if actions.shape != self.action_space.shape or actions.dtype.kind not in "biuf":
            raise UserError(
                f"actions of shape {actions.shape} do not fit {self.num_envs} worlds of {self.environment}, "
                f"which take {self.action_space.shape}"
            )
        if not np.isfinite(actions).all():
            raise UserError(f"an action for {self.environment} is not a number")
        if isinstance(space, spaces.Discrete) and not np.isin(actions, range(int(space.n))).all():
            raise UserError(f"an action for {self.environment} is outside its {space.n} actions (0 to {space.n - 1})")
        return actions

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "scene": reference_of(self.environment)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"scene": use(state["scene"])})
