"""Which policy fits which scene."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium import spaces

from testbed.errors import UserError
from testbed.lineage import content_hash
from testbed.policies.adapted import adapt
from testbed.policies.checkpoint import load_policy
from testbed.policies.contract import Contract, Interface, contract_beside, read_contract
from testbed.policies.formats.registry import format_of
from testbed.policies.formats.vecnormalize import Normaliser, load_vecnormalize
from testbed.policies.found import Found
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig
from testbed.policies.own_code import is_reference, load_own
from testbed.policies.trusted import load_trusted
from testbed.protocols.episode import Behaviour
from testbed.protocols.policy import Policy


def policy_config(environment: str, hidden: tuple[int, ...]) -> PolicyConfig:
    """Return the shape of a policy for an environment."""
    with closing(gymnasium.make_vec(environment, num_envs=1)) as batch:  # the single form may bring a renderer
        sees, does = batch.single_observation_space, batch.single_action_space
    if isinstance(sees, spaces.Box) and isinstance(does, spaces.Discrete):
        return PolicyConfig(environment, int(sees.shape[0]), int(does.n), hidden, CATEGORICAL)
    if isinstance(sees, spaces.Box) and isinstance(does, spaces.Box):
        return PolicyConfig(environment, int(sees.shape[0]), int(does.shape[0]), hidden, GAUSSIAN)
    raise UserError(f"{environment} has no flat observation, or actions of a kind that these policies do not have")


def load_fitting(folder: Path, environment: str | None = None) -> tuple[NetworkPolicy, Behaviour]:
    """Return a policy and its label; raises `UserError` if it is for another environment, or fits none as it is."""
    policy, behaviour = load_policy(folder, environment)
    has = policy.config
    fits = policy_config(has.environment, has.hidden)
    if (has.observation_size, has.actions, has.head) != (fits.observation_size, fits.actions, fits.head):
        raise UserError(
            f"{folder} sees {has.observation_size} numbers and has {has.actions} {_actions(has.head)} actions; "
            f"{has.environment} has {fits.observation_size} and {fits.actions} {_actions(fits.head)}: train it again"
        )
    return policy, behaviour


@dataclass(frozen=True)
class Loaded:
    """A policy of anybody's, as it acts in a scene."""

    policy: Policy
    """The policy."""
    digest: str
    """SHA-256 of its file, or of that and of what its contract says; of own code new each time."""


def load_any(path: Path, environment: str, contract: Path | None = None, trust: bool = False) -> Loaded:
    """Return a policy of ours or of anybody's for an environment; no code of a file's runs in this process.

    Args:
        path: A policy's folder, a file in one of `formats.registry.FORMATS`, or a person's own code, `module:object`.
        environment: Gymnasium id.
        contract: What the policy expects; if not given, the file of its name that ends with .toml, or policy.toml,
            beside it, or none.
        trust: Whether a file that cannot be read without its maker's code is loaded all the same, and runs it here.

    Raises:
        UserError: if it is of no format that is read, damaged, or does not fit; the line says what to do.
    """
    if is_reference(str(path)) and not path.exists():
        return Loaded(*load_own(str(path)))
    if not path.exists():
        raise UserError(f"there is no {path}: give a policy's folder, or a file")
    if path.is_dir():
        return Loaded(load_fitting(path, environment)[0], content_hash(path))
    file, scene = contract_beside(path, contract), interface_of(environment)
    told = read_contract(file) if file else Contract()
    try:
        found = _found(path, told, scene, trust)
        normaliser = _normaliser(told, (contract or path).parent)
        policy = adapt(found, told, scene, normaliser)
    except UserError as error:
        raise error if str(error).startswith(str(path)) else UserError(f"{path}: {error}") from None
    except Exception as error:  # whatever a stranger's file comes to
        raise UserError(f"{path} cannot be read ({type(error).__name__}): it is damaged, or made to harm") from None
    files = [path, *([file] if file else ()), *_named(told, (contract or path).parent)]
    hashes = [content_hash(one) for one in files]
    return Loaded(policy, hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode()).hexdigest())


def _found(path: Path, told: Contract, scene: Interface, trust: bool) -> Found:
    try:
        return format_of(path).read(path, told, scene)
    except UserError as error:
        if not trust:
            raise
        try:
            return load_trusted(path, scene.bounds is None)
        except UserError as other:
            raise UserError(f"{error}; {other}") from None


def _named(contract: Contract, folder: Path) -> list[Path]:
    return [folder / contract.observations.vecnormalize] if contract.observations.vecnormalize else []


def interface_of(environment: str) -> Interface:
    """Return what an environment shows and takes; raises `UserError` where that is not numbers in a row."""
    shape = policy_config(environment, ())
    if shape.head == CATEGORICAL:
        return Interface(environment, shape.observation_size, shape.actions, None)
    with closing(gymnasium.make_vec(environment, num_envs=1)) as batch:
        space = batch.single_action_space
    assert isinstance(space, spaces.Box)
    return Interface(environment, shape.observation_size, shape.actions, (space.low, space.high))


def _normaliser(contract: Contract, folder: Path) -> Normaliser | None:
    told = contract.observations
    for file in _named(contract, folder):
        return load_vecnormalize(file)
    if told.mean:
        return Normaliser(np.array(told.mean), np.array(told.std) ** 2, limit=told.limit)
    return None


def _actions(head: str) -> str:
    return "discrete" if head == CATEGORICAL else "continuous"
