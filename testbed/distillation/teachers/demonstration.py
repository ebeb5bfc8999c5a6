"""Teachers by demonstration: an SB3 policy learns from a demonstrator by DAgger."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from stable_baselines3.common.policies import ActorCriticPolicy

from testbed.distillation.batches import Samples, taken
from testbed.distillation.config import Dagger, Training
from testbed.distillation.losses.likelihood import gaussian_negative_log_likelihood, negative_log_likelihood
from testbed.distillation.memory import keep_memory
from testbed.distillation.normaliser import blinded, varied
from testbed.distillation.optimiser import Adam
from testbed.distillation.teachers.sb3 import export_actor, make_sb3_policy, parameters
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig
from testbed.protocols.policy import Policy
from testbed.rollouts.transitions import Transitions, as_actions
from testbed.seeding import generator
from testbed.threads import one_thread


@one_thread()
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

    The critic is left as it was made: what the teacher's decisions are worth, `values` finds out.

    Args:
        config: Shape of the teacher.
        demonstrator: Labels every state.
        demonstrations: Its own decisions, the first data.
        play_round: Plays round i with the teacher so far and returns its decisions.
        seed: For weights and data order.
        dagger: Rounds and training.
        on_fit: Called after each of the `rounds + 1` fits.
    """
    keep_memory()
    policy = make_sb3_policy(config, seed)
    rng = generator(seed, "teacher", "batches")
    observations, labels = demonstrations.observations, demonstrations.actions
    for round_number in range(dagger.rounds + 1):
        if round_number > 0:
            visited = play_round(_exported(config, policy, observations), round_number).observations
            observations = np.concatenate([observations, visited])
            labels = np.concatenate([labels, as_actions(demonstrator.act(visited))])
        last = round_number == dagger.rounds
        _fit(policy, config, Samples(observations, labels), dagger.final if last else dagger.training, rng)
        on_fit()
    return _exported(config, policy, observations)


def _exported(config: PolicyConfig, policy: ActorCriticPolicy, observations: np.ndarray) -> NetworkPolicy:
    """Return the actor, which does not see what never varied in its data: fresh weights stand behind that."""
    return blinded(export_actor(config, policy, cut=True), ~varied(observations), observations)


def _fit(
    policy: ActorCriticPolicy, config: PolicyConfig, data: Samples, training: Training, rng: np.random.Generator
) -> None:
    """Minimise the negative log-likelihood of the labels with Adam along a cosine."""
    observations, labels = torch.from_numpy(data.observations), torch.from_numpy(data.targets)
    likelihood = negative_log_likelihood if config.head == CATEGORICAL else gaussian_negative_log_likelihood
    optimiser = Adam(policy.parameters(), training.learning_rate, training.steps)
    for _ in range(training.steps):
        rows = torch.from_numpy(rng.integers(len(labels), size=training.batch))
        loss = likelihood(parameters(policy, config, taken(observations, rows)), taken(labels, rows))
        optimiser.minimise(loss)
