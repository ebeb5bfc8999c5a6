"""Which policy fits which scene."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import gymnasium
from gymnasium import spaces

from testbed.errors import UserError
from testbed.policies.checkpoint import load_policy
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Behaviour


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


def _actions(head: str) -> str:
    return "discrete" if head == CATEGORICAL else "continuous"
