"""Advantage-weighted cloning: students learn what the teacher does, and the more the better that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.likelihood import gaussian_log_likelihood, log_likelihood
from testbed.distillation.losses.value import advantage_weights, value_regression
from testbed.distillation.rounds import shared_samples
from testbed.distillation.route import Cost, Need, Trained
from testbed.distillation.source import Source
from testbed.distillation.stacked import train_stacked
from testbed.distillation.teachers.values import action_values, value_config, values_of
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig


@dataclass(frozen=True)
class Advantage(Trained):
    """Clones the actions that were done while the teacher explored, weighted by what they are worth: by exp(advantage)
    (Peng et al. 2019), of the student's own values, which it regresses first. That gives the explored policy times
    exp(advantage): it is cloning of the teacher, and value says where."""

    name: ClassVar[str] = "advantage"
    taught: Literal["q", "v"] = "q"
    """What is regressed: the values of actions and states, or of states alone."""
    temperature: float = 1.0
    """Of the weights, in standard deviations of the advantage: small prefers the best, large clones."""
    discount: float = 0.97
    """What a reward one decision later is worth, where the advantage comes from V."""

    @property
    def needs(self) -> frozenset[Need]:
        """The teacher's values."""
        return frozenset(("teacher", "values"))

    @property
    def cost(self) -> Cost:
        """Return what all trainings take: of V, of Q, and of the policy."""
        times = 2 if self.taught == "v" else 3
        return Cost(times * self.training.steps, times * self.training.steps * self.training.batch)

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once; see `Route.distil`."""
        if config.memory:
            raise UserError("a student with a memory cannot be weighted by its values: choose value, or another route")
        students = self._advantages(sources, config, seeds, Journal(on_progress=journal.on_progress))
        samples = [
            Samples(
                source.require_values().decisions.observations,
                _weighted(source.require_values().decisions.actions, advantages, self.temperature),
            )
            for source, advantages in zip(sources, students, strict=True)
        ]
        loss = weighted_likelihood if config.head == CATEGORICAL else weighted_gaussian_likelihood
        return train_stacked(config, samples, seeds, loss, self.training, starts, journal)

    def _advantages(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int], journal: Journal
    ) -> list[np.ndarray]:
        """Return what each student's own values say of the demonstrated actions, each shape (n,)."""
        states = PolicyConfig(config.environment, config.observation_size, 1, config.hidden)
        samples = shared_samples(sources, _state_values)
        worth = train_stacked(states, samples, seeds, value_regression, self.training, journal=journal)
        if self.taught == "v":
            return [_temporal_advantage(v, s, self.discount) for v, s in zip(worth, sources, strict=True)]
        samples = shared_samples(sources, action_values)
        shape, further = value_config(config, config.hidden), Journal(on_progress=journal.on_progress)
        actions = train_stacked(shape, samples, seeds, value_regression, self.training, journal=further)
        return [_advantage(q, v, source, config) for q, v, source in zip(actions, worth, sources, strict=True)]


def _state_values(source: Source) -> Samples:
    decisions = source.require_values().decisions
    return Samples(decisions.observations, source.require_values().of_states(decisions.observations)[:, None])


def _advantage(q: NetworkPolicy, v: NetworkPolicy, source: Source, config: PolicyConfig) -> np.ndarray:
    decisions = source.require_values().decisions
    chosen = values_of(q, decisions.observations, decisions.actions, config)
    return chosen - v.parameters(decisions.observations)[:, 0]


def _temporal_advantage(v: NetworkPolicy, source: Source, discount: float) -> np.ndarray:
    """Return r + discount * V(s') - V(s)."""
    decisions = source.require_values().decisions
    after = v.parameters(decisions.next_observations)[:, 0] * ~decisions.terminated
    return decisions.rewards + discount * after - v.parameters(decisions.observations)[:, 0]


def _weighted(actions: np.ndarray, advantages: np.ndarray, temperature: float) -> np.ndarray:
    """Return actions with their weight beside them, shape (n, size + 1), float32."""
    scaled = torch.from_numpy((advantages / max(float(advantages.std()), 1e-6)).astype(np.float32))
    weights = advantage_weights(scaled, temperature).numpy()
    return np.concatenate([actions.reshape(len(actions), -1), weights[:, None]], axis=1).astype(np.float32)


def weighted_likelihood(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of -w log pi(a | s) (Peng et al. 2019, eq. 10); targets are action and weight, shape (..., n,
    2)."""
    return -(targets[..., 1] * log_likelihood(logits, targets[..., 0].long())).mean()


def weighted_gaussian_likelihood(parameters: Tensor, targets: Tensor) -> Tensor:
    """Return the same of a Gaussian policy; targets are action and weight, shape (..., n, size + 1)."""
    return -(targets[..., -1] * gaussian_log_likelihood(parameters, targets[..., :-1])).mean()


ROUTE = Advantage
