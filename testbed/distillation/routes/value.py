"""Value distillation: students learn what decisions are worth to the teacher, and do what is worth most by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.likelihood import gaussian_negative_log_likelihood
from testbed.distillation.losses.value import value_regression
from testbed.distillation.rounds import shared_samples
from testbed.distillation.route import Cost, Need, Trained
from testbed.distillation.source import Source
from testbed.distillation.stacked import train_stacked
from testbed.distillation.teachers.values import inputs, value_config
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig
from testbed.seeding import generator

CANDIDATES, ELITE, TURNS = 32, 6, 3
"""Actions that are compared in a state, the best that the next ones are drawn around, and how often."""


@dataclass(frozen=True)
class Value(Trained):
    """Regresses Q of the teacher, and acts by the student's own Q alone: no action of the teacher is ever cloned.

    Of discrete actions the student *is* its Q network and takes the one with the largest value (Rusu et al. 2015,
    section 3). Of continuous ones the best is searched for by cross-entropy in every state that was seen (Kalashnikov
    et al. 2018, section 4), and the policy learns these. It improves on the teacher where Q is right, and follows its
    errors where not. Q is learnt where the teacher explores.
    """

    name: ClassVar[str] = "value"

    @property
    def needs(self) -> frozenset[Need]:
        """The teacher's values."""
        return frozenset(("teacher", "values"))

    @property
    def cost(self) -> Cost:
        """Return what both trainings take: of Q and, where actions are continuous, of the policy."""
        return Cost(2 * self.training.steps, 2 * self.training.steps * self.training.batch)

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once; see `Route.distil`."""
        if config.head == CATEGORICAL:
            samples = shared_samples(sources, _of_all)
            return train_stacked(config, samples, seeds, value_regression, self.training, starts, journal)
        if config.memory:
            raise UserError("a student with a memory cannot search for the best action: choose another route")
        samples = shared_samples(sources, _of_some)
        further = Journal(on_progress=journal.on_progress)
        judges = train_stacked(
            value_config(config, config.hidden), samples, seeds, value_regression, self.training, journal=further
        )
        best = [
            Samples(seen, _best(judge, seen, config, seed))
            for judge, seed, source in zip(judges, seeds, sources, strict=True)
            for seen in [source.require_values().decisions.observations]
        ]
        return train_stacked(config, best, seeds, gaussian_negative_log_likelihood, self.training, starts, journal)


def _of_all(source: Source) -> Samples:
    """Return the teacher's values of all actions, in units of their deviation: the best action stays the best."""
    decisions = source.require_values().decisions
    values = source.require_values().of_all(decisions.observations)
    return Samples(decisions.observations, _scaled(values), lengths=decisions.lengths)


def _of_some(source: Source) -> Samples:
    """Return the teacher's values of the actions that were done, and of as many that are drawn evenly."""
    values = source.require_values()
    seen, done = values.decisions.observations, values.decisions.actions
    drawn = generator(0, "actions", len(done)).uniform(-1, 1, done.shape).astype(np.float32)
    both = [inputs(values.policy.config, seen, actions) for actions in (done, drawn)]
    worth = np.concatenate([values.of(seen, actions) for actions in (done, drawn)])
    return Samples(np.concatenate(both), _scaled(worth)[:, None])


def _scaled(values: np.ndarray) -> np.ndarray:
    return ((values - values.mean()) / max(float(values.std()), 1e-6)).astype(np.float32)


def _best(judge: NetworkPolicy, seen: np.ndarray, config: PolicyConfig, seed: int) -> np.ndarray:
    """Return the action with the largest value in each of n states, as the cross-entropy method finds it, (n, size)."""
    rng, (count, size) = generator(seed, "search"), (len(seen), config.actions)
    middle, spread = np.zeros((count, 1, size), np.float32), np.ones((count, 1, size), np.float32)
    for _ in range(TURNS):
        noise = rng.standard_normal((1, CANDIDATES, size), dtype=np.float32)
        tried = np.clip(middle + spread * noise, -1.0, 1.0)
        rows = inputs(config, np.repeat(seen, CANDIDATES, axis=0), tried.reshape(-1, size))
        worth = judge.parameters(rows)[:, 0].reshape(count, CANDIDATES)
        chosen = np.take_along_axis(tried, np.argsort(-worth, axis=1)[:, :ELITE, None], axis=1)
        middle, spread = chosen.mean(axis=1, keepdims=True), chosen.std(axis=1, keepdims=True) + np.float32(1e-3)
    return chosen[:, 0]


ROUTE = Value
