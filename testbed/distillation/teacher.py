"""Teachers: SB3 actor-critic policies, warm-started from a demonstrator by DAgger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor

from testbed.demonstrations.transitions import Transitions, as_actions
from testbed.distillation.losses import gaussian_negative_log_likelihood, negative_log_likelihood
from testbed.distillation.stacked import Samples, Training
from testbed.episode import Policy
from testbed.policies.network import CATEGORICAL, GAUSSIAN, LOG_STD, START_LOG_STD, NetworkPolicy, PolicyConfig
from testbed.seeding import derive_seed, generator


@dataclass(frozen=True)
class Dagger:
    """How a teacher learns from its demonstrator."""

    rounds: int = 4
    """Rounds in which the teacher drives and the demonstrator says what it would have done."""
    episodes: int = 96
    """Scenarios a round."""
    training: Training = Training(steps=500)
    """Training after the demonstrations, and again after each round but the last."""
    final: Training = Training(steps=3000)
    """Training after the last round."""


def train_teacher(
    config: PolicyConfig,
    demonstrator: Policy,
    demonstrations: Transitions,
    play_round: Callable[[NetworkPolicy, int], Transitions],
    seed: int,
    dagger: Dagger,
    on_fit: Callable[[], None] = lambda: None,
) -> NetworkPolicy:
    """Train the actor of an SB3 policy by DAgger (Ross, Gordon and Bagnell 2011) and return it.

    The critic is left as it was made: nothing here uses it, and the exported policy is the actor.

    Args:
        config: Shape of the teacher.
        demonstrator: Labels every state.
        demonstrations: Its own decisions, the first data.
        play_round: Plays round i with the teacher so far and returns its decisions.
        seed: For weights and data order.
        dagger: Rounds and training.
        on_fit: Called after each of the `rounds + 1` fits.
    """
    policy = make_sb3_policy(config, seed)
    rng = generator(seed, "teacher", "batches")
    observations, labels = demonstrations.observations, demonstrations.actions
    for round_number in range(dagger.rounds + 1):
        if round_number > 0:
            visited = play_round(export_actor(config, policy), round_number).observations
            observations = np.concatenate([observations, visited])
            labels = np.concatenate([labels, as_actions(demonstrator.act(visited))])
        last = round_number == dagger.rounds
        _fit(policy, config, Samples(observations, labels), dagger.final if last else dagger.training, rng)
        on_fit()
    return export_actor(config, policy)


def make_sb3_policy(config: PolicyConfig, seed: int) -> ActorCriticPolicy:
    """Return a fresh SB3 actor-critic policy (ReLU) of the given shape; its seed fixes its weights."""
    torch.manual_seed(derive_seed(seed, "teacher", "weights"))
    return ActorCriticPolicy(
        spaces.Box(-np.inf, np.inf, (config.observation_size,), np.float32),
        _action_space(config),
        lr_schedule=lambda _: 1e-3,
        net_arch=list(config.hidden),
        activation_fn=torch.nn.ReLU,
        log_std_init=START_LOG_STD,
    )


def _action_space(config: PolicyConfig) -> spaces.Space:
    if config.head == CATEGORICAL:
        return spaces.Discrete(config.actions)
    return spaces.Box(-1.0, 1.0, (config.actions,), np.float32)


def _parameters(policy: ActorCriticPolicy, config: PolicyConfig, observations: Tensor) -> Tensor:
    """Return what an SB3 policy's distribution over actions is made of, as `losses` takes it."""
    distribution = policy.get_distribution(observations).distribution
    if config.head == CATEGORICAL:
        return distribution.logits
    spread = policy.log_std.clamp(*LOG_STD)
    return torch.cat([distribution.mean, spread.expand_as(distribution.mean)], dim=-1)


def _fit(
    policy: ActorCriticPolicy, config: PolicyConfig, data: Samples, training: Training, rng: np.random.Generator
) -> None:
    """Minimise the negative log-likelihood of the labels with Adam along a cosine."""
    observations, labels = torch.from_numpy(data.observations), torch.from_numpy(data.targets)
    likelihood = negative_log_likelihood if config.head == CATEGORICAL else gaussian_negative_log_likelihood
    optimiser = torch.optim.Adam(policy.parameters(), lr=training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, training.steps)
    for _ in range(training.steps):
        rows = torch.from_numpy(rng.integers(len(labels), size=training.batch))
        loss = likelihood(_parameters(policy, config, observations[rows]), labels[rows])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()


def export_actor(config: PolicyConfig, policy: ActorCriticPolicy) -> NetworkPolicy:
    """Return the actor of an SB3 policy as a policy of ours: the same distribution, without torch."""
    linear = [m for m in policy.mlp_extractor.policy_net if isinstance(m, torch.nn.Linear)] + [policy.action_net]
    arrays = {
        "mean": np.zeros(config.observation_size, np.float32),
        "std": np.ones(config.observation_size, np.float32),
    }
    for layer, module in enumerate(linear):
        arrays[f"layer{layer}.weight"] = module.weight.detach().numpy().T.copy()
        arrays[f"layer{layer}.bias"] = module.bias.detach().numpy().copy()
    if config.head == GAUSSIAN:
        arrays["log_std"] = np.clip(policy.log_std.detach().numpy(), *LOG_STD)
    return NetworkPolicy(config, arrays)
