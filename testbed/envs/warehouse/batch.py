"""The batch form of a warehouse environment: many benches a call, stepped by MuJoCo's own batch."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from testbed.envs.asking import array_of
from testbed.envs.vector import ScenarioVectorEnv
from testbed.envs.warehouse.furniture import bench
from testbed.envs.warehouse.physics import Physics
from testbed.envs.warehouse.records import sample_type
from testbed.envs.warehouse.scene import (
    ACTIONS,
    CONSTANT_UNITS,
    DECISION_HZ,
    ENDINGS,
    IS_SUCCESS,
    IS_TRUNCATED,
    LIMIT,
    RUNNING,
    TRACE_UNITS,
    WarehouseScene,
)
from testbed.envs.warehouse.telling import constants
from testbed.envs.warehouse.tracing import note_state
from testbed.errors import UserError


def metadata(scene: WarehouseScene) -> dict[str, Any]:
    """Return what both forms of an environment say of themselves."""
    return {
        "render_fps": DECISION_HZ,
        "trace_hz": DECISION_HZ,
        "decision_hz": DECISION_HZ,
        "time_limit": scene.time_limit,
        "context": scene.context,
        "trace_units": TRACE_UNITS,
        "constant_units": CONSTANT_UNITS,
        "actions": ACTIONS,
        "endings": ENDINGS,
        "simulator": f"MuJoCo {mujoco.__version__}, physics {bench(scene).digest[:12]}",
    }


def make_space(scene: WarehouseScene) -> tuple[spaces.Box, spaces.Box]:
    """Return the observation and action space of one world."""
    seen = spaces.Box(-LIMIT, LIMIT, (len(scene.names),), np.float32)
    return seen, spaces.Box(-1.0, 1.0, (len(ACTIONS),), np.float32)


class WarehouseVectorEnv(ScenarioVectorEnv):
    """n benches of one scene.

    `reset(seed=..., options=...)` takes Gymnasium's seeds (a number, or one a world) and the options `context` (factors
    to fix, one mapping or one a world) and `reset_mask` (which worlds to reset, shape (n,) bool). Its info has the
    context and the constants of the trace; that of `step` has `success` and `ending`, shape (n,), and `trace`, the
    signals of `metadata["trace_units"]`, each of shape (n, 1, bodies, ...), at 25 Hz. `states()` reads whole worlds;
    `restore()` puts them back, and `snapshot()` does both.

    Args:
        scene: What is done at the bench.
        num_envs: Number of worlds.
        autoreset_mode: Gymnasium's; with `AutoresetMode.DISABLED`, a world that is over stays as it is until it is
            reset. A world that resets itself keeps the factors that were fixed.
        threads: Threads that step worlds, by default one a core. The results do not depend on it.
    """

    def __init__(
        self,
        scene: WarehouseScene,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        threads: int | None = None,
    ) -> None:
        super().__init__(
            scene.environment, scene.context, make_space(scene), num_envs, autoreset_mode, threads, scene.numbers
        )
        self.scene = scene
        self.metadata = {**metadata(scene), "autoreset_mode": self.autoreset_mode}
        self.physics = Physics(scene, self.num_envs, self.threads or 0)
        self.physics.see()
        self._shared = scene.shared.area

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Work for 0.04 s at every bench.

        Actions beyond [-1, 1] are cut off, as MuJoCo does with controls.

        Raises:
            UserError: for actions of another shape or that are no numbers, or before the first reset.
        """
        actions = self._checked(actions)
        over = self.physics.worlds["ended"] != RUNNING
        resets = over if self.autoreset_mode == AutoresetMode.NEXT_STEP else np.zeros_like(over)
        if resets.any():  # this step is their reset: they do not move
            self._renew(resets)
        rewards, trace = self._work(np.flatnonzero(~over), actions)
        ended = self.physics.worlds["ended"].copy()
        success, truncated = IS_SUCCESS[ended.astype(int)], IS_TRUNCATED[ended.astype(int)]
        terminated = (ended != RUNNING) & ~truncated
        info: dict[str, Any] = {"success": success, "ending": ended.astype(np.int8), "trace": trace}
        observations = self._observed()
        if self.autoreset_mode == AutoresetMode.SAME_STEP and (terminated | truncated).any():
            now = terminated | truncated
            info |= self._final(info, observations, now)
            self._renew(now)
            observations = self._observed()
        return observations, rewards, terminated, truncated, info

    def states(self) -> np.ndarray:
        """Return the whole state of every world, shape (n, size).

        Which bodies sleep is no part of it: a world that goes on from a stored state follows the original to about
        1e-6 over some seconds. Where it must be exact, take the state with `snapshot`.
        """
        return self.physics.states()

    def snapshot(self) -> np.ndarray:
        """Return the states of all worlds, and put them into the worlds: both go on the same, to the last bit."""
        states = self.states()
        self._put(states)
        return states

    def restore(self, states: np.ndarray) -> np.ndarray:
        """Put stored states, shape (n, size), into the worlds and return their observations; raises ValueError.

        Touch is that of the moment in them; after a step it is that of the moment before.
        """
        states = np.asarray(states, np.float64)
        size = self.states().shape
        if states.shape != size:
            raise ValueError(f"states of {self.scene.environment} here have shape {size}, not {states.shape}")
        if not np.isfinite(states).all():
            raise ValueError(f"a state of {self.scene.environment} holds NaN or infinity")
        self._put(states)
        self._started = True
        return self._observed()

    def _put(self, states: np.ndarray) -> None:
        self.physics.put(np.arange(self.num_envs), states)
        self.physics.see()

    def _work(self, ids: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Carry out a decision in the worlds `ids`; the others stay, with a trace of zeros."""
        physics, rewards, told = self.physics, np.zeros(self.num_envs), self._nothing_told()
        physics.step(ids, actions, self._samples(told))
        self.scene.reward_and_termination(physics.worlds, physics.seen, ids, self.scene.steps_limit, rewards)
        return rewards, self._traced(ids, told)

    def _nothing_told(self) -> np.ndarray:
        """Return records of the trace, zeros, shape (n, samples a decision)."""
        return np.zeros((self.num_envs, 1), sample_type(self.scene.bodies, flag="?"))

    def _samples(self, told: np.ndarray) -> np.ndarray:
        """Return the same records, shape (n,), as compiled code reads them."""
        return told.view(sample_type(self.scene.bodies))[:, 0]

    def _traced(self, ids: np.ndarray, told: np.ndarray) -> dict[str, np.ndarray]:
        """Complete records in the worlds `ids` with what these look like; return the signals of TRACE_UNITS."""
        physics, samples = self.physics, self._samples(told)
        note_state(ids, physics.worlds, physics.seen, self._shared, samples)
        if self.scene.open_need is not None:
            self.scene.open_need(physics.worlds, physics.seen, ids, samples)
        return {name: told[name] for name in TRACE_UNITS}

    def _observed(self) -> np.ndarray:
        observations = np.empty((self.num_envs, len(self.scene.names)), np.float32)
        self.scene.observe(self.physics.worlds, self.physics.seen, observations)
        return observations

    def _begin(self, mask: np.ndarray) -> None:
        if mask.any():
            self.physics.start(np.flatnonzero(mask), self.scene.sample_initial(self._seeds[mask], self._fixed[mask]))
        self.physics.see()

    def recorded(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return a trace of one decision and what it says once; see the base class."""
        everyone = np.arange(self.num_envs)
        return self._traced(everyone, self._nothing_told()), constants(self.scene, self.physics)

    def _start_info(self) -> dict[str, Any]:
        context = self.physics.worlds["context"].astype(np.int64)
        return {"context": context, **constants(self.scene, self.physics)}

    def _checked(self, actions: np.ndarray) -> np.ndarray:
        actions = array_of(actions)
        self.require_start("step")
        if actions.shape != self.action_space.shape or actions.dtype.kind not in "biuf":
            raise UserError(
                f"actions of shape {actions.shape} do not fit {self.num_envs} worlds of {self.scene.environment}, "
                f"which take {self.action_space.shape}"
            )
        if not np.isfinite(actions).all():
            raise UserError(f"an action for {self.scene.environment} is not a number: give numbers from -1 to 1")
        return actions.astype(np.float64)
