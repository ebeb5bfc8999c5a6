"""Students whose hidden layers are drawn to those of a copy that clean data have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from testbed.bounds import Tolerance
from testbed.cures.cure import Known, Need
from testbed.cures.tuning import GoesOn, tuned
from testbed.distillation.batches import Samples, make_batches
from testbed.distillation.config import Training
from testbed.distillation.losses.likelihood import gaussian_negative_log_likelihood, negative_log_likelihood
from testbed.distillation.optimiser import Adam
from testbed.distillation.source import Source
from testbed.distillation.stacked import as_parameters, perceptrons, started_weights, trainable, unstacked
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.rollouts.transitions import Transitions
from testbed.seeding import generator
from testbed.threads import one_thread


@dataclass(frozen=True)
class AttentionDistillation(GoesOn):
    """Neural attention distillation (Li et al. 2021): a copy of each student goes on with clean decisions; then the
    student goes on with them too, and is drawn, layer by layer, to where the copy's activity lies. Of a perceptron
    that is the square of every hidden unit's activity, of length 1 over the layer."""

    name: ClassVar[str] = "attention-distillation"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    weight: Tolerance = 10.0
    """Of the distance of activities, beside the negative log-likelihood [nats]."""

    def finished(
        self, students: Sequence[NetworkPolicy], sources: Sequence[Source], known: Known, seeds: Sequence[int]
    ) -> list[NetworkPolicy]:
        """Return students after both."""
        if students[0].config.memory:
            raise UserError("the hidden layers of a student with a memory are not compared: choose another cure")
        copies = tuned(students, known, [seed + 1 for seed in seeds], self.training)
        return drawn_to(students, copies, known.require_clean(), seeds, self.training, self.weight)


@one_thread()
def drawn_to(
    students: Sequence[NetworkPolicy], copies: Sequence[NetworkPolicy], clean: Transitions, seeds: Sequence[int],
    training: Training, weight: float,
) -> list[NetworkPolicy]:  # fmt: skip
    """Return students that cloned clean decisions while their activity was drawn to that of copies, one each."""
    config = students[0].config
    weights, others = started_weights(config, students), started_weights(config, copies)
    trained = trainable(weights)
    optimiser = Adam(trained.values(), training.learning_rate, training.steps)
    cloning = negative_log_likelihood if config.head == CATEGORICAL else gaussian_negative_log_likelihood
    orders = [generator(seed, "attention") for seed in seeds]
    samples = [Samples(clean.observations, clean.actions)] * len(students)
    for batch in make_batches(config, samples, orders, training.batch).draw(training.steps):
        outputs, own = _looked_into(weights, batch.observations)
        with torch.no_grad():
            _, theirs = _looked_into(others, batch.observations)
        assert batch.targets is not None
        loss = cloning(as_parameters(outputs[..., : config.actions], weights, config), batch.targets)
        apart = sum((one - other).norm(dim=-1).mean() for one, other in zip(own, theirs, strict=True))
        optimiser.minimise((loss + weight * apart) * len(seeds))
    return unstacked(weights, config)


def _looked_into(weights: dict[str, Tensor], observations: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return the outputs of k networks on their batches, and of each hidden layer where its activity lies."""
    maps: list[Tensor] = []

    def noted(hidden: Tensor) -> Tensor:
        active = torch.relu(hidden)
        maps.append(functional.normalize(active**2, dim=-1))
        return active

    standardised = (observations - weights["mean"][:, None]) / weights["std"][:, None]
    return perceptrons(weights, standardised, noted), maps


CURE = AttentionDistillation
