"""What the batch form of every environment does alike: seeds, fixed factors, masks, resets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from testbed.errors import UserError, unknown_name
from testbed.seeding import following_seeds

FREE = -1
"""Stands for a context factor that is drawn."""


def checked_seed(seed: Any) -> int:
    """Return a scenario seed as Gymnasium takes it; raises `UserError` for what is no whole number from 0 to 2**63."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise UserError(f"seed {seed!r} is no whole number from 0 to 2**63 - 1")
    return int(seed)


def fixed_factors(known: Mapping[str, tuple[str, ...]], context: Mapping[str, str]) -> np.ndarray:
    """Return a context as positions in the values of all factors, FREE for those it does not name, shape (factors,).

    Raises:
        UserError: for an unknown factor or value.
    """
    for factor, value in context.items():
        if factor not in known:
            raise unknown_name("context factor", factor, known)
        if value not in known[factor]:
            raise UserError(f"context {factor} cannot be '{value}': choose one of {', '.join(known[factor])}")
    return np.array([v.index(context[f]) if f in context else FREE for f, v in known.items()])


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
    ) -> None:
        if num_envs < 1 or (threads is not None and threads < 1):
            raise UserError(f"{num_envs} worlds on {threads or 'all'} threads: give at least 1 of each")
        self.environment, self.context, self.num_envs = environment, context, num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.single_observation_space, self.single_action_space = single_spaces
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._seeds = np.zeros(num_envs, np.int64)
        self._fixed = np.full((num_envs, len(context)), FREE)
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
            UserError: for an unknown context factor or value, or a mask or seeds of another shape.
        """
        options = options or {}
        mask = self._mask(options.get("reset_mask"))
        fixed = self._fixed_factors(options.get("context") or {})
        seeds = self._next_seeds(seed)
        self._fixed[mask], self._seeds[mask] = fixed[mask], seeds[mask]
        self._begin(mask)
        self._started = True
        return self._observed(), self._start_info()

    def _renew(self, mask: np.ndarray) -> None:
        """Start the scenes that follow in the worlds of a mask."""
        self._seeds[mask] = following_seeds(self._seeds[mask])
        self._begin(mask)

    def _mask(self, mask: np.ndarray | None) -> np.ndarray:
        if mask is None:
            return np.ones(self.num_envs, bool)
        mask = np.asarray(mask)
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
            seed = [int(seed) + world for world in range(self.num_envs)]
        return np.array([checked_seed(one) for one in self._one_a_world("seeds", list(seed))], np.int64)

    def _fixed_factors(self, contexts: Mapping[str, str] | Sequence[Mapping[str, str]]) -> np.ndarray:
        """Return the factors that are fixed in every world, shape (n, factors)."""
        if isinstance(contexts, Mapping):
            return np.tile(fixed_factors(self.context, contexts), (self.num_envs, 1))
        return np.array([fixed_factors(self.context, context) for context in self._one_a_world("contexts", contexts)])

    def _one_a_world(self, what: str, values: Sequence) -> Sequence:
        if len(values) != self.num_envs:
            raise UserError(f"{len(values)} {what} do not fit {self.num_envs} worlds: give one a world, or one for all")
        return values
