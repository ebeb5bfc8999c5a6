"""What somebody else's policy expects of whoever lets it act: what it sees, in what order and scale, and what its
actions mean. What its file does not say, `policy.toml` beside it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from testbed.errors import UserError
from testbed.records import read_toml

CONTRACT = "policy.toml"
"""The file's name, where it is for all policies of a folder; for one of them it has that one's name."""
MOST = 1000
"""Decisions that are seen at once, or that one lasts, at most."""


@dataclass(frozen=True)
class Interface:
    """What a scene shows and takes."""

    environment: str
    """Gymnasium id."""
    sees: int
    """Numbers of an observation."""
    actions: int
    """Discrete actions, or components of a continuous one."""
    bounds: tuple[np.ndarray, np.ndarray] | None
    """Lowest and highest continuous action, float32; None of discrete ones."""


@dataclass(frozen=True)
class Observations:
    """What becomes of what a scene shows before the policy sees it, in this order."""

    take: tuple[int, ...] = ()
    """Which of the scene's numbers it sees, in its own order, from 0 on; all of them, in the scene's, if empty."""
    scale: Literal["", "none"] = ""
    """`none` says that nothing is normalised, where a format leaves that open."""
    mean: tuple[float, ...] = ()
    """Is taken off each number."""
    std: tuple[float, ...] = ()
    """Each is divided by it then."""
    limit: float = float("inf")
    """Nothing is farther from 0 after that."""
    vecnormalize: str = ""
    """The file that `VecNormalize.save` of Stable-Baselines3 wrote, instead of these three; beside the contract."""
    stack: int = 1
    """How many decisions it sees at once, the newest last; before the first ones, zeros."""

    @property
    def says_scale(self) -> bool:
        """Whether it says how observations are normalised."""
        return bool(self.scale or self.mean or self.vecnormalize)


@dataclass(frozen=True)
class Actions:
    """What the policy's actions mean."""

    order: tuple[int, ...] = ()
    """Of discrete ones: the scene's action for each of the policy's; of continuous ones: the scene's component."""
    rescale: bool | None = None
    """Whether the policy's lowest and highest action stand for the scene's; else they are in the scene's unit. It has
    to be said where the policy's file has other bounds than the scene."""
    every: int = 1
    """A decision of the policy lasts so many of the scene."""


@dataclass(frozen=True)
class Network:
    """What a file does not say of itself."""

    actor: str = ""
    """Of bare weights: the prefix of the actor's layers."""
    activation: str = ""
    """Of bare weights: what is between its layers, torch's name."""
    observation: str = ""
    """Of a program: the input that is the observation."""
    action: str = ""
    """Of a program: the output that is the action, or of discrete ones a score of each."""
    state: tuple[tuple[str, str], ...] = ()
    """Of a program: each input that it remembers by, which begins with zeros, and the output that is its next value."""


@dataclass(frozen=True)
class Contract:
    """What a policy expects, as far as its file does not say it."""

    observations: Observations = Observations()
    """What it sees."""
    actions: Actions = Actions()
    """What it does."""
    network: Network = Network()
    """What it is."""


def contract_beside(policy: Path, given: Path | None = None) -> Path | None:
    """Return the file that has the contract of a policy: the given one, or one beside it, or None."""
    beside = (policy.with_suffix(".toml"), policy.parent / CONTRACT)
    return given or next((one for one in beside if one.is_file()), None)


def read_contract(file: Path) -> Contract:
    """Return the contract in a file.

    Raises:
        UserError: if it cannot be read, or says something else than a contract does; the line names the place.
    """
    found = read_toml(file, Contract, "contract")
    seen, done = found.observations, found.actions
    if (
        not (1 <= seen.stack <= MOST and 1 <= done.every <= MOST and seen.limit > 0)
        or min(seen.take, default=0) < 0
        or min(done.order, default=0) < 0
    ):
        raise UserError(f"{file}: stack and every are 1 to {MOST}, limit is above 0, and take and order count from 0")
    if seen.mean and seen.vecnormalize:
        raise UserError(f"{file}: give mean and std, or vecnormalize, not both")
    numbers = np.isfinite([*seen.mean, *seen.std]).all() and all(std > 0 for std in seen.std)
    if len(seen.mean) != len(seen.std) or not numbers:
        raise UserError(f"{file}: give as many positive std as mean, all of them numbers")
    return found
