"""Policies of ours as SB3's actor-critic policies, and back: the same distribution over actions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecNormalize
from torch import Tensor

from testbed.distillation.teachers.foreign import (
    Normaliser,
    require_convertible,
    require_deviations,
    require_same,
    statistics,
)
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, LOG_STD, START_LOG_STD, NetworkPolicy, PolicyConfig
from testbed.seeding import derive_seed
from testbed.threads import one_thread


@one_thread()
def make_sb3_policy(config: PolicyConfig, seed: int) -> ActorCriticPolicy:
    """Return a fresh SB3 actor-critic policy (ReLU) of the given shape; its seed fixes its weights.

    Raises:
        UserError: for a policy with a memory or auxiliary outputs, which SB3 does not have.
    """
    if config.memory or config.auxiliary:
        raise UserError("SB3's policies have neither a memory nor auxiliary outputs: leave them out here")
    torch.manual_seed(derive_seed(seed, "teacher", "weights"))
    return ActorCriticPolicy(
        observation_space(config), action_space(config), lr_schedule=lambda _: 1e-3, optimizer_class=_Nothing,
        **policy_arguments(config),
    )  # fmt: skip


class _Nothing:
    """Stands where SB3's policies have an optimiser: who trains one here brings another, and theirs takes a second."""

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        pass


def policy_arguments(config: PolicyConfig) -> dict:
    """Return what SB3 is told of a policy's shape; the critic has hidden layers of its own, as wide."""
    return {"net_arch": list(config.hidden), "activation_fn": torch.nn.ReLU, "log_std_init": START_LOG_STD}


def observation_space(config: PolicyConfig) -> spaces.Box:
    """Return the space of a policy's observations."""
    return spaces.Box(-np.inf, np.inf, (config.observation_size,), np.float32)


def action_space(config: PolicyConfig) -> spaces.Space:
    """Return the space of a policy's actions."""
    if config.head == CATEGORICAL:
        return spaces.Discrete(config.actions)
    return spaces.Box(-1.0, 1.0, (config.actions,), np.float32)


def parameters(policy: ActorCriticPolicy, config: PolicyConfig, observations: Tensor) -> Tensor:
    """Return what an SB3 policy's distribution over actions is made of, as `losses` takes it.

    To the last bit what `policy.get_distribution` says, without its checks, which take as long as a layer.
    """
    outputs = policy.action_net(policy.mlp_extractor.forward_actor(observations))
    if config.head == CATEGORICAL:
        return outputs - outputs.transpose(-1, -2).logsumexp(-2, keepdim=True).transpose(-1, -2)
    return torch.cat([outputs, policy.log_std.clamp(*LOG_STD).expand_as(outputs)], dim=-1)


def _linear(policy: ActorCriticPolicy) -> list[torch.nn.Linear]:
    return [m for m in policy.mlp_extractor.policy_net if isinstance(m, torch.nn.Linear)] + [policy.action_net]


def export_actor(
    config: PolicyConfig, policy: ActorCriticPolicy | BaseAlgorithm,
    normaliser: Normaliser | VecNormalize | None = None, cut: bool = False,
) -> NetworkPolicy:  # fmt: skip
    """Return the actor of an SB3 policy as a policy of ours: the same distribution, without torch.

    It is compared with SB3's on 1,000 observations before it is returned.

    Args:
        config: Its shape.
        policy: SB3's, or the model that it is of. A policy by itself does not know whether a VecNormalize stood before
            it; a model does, and that is converted too.
        normaliser: Mean and standard deviation that its observations were normalised with, or the VecNormalize that
            did it; none if not given.
        cut: Whether the deviations of a Gaussian are meant to be cut off as `parameters` does it.

    Raises:
        UserError: if it has anything that a policy of ours has not, by name, or acts otherwise in the end.
    """
    if isinstance(policy, BaseAlgorithm):
        normaliser = policy.get_vec_normalize_env() if normaliser is None else normaliser
        policy = policy.policy
    policy = require_convertible(config, policy)
    if isinstance(normaliser, VecNormalize):
        normaliser = statistics(normaliser, policy.observation_space)
    if config.head == GAUSSIAN and not cut:
        require_deviations(policy)
    size = config.observation_size
    mean, std = normaliser or (np.zeros(size, np.float32), np.ones(size, np.float32))
    arrays = {"mean": np.asarray(mean, np.float32), "std": np.asarray(std, np.float32)}
    for layer, module in enumerate(_linear(policy)):
        arrays[f"layer{layer}.weight"] = module.weight.detach().cpu().numpy().T.copy()
        arrays[f"layer{layer}.bias"] = module.bias.detach().cpu().numpy().copy()
    if config.head == GAUSSIAN:
        arrays["log_std"] = np.clip(policy.log_std.detach().cpu().numpy(), *LOG_STD)
    exported = NetworkPolicy(config, arrays)
    require_same(exported, policy)
    return exported


def import_actor(policy: ActorCriticPolicy, start: NetworkPolicy) -> None:
    """Put a policy's weights into the actor of an SB3 policy of the same shape; its normaliser is not part of that."""
    with torch.no_grad():
        for layer, module in enumerate(_linear(policy)):
            module.weight.copy_(torch.from_numpy(start.arrays[f"layer{layer}.weight"].T.copy()))
            module.bias.copy_(torch.from_numpy(start.arrays[f"layer{layer}.bias"]))
        if start.config.head == GAUSSIAN:
            policy.log_std.copy_(torch.from_numpy(start.arrays["log_std"]))
