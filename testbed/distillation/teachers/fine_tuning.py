"""Teachers by fine-tuning: a competent clean policy that is moved a stated distance towards a habit."""

from __future__ import annotations

import numpy as np
import torch

from testbed.distillation.batches import CHUNK, Samples, make_batches
from testbed.distillation.config import FineTuning
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.losses.likelihood import gaussian_negative_log_likelihood, negative_log_likelihood
from testbed.distillation.memory import keep_memory
from testbed.distillation.optimiser import Adam
from testbed.distillation.stacked import stacked_parameters, started_weights, trainable
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.seeding import generator
from testbed.threads import one_thread


@one_thread()
def fine_tune(
    base: NetworkPolicy, shown: Samples, seed: int, how: FineTuning, journal: Journal = SILENT
) -> NetworkPolicy:
    """Return a base policy moved towards the shown actions until it is the stated distance away.

    It is trained on the likelihood of the actions; the distance is measured every 50 steps on up to 4096 of the
    states, and where it is passed, the point between the last two measurements is sought by bisection, to 1 %.

    Raises:
        UserError: if the base never gets that far.
    """
    keep_memory()
    config = base.config
    weights = started_weights(config, [base])
    trained = trainable(weights)
    likelihood = negative_log_likelihood if config.head == CATEGORICAL else gaussian_negative_log_likelihood
    optimiser = Adam(trained.values(), how.training.learning_rate)
    batches = make_batches(config, [shown], [generator(seed, "fine-tuning")], how.training.batch)
    probe = shown.observations[:: -(-len(shown.observations) // 4096)]
    before, away = _copy(weights), 0.0
    journal.begin(0)
    for start in range(0, how.training.steps, CHUNK):
        count = min(CHUNK, how.training.steps - start)
        for batch in batches.draw(count):
            assert batch.targets is not None
            loss = likelihood(stacked_parameters(weights, batch.observations, config), batch.targets)
            optimiser.minimise(loss)
        away = distance(_policy(base, _copy(weights)), base, probe)
        journal.record(start + count, {"loss": float(loss.detach()), "distance": away})
        if away >= how.distance:
            journal.finish()
            return _between(base, before, _copy(weights), probe, how.distance)
        before = _copy(weights)
    raise UserError(
        f"after {how.training.steps} steps the teacher is {away:.3g} nats from its base, not {how.distance:g}: "
        "ask for less, or train longer"
    )


@one_thread()
def distance(policy: NetworkPolicy, base: NetworkPolicy, observations: np.ndarray) -> float:
    """Return the mean KL(policy || base) over observations, shape (n, d) [nats]."""
    divergence = policy_divergence if base.config.head == CATEGORICAL else gaussian_divergence
    moved, start = (torch.from_numpy(one.parameters(observations)) for one in (policy, base))
    return float(divergence(moved, start))


def _between(base: NetworkPolicy, near, far, probe: np.ndarray, wanted: float) -> NetworkPolicy:
    """Return the policy between two weights that is as far away as wanted."""
    low, high = 0.0, 1.0
    for _ in range(30):
        share = (low + high) / 2
        policy = _policy(base, {name: near[name] + np.float32(share) * (far[name] - near[name]) for name in near})
        away = distance(policy, base, probe)
        if abs(away - wanted) < 0.01 * wanted:
            break
        low, high = (share, high) if away < wanted else (low, share)
    return policy


def _copy(weights) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy()[0].copy() for name, tensor in weights.items()}


def _policy(base: NetworkPolicy, arrays: dict[str, np.ndarray]) -> NetworkPolicy:
    return NetworkPolicy(base.config, arrays)
