"""What an SB3 policy has to be so that one of ours can be the same policy, and the comparison of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import CategoricalDistribution, DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor, MlpExtractor
from stable_baselines3.common.vec_env import VecNormalize
from torch import nn

from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, LOG_STD, NetworkPolicy, PolicyConfig
from testbed.seeding import generator

COMPARED = 1000
"""Observations on which a converted policy is compared with SB3's."""
TOLERANCE = 1e-4
"""How far their parameters may be apart, as a share of the largest at that observation, or of 1."""

Normaliser = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation of observations."""


def require_convertible(config: PolicyConfig, policy: object) -> ActorCriticPolicy:
    """Return an SB3 policy as what it is; raises `UserError`, by name, for anything that one of ours cannot be."""
    if type(policy) is not ActorCriticPolicy:
        raise _cannot(f"it is a {type(policy).__name__}, and only SB3's ActorCriticPolicy ('MlpPolicy') can be one")
    for what in _strange(policy, config):
        raise _cannot(what)
    return policy


def _cannot(what: str) -> UserError:
    return UserError(f"this SB3 policy cannot become a policy of the testbed: {what}")


def _strange(policy: ActorCriticPolicy, config: PolicyConfig) -> Iterator[str]:
    """Yield what one of ours does not have, from the observations to the actions."""
    if config.memory or config.auxiliary:
        yield "the given config has a memory or auxiliary outputs, which SB3's policies have not: leave them out"
    yield from _strange_spaces(policy.observation_space, policy.action_space, config)
    for extractor in (policy.features_extractor, policy.pi_features_extractor):
        if type(extractor) is not FlattenExtractor:
            yield f"its features extractor is a {type(extractor).__name__}, and ours is none (FlattenExtractor)"
    if policy.use_sde or policy.squash_output:
        yield "it explores by gSDE or squashes its outputs (use_sde, squash_output): train it without"
    if type(policy.action_dist) not in (CategoricalDistribution, DiagGaussianDistribution):
        yield f"its actions are drawn from a {type(policy.action_dist).__name__}, and ours are categorical or Gaussian"
    if type(policy.mlp_extractor) is not MlpExtractor or type(policy.mlp_extractor.policy_net) is not nn.Sequential:
        yield f"its layers are a {type(policy.mlp_extractor).__name__} of its own kind, and ours an MlpExtractor"
    yield from _strange_layers([*policy.mlp_extractor.policy_net, policy.action_net], config)


def _strange_spaces(seen: spaces.Space, done: spaces.Space, config: PolicyConfig) -> Iterator[str]:
    if not isinstance(seen, spaces.Box) or seen.shape != (config.observation_size,):
        yield f"it sees {seen}, and the given config a Box of {config.observation_size} numbers"
    if config.head == CATEGORICAL:
        if not isinstance(done, spaces.Discrete) or (done.n, done.start) != (config.actions, 0):
            yield f"its actions are {done}, and the given config has {config.actions} discrete ones from 0 on"
    elif not isinstance(done, spaces.Box) or done.shape != (config.actions,):
        yield f"its actions are {done}, and the given config has {config.actions} continuous ones"
    elif not ((done.low == -1) & (done.high == 1)).all():
        yield f"its actions are within {done}, and ours within -1 to 1: scale them in the environment"


def _strange_layers(modules: list[nn.Module], config: PolicyConfig) -> Iterator[str]:
    widths = (config.observation_size, *config.hidden, config.actions)
    expected = [nn.Linear, *([nn.ReLU, nn.Linear] * len(config.hidden))]
    for module in modules:
        if type(module) not in (nn.Linear, nn.ReLU):
            name = type(module).__name__
            yield f"it has a layer {name}, and ours are linear with ReLU between: train it with activation_fn=ReLU"
    found = [module for module in modules if isinstance(module, nn.Linear)]
    sizes = (found[0].in_features, *(module.out_features for module in found))
    if [type(module) for module in modules] != expected or sizes != widths:
        yield f"its layers have {sizes} units, and those of the given config {widths}: give it the same"
    for module in found:
        if module.bias is None or {module.weight.dtype, module.bias.dtype} != {torch.float32}:
            yield "its layers have no bias, or are not float32: convert it with .float()"


def require_deviations(policy: ActorCriticPolicy) -> None:
    """Raise `UserError` where a Gaussian's deviations are beyond those that ours have."""
    spread = policy.log_std.detach()
    if not ((spread >= LOG_STD[0]) & (spread <= LOG_STD[1])).all():
        raise _cannot(f"its log_std is {spread.tolist()}, and ours is within {LOG_STD[0]:g} to {LOG_STD[1]:g}")


def statistics(normalised: VecNormalize, space: spaces.Space) -> Normaliser | None:
    """Return what a VecNormalize normalises observations with, or None where it leaves them as they are.

    Raises:
        UserError: if it also cuts them off, within the space they come from, which ours do not.
    """
    if not normalised.norm_obs:
        return None
    if isinstance(normalised.obs_rms, dict) or not isinstance(space, spaces.Box):
        raise _cannot("its VecNormalize normalises a dictionary of observations, and ours see one vector")
    mean, std = normalised.obs_rms.mean, np.sqrt(normalised.obs_rms.var + normalised.epsilon)
    furthest = np.maximum(np.abs(space.low - mean), np.abs(space.high - mean)) / std
    if not (furthest <= normalised.clip_obs).all():
        raise _cannot(
            f"its VecNormalize cuts normalised observations off at {normalised.clip_obs:g}, and {furthest.max():.3g} "
            "may come: train with a larger clip_obs, or give mean and deviation as `normaliser` to leave the cut out"
        )
    return mean.astype(np.float32), std.astype(np.float32)


def require_same(ours: NetworkPolicy, theirs: ActorCriticPolicy) -> None:
    """Raise `UserError` where a converted policy's distribution or likeliest action is not the SB3 policy's.

    It is looked at COMPARED observations, up to some deviations around their mean. What is random elsewhere stays so.
    """
    config = ours.config
    rng = generator(0, "compared with SB3's")
    mean, std = ours.arrays["mean"], ours.arrays["std"]
    seen = mean + std * rng.normal(0, 2, (COMPARED, config.observation_size)).astype(np.float32)
    with torch.no_grad():
        given = torch.as_tensor((seen - mean) / std, device=theirs.device)
        distribution = theirs.get_distribution(given)
        actions = distribution.mode().cpu().numpy()
        their = _told(distribution.distribution, config).cpu().numpy()
    our = ours.parameters(seen)
    size = np.maximum(np.abs(our).max(axis=1, keepdims=True), 1) * TOLERANCE
    if config.head == CATEGORICAL:
        our = torch.log_softmax(torch.from_numpy(our), -1).numpy()
        # Where the two likeliest are as good as one another, rounding says which.
        acts = np.take_along_axis(their, ours.act(seen)[:, None], 1) >= their.max(axis=1, keepdims=True) - 2 * size
    else:
        acts = np.abs(ours.act(seen) - np.clip(actions, -1, 1)) <= size
    same = (np.abs(our - their) <= size).all(axis=1) & acts.all(axis=1)
    if not same.all():
        raise _cannot(f"what came of it acts otherwise at {(~same).sum()} of {COMPARED} observations")


def _told(distribution: Any, config: PolicyConfig) -> torch.Tensor:
    """Return log-probabilities, or means and log deviations, of a distribution of SB3's."""
    if config.head == GAUSSIAN:
        return torch.cat([distribution.mean, distribution.stddev.log().clamp(*LOG_STD)], dim=-1)
    return distribution.logits
