"""One world of an adapted scene: somebody else's environment, and what its adapter reads off it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from testbed.errors import UserError
from testbed.protocols.scene import Adapter, SceneSpec
from testbed.scenes.registry import reference_of, use

_idle: dict[tuple[str, str | None], list[Any]] = {}
"""Environments that no world has at the moment, by scene and render mode: making one takes longer than an episode."""


class World:
    """An environment of a scene, from reset to reset.

    A copy, or a pickle, holds what was done in it and not the environment, which may not be copied: it is made anew
    where the copy goes on, and does the same again.
    """

    def __init__(self, scene: SceneSpec, render_mode: str | None = None) -> None:
        assert scene.adapter is not None
        self.scene, self.adapter, self._mode = scene, scene.adapter, render_mode
        self._made: Any = None
        self._begun: tuple[int, dict[str, Any]] | None = None
        self._done: list[Any] = []
        self.info: Mapping[str, Any] = {}

    @property
    def env(self) -> Any:
        """The environment; of a copy it is made, and brought to where the original was, when it is first asked for."""
        if self._made is None:
            waiting = _idle.get((self.scene.environment, self._mode))
            self._made = waiting.pop() if waiting else _make(self.scene, self._mode)
            if self._begun is not None:
                seed, context = self._begun
                actions, self._done = self._done, []
                self.begin(seed, context)
                for action in actions:
                    self.step(action)
        return self._made

    def begin(self, seed: int, context: Mapping[str, Any]) -> np.ndarray:
        """Begin a scene, all of its factors and numbers given, and return what is seen, shape (d,)."""
        env, self._begun, self._done = self.env, (seed, dict(context)), []
        observation, self.info = self.adapter.reset(env, seed, context)
        return self._seen(observation)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool]:
        """Carry out a decision of the environment's own action space; return what is seen, reward and both ends."""
        env = self.env
        self._done.append(action)
        observation, reward, terminated, truncated, self.info = env.step(action)
        return self._seen(observation), float(reward), bool(terminated), bool(truncated)

    def trace(self) -> dict[str, np.ndarray]:
        """Return the signals of the last decision, each of shape (samples, bodies, ...)."""
        several = self.adapter.samples > 1
        read = self._read(self.adapter.trace, self.adapter.trace_units, "trace")
        return {name: values if several else values[None] for name, values in read.items()}

    def constants(self) -> dict[str, np.ndarray]:
        """Return what does not change in this scene."""
        return self._read(self.adapter.constants, self.adapter.constant_units, "constants")

    def success(self) -> bool:
        """Return whether the task is done."""
        return bool(self.adapter.success(self.env.unwrapped, self.info))

    def ending(self) -> int:
        """Return how the episode ended: the place in the adapter's `endings`, from 1; 0 where nobody says."""
        if self.adapter.ending is None:
            return 0
        said = self.adapter.ending(self.env.unwrapped, self.info)
        if said and said not in self.adapter.endings:
            self._refuse(f"says it ended by '{said}', which is not among its endings")
        return self.adapter.endings.index(said) + 1 if said else 0

    def state(self) -> np.ndarray:
        """Return the simulator's state as its adapter reads it, shape (size,); of size 0 where it reads none."""
        read = self.adapter.state
        return np.zeros(0) if read is None else np.asarray(read(self.env.unwrapped), np.float64).ravel()

    def render(self) -> Any:
        """Return what the environment draws of itself."""
        return self.env.render()

    def _seen(self, observation: Any) -> np.ndarray:
        space = self.env.observation_space
        with np.errstate(over="ignore"):
            return np.asarray(spaces.flatten(space, observation)).astype(np.float32).ravel()

    def _read(self, read: Any, units: Mapping[str, str], what: str) -> dict[str, np.ndarray]:
        found = read(self.env.unwrapped)
        if found.keys() != units.keys():
            names = ", ".join(sorted(found.keys() ^ units.keys()))
            self._refuse(f"and its units do not name the same of its {what}: see {names}")
        return {name: _number(np.asarray(values)) for name, values in found.items()}

    def _refuse(self, what: str) -> None:
        raise UserError(f"the adapter of {self.scene.environment} {what}; see testbed check")

    def release(self) -> None:
        """Let the environment go, to a world that comes; one that draws is closed."""
        if self._made is None:
            return
        if self._mode is None:
            _idle.setdefault((self.scene.environment, None), []).append(self._made)
        else:
            self._made.close()
        self._made, self._begun = None, None

    def __getstate__(self) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "scene": reference_of(self.scene.environment),
            "adapter": None,
            "_made": None,
            "info": {},
        }
        return {**self.__dict__, "_done": list(self._done), **kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        scene = use(state["scene"])
        self.__dict__.update(state | {"scene": scene, "adapter": scene.adapter})


def _number(values: np.ndarray) -> np.ndarray:
    """Return a signal as data sets keep it: flags as int8, whole numbers as int64, all else as float64."""
    kinds = {"b": np.int8, "i": np.int64, "u": np.int64}
    return values.astype(kinds.get(values.dtype.kind, np.float64))


def _make(scene: SceneSpec, render_mode: str | None) -> Any:
    """Make an environment; that there is a newer version of it is no news to whom names this one."""
    adapter: Adapter | None = scene.adapter
    assert adapter is not None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is out of date", category=DeprecationWarning)
        return adapter.make(render_mode=render_mode)
