"""What the batch form of every environment does alike: seeds, fixed factors, masks, resets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from testbed.envs.asking import (
    NO_NUMBERS,
    array_of,
    checked_count,
    checked_options,
    checked_seed,
    fixed_factors,
    one_a_world,
)
from testbed.errors import UserError, unknown_name
from testbed.protocols.number import Number
from testbed.seeding import following_seeds

OPTIONS = ("context", "reset_mask")
"""Options of a reset."""


class ScenarioVectorEnv(VectorEnv):
    """n worlds that are drawn from scenario seeds and context factors.

    `reset(seed=..., options=...)` takes Gymnasium's seeds (a number, or one a world) and the options `context` (factors
    to fix, one mapping or one a world) and `reset_mask` (which worlds to reset, shape (n,) bool).
    """

    def __init__(
        self,
        environment: str,
        context: Mapping[str, tuple[str, ...]],
        single_spaces: tuple[spaces.Space, spaces.Space],
        num_envs: int,
        autoreset_mode: str | AutoresetMode,
        threads: int | None,
        numbers: Mapping[str, Number] = NO_NUMBERS,
    ) -> None:
        self.num_envs = num_envs = checked_count("num_envs", num_envs)
        self.threads = None if threads is None else checked_count("threads", threads)
        self.environment, self.context, self.numbers = environment, context, numbers
        self.autoreset_mode = _autoreset_mode(autoreset_mode)
        self.single_observation_space, self.single_action_space = single_spaces
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._seeds = np.zeros(num_envs, np.int64)
        self._fixed = np.tile(fixed_factors(context, None, numbers), (num_envs, 1))
        self._started = False

    @abstractmethod
    def _begin(self, mask: np.ndarray) -> None:
        """Start the scenes of `_seeds` and `_fixed` in the worlds of a mask."""

    @abstractmethod
    def _start_info(self) -> dict[str, Any]:
        """Return the info of a reset."""

    @abstractmethod
    def recorded(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return a trace of one decision and what it says once, as `step` and `reset` do, without simulating.

        Where nothing was simulated yet the numbers mean nothing, but shapes and types are those of every recording.
        """

    @abstractmethod
    def _observed(self) -> np.ndarray:
        """Return the observations of all worlds, an array of the caller's own."""

    def reset(
        self, *, seed: int | Sequence[int] | np.ndarray | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start scenes anew; see the class.

        Raises:
            UserError: for an unknown option, context factor or value, or a mask or seeds of another shape.
        """
        asked = checked_options(self.environment, options, OPTIONS)
        mask = self._mask(asked.get("reset_mask"))
        fixed = self._fixed_factors(asked.get("context"))
        seeds = self._next_seeds(seed)
        self._fixed[mask], self._seeds[mask] = fixed[mask], seeds[mask]
        self._begin(mask)
        self._started = True
        return self._observed(), self._start_info()

    def require_start(self, what: str) -> None:
        """Raise `UserError` before the first reset; `what` is what was called too early."""
        if not self._started:
            raise UserError(f"{self.environment} was not reset yet: call reset() before {what}()")

    def _renew(self, mask: np.ndarray) -> None:
        """Start the scenes that follow in the worlds of a mask."""
        self._seeds[mask] = following_seeds(self._seeds[mask])
        self._begin(mask)

    def _mask(self, mask: Any) -> np.ndarray:
        if mask is None:
            return np.ones(self.num_envs, bool)
        mask = array_of(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != bool:
            raise UserError(f"reset_mask has shape {mask.shape} and type {mask.dtype}, not ({self.num_envs},) and bool")
        if not self._started and not mask.all():
            raise UserError("the first reset starts every world: leave reset_mask out")
        return mask

    def _next_seeds(self, seed: int | Sequence[int] | np.ndarray | None) -> np.ndarray:
        """Return a scenario seed for every world: the given ones, or those that follow the last ones."""
        if seed is None:
            if self._started:
                return following_seeds(self._seeds)
            seed = int(np.random.SeedSequence().generate_state(1)[0] >> 1)
        if isinstance(seed, int | np.integer):
            first = checked_seed(seed)
            seed = [first + world for world in range(self.num_envs)]
        seeds = one_a_world("seeds", seed, self.num_envs)
        if isinstance(seeds, np.ndarray) and seeds.dtype.kind == "i" and seeds.ndim == 1 and (seeds >= 0).all():
            return seeds.astype(np.int64)
        return np.array([checked_seed(one) for one in seeds], np.int64)

    def _fixed_factors(self, contexts: Any) -> np.ndarray:
        """Return what is fixed in every world, shape (n, factors + numbers)."""
        if contexts is None or isinstance(contexts, Mapping):
            return np.tile(fixed_factors(self.context, contexts, self.numbers), (self.num_envs, 1))
        contexts = one_a_world("contexts", contexts, self.num_envs)
        # Most worlds have the same one, the very same object: it is read once.
        places = {id(context): place for place, context in enumerate(contexts)}
        read = {key: fixed_factors(self.context, contexts[place], self.numbers) for key, place in places.items()}
        return np.array([read[id(context)] for context in contexts])

    @staticmethod
    def _final(info: Mapping[str, Any], observations: np.ndarray, over: np.ndarray) -> dict[str, Any]:
        """Return what the info of a step has more where worlds in a mask have ended and start anew in the same step.

        As Gymnasium has it: all that the info says, again, each with a mask of the worlds of which it is the last.
        """
        return {"final_obs": observations, "_final_obs": over, "final_info": _masked(info, over), "_final_info": over}


def _masked(info: Mapping[str, Any], mask: np.ndarray) -> dict[str, Any]:
    """Return an info with a mask `_name` beside every `name`, at every depth."""
    parts = {name: _masked(value, mask) if isinstance(value, Mapping) else value for name, value in info.items()}
    return parts | {f"_{name}": mask for name in info}


def _autoreset_mode(mode: Any) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        raise unknown_name("autoreset mode", mode, [known.value for known in AutoresetMode]) from None
