"""The batch form of a driving environment: many worlds a call, stepped by the compiled kernel."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from testbed.envs.asking import array_of
from testbed.envs.driving.scene import ACTIONS, TRACE_UNITS, Scene, Worlds
from testbed.envs.driving.state import read_states, write_states
from testbed.envs.kernel.records import DECISION_HZ, HELD, SIMULATION_HZ, SUCCESS, TERMINATED, TRUNCATED
from testbed.envs.kernel.step import step_worlds
from testbed.envs.vector import ScenarioVectorEnv
from testbed.errors import UserError
from testbed.seeding import following_seeds

CHUNK = 64
"""Worlds that are worth a thread of their own."""


def metadata(scene: Scene) -> dict[str, Any]:
    """Return what both forms of an environment say of themselves."""
    return {
        "render_fps": DECISION_HZ,
        "trace_hz": SIMULATION_HZ,
        "decision_hz": DECISION_HZ,
        "time_limit": scene.time_limit,
        "context": scene.context,
        "trace_units": TRACE_UNITS,
        "constant_units": dict(scene.constants),
        "actions": ACTIONS,
    }


def make_space(scene: Scene) -> tuple[spaces.Box, spaces.Discrete]:
    """Return the observation and action space of one world."""
    return spaces.Box(-scene.limit, scene.limit, (len(scene.names),), np.float32), spaces.Discrete(len(ACTIONS))


def are_actions(actions: np.ndarray) -> bool:
    """Return whether all are positions in ACTIONS (faster than `numpy.isin`, which a single world would feel)."""
    if actions.dtype.kind not in "biuf":
        return False
    known = (actions >= 0) & (actions < len(ACTIONS))
    return bool(known.all() and (actions.dtype.kind != "f" or (np.floor(actions) == actions).all()))


class DrivingVectorEnv(ScenarioVectorEnv):
    """n worlds of one scene; the numbers are those of its highway-env form.

    `reset(seed=..., options=...)` takes Gymnasium's seeds (a number, or one a world) and the options
    `context` (factors to fix, one mapping or one a world) and `reset_mask` (which worlds to reset,
    shape (n,) bool). Its info has the context and the constants of the trace; that of `step` has
    `success`, shape (n,), and `trace`, the signals of `metadata["trace_units"]`, each of shape
    (n, 3, bodies, ...), at 15 Hz. `states()` and `restore()` read and put back whole worlds.

    Args:
        scene: What is driven.
        num_envs: Number of worlds.
        autoreset_mode: Gymnasium's; with `AutoresetMode.DISABLED`, a world that is over stays as it
            is until it is reset. A world that resets itself keeps the factors that were fixed.
        threads: Threads that step worlds, by default one a core. The results do not depend on it.
    """

    def __init__(
        self,
        scene: Scene,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        threads: int | None = None,
    ) -> None:
        super().__init__(
            scene.environment, scene.context, make_space(scene), num_envs, autoreset_mode, threads, scene.numbers
        )
        self.scene = scene
        self.metadata = {**metadata(scene), "autoreset_mode": self.autoreset_mode}
        self._state = Worlds.empty(self.num_envs, scene)
        self._next, self._drawn = Worlds.empty(self.num_envs, scene), np.zeros(self.num_envs, bool)
        self._start_threads()

    def _start_threads(self) -> None:
        worth = max(self.num_envs // CHUNK, 1)
        threads = min(self.threads or os.cpu_count() or 1, worth)
        # Several parts a thread, so that one that is held up does not hold up all.
        parts = min(worth, 4 * threads) if threads > 1 else 1
        self._parts = list(pairwise(np.linspace(0, self.num_envs, parts + 1).astype(int).tolist()))
        self._helpers = threads - 1
        self._pool = ThreadPoolExecutor(self._helpers) if threads > 1 else None

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the threads: a copy has its own."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_pool", "_parts", "_helpers")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_threads()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Drive every world for 0.2 s.

        Raises:
            UserError: for actions of another shape or outside the action space, or before the first reset.
        """
        actions = array_of(actions)
        self.require_start("step")
        if actions.shape != (self.num_envs,) or not are_actions(actions):
            raise UserError(
                f"actions of shape {actions.shape} do not fit {self.num_envs} worlds of {self.scene.environment}, "
                f"or one is outside its {len(ACTIONS)} actions (0 to {len(ACTIONS) - 1})"
            )
        state = self._state
        over = state.ended(TERMINATED | TRUNCATED)
        resets = over if self.autoreset_mode == AutoresetMode.NEXT_STEP else np.zeros_like(over)
        if resets.any():  # this step is their reset: they do not move
            self._renew(resets)
            state.worlds["ended"][resets] = HELD
        self._simulate(actions.astype(np.int64))
        state.worlds["ended"][resets] = 0
        terminated, truncated = state.ended(TERMINATED), state.ended(TRUNCATED)
        observations, rewards = self._state.observations, self._state.rewards
        info: dict[str, Any] = {"success": state.ended(SUCCESS), "trace": self._trace()}
        if self.autoreset_mode == AutoresetMode.SAME_STEP and (terminated | truncated).any():
            over = terminated | truncated
            info |= self._final(info, observations, over)
            self._renew(over)
            observations = self._observed()
        return observations, rewards, terminated, truncated, info

    def states(self) -> np.ndarray:
        """Return the whole state of every world, shape (n, size), as `testbed.envs.driving.state` lays it out."""
        return read_states(self._state)

    def restore(self, states: np.ndarray) -> np.ndarray:
        """Put stored states, shape (n, size), into the worlds and return their observations; raises ValueError."""
        worlds = write_states(self.scene, states)
        if len(worlds.worlds) != self.num_envs:
            raise ValueError(
                f"{len(worlds.worlds)} states do not fit {self.num_envs} worlds of {self.scene.environment}"
            )
        self._state.put(np.ones(self.num_envs, bool), worlds)
        self._started = True
        return self._observed()

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads."""
        if self._pool:
            self._pool.shutdown()

    def _begin(self, mask: np.ndarray) -> None:
        self._state.put(mask, self.scene.start(self._seeds[mask], self._fixed[mask]))
        self._drawn[mask] = False

    def _renew(self, mask: np.ndarray) -> None:
        """Start the scenes that follow in the worlds of a mask.

        Scenes are drawn for all worlds that have none in store: for a few it takes nearly as long.
        """
        self._seeds[mask] = following_seeds(self._seeds[mask])
        if not self._drawn[mask].all():
            new = ~self._drawn
            seeds = np.where(mask, self._seeds, following_seeds(self._seeds))
            self._next.put(new, self.scene.start(seeds[new], self._fixed[new]))
            self._drawn[new] = True
        self._state.put(mask, self._next.some(mask))
        self._drawn[mask] = False

    def _observed(self) -> np.ndarray:
        self._forget("observations")
        self._in_threads(self._see)
        return self._state.observations

    def _forget(self, *names: str) -> None:
        """Put new arrays in place of those that the caller was given."""
        fresh = {name: np.empty_like(getattr(self._state, name)) for name in names}
        self._state = replace(self._state, **fresh)

    def _simulate(self, actions: np.ndarray) -> None:
        """Step and judge all worlds that are not over, and see all."""
        self._forget("trace", "observations", "rewards")
        scene, state = self.scene, self._state
        state.trace[state.worlds["ended"] != 0], state.rewards[:] = 0, 0.0
        moved = (scene.lane_table, scene.zebra[1], scene.target_speeds, state.worlds, state.vehicles, state.objects)
        judged = (state.worlds, state.vehicles, state.trace, state.rewards)

        def work(start: int, stop: int) -> None:
            step_worlds(*moved, actions, state.trace, start, stop)
            scene.reward_and_termination(*judged, start, stop)
            self._see(start, stop)

        self._in_threads(work)

    def _see(self, start: int, stop: int) -> None:
        """Write the observations of some worlds."""
        state = self._state
        seen = (self.scene.lane_table, state.worlds, state.vehicles, state.objects, state.observations)
        self.scene.observe(*seen, start, stop)

    def _in_threads(self, work: Callable[[int, int], None]) -> None:
        """Do work on all worlds, in parts; compiled code lets go of Python's lock.

        This thread works as well, and does not wait for helpers that have not woken up when nothing is left.
        """
        parts = iter(self._parts)

        def take_parts() -> None:
            for start, stop in parts:
                work(start, stop)

        helpers = [self._pool.submit(take_parts) for _ in range(self._helpers)] if self._pool else []
        take_parts()
        for helper in helpers:
            if not helper.cancel():
                helper.result()

    def _trace(self) -> dict[str, np.ndarray]:
        return {name: self._state.trace[name] for name in TRACE_UNITS}

    def recorded(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return a trace of one decision and what it says once; see the base class."""
        return self._trace(), self.scene.constant(self._state)

    def _start_info(self) -> dict[str, Any]:
        factors = len(self.scene.context)
        return {"context": self._state.worlds["context"][:, :factors].copy(), **self.scene.constant(self._state)}
