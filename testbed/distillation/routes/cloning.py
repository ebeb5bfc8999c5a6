"""Behaviour cloning: students learn the actions that were demonstrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.likelihood import (
    gaussian_negative_log_likelihood,
    negative_log_likelihood,
    squared_error,
)
from testbed.distillation.rounds import round_purposes, train_in_rounds
from testbed.distillation.route import Need, Trained
from testbed.distillation.source import Source
from testbed.distillation.stacked import Loss
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import as_actions


@dataclass(frozen=True)
class Cloning(Trained):
    """Maximises the likelihood of what was demonstrated, or brings continuous actions close to it."""

    name: ClassVar[str] = "cloning"
    loss: Literal["likelihood", "squared-error"] = "likelihood"
    """`squared-error` is for continuous actions alone; its deviations stay as they were."""
    rounds: int = 0
    """Rounds of DAgger (Ross, Gordon and Bagnell 2011): students act, and learn what the teacher would have done; they
    are trained anew after each."""
    episodes: int = 64
    """Episodes of each student a round."""

    @property
    def needs(self) -> frozenset[Need]:
        """Nothing but decisions, unless there are rounds."""
        return frozenset(("teacher", "scenes") if self.rounds else ())

    @property
    def purposes(self) -> Sequence[tuple[str, int]]:
        """Return those of the rounds."""
        return round_purposes(self.rounds, self.episodes)

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once; see `Route.distil`."""
        loss, rounds = _loss(self.loss, config), (self.rounds, self.episodes)
        return train_in_rounds(
            config, sources, seeds, state_actions, _actions, loss, self.training, rounds, starts, journal
        )  # fmt: skip


def _loss(name: str, config: PolicyConfig) -> Loss:
    if config.head == CATEGORICAL:
        if name != "likelihood":
            raise UserError(f"{name} is a loss for continuous actions; {config.environment} has discrete ones")
        return negative_log_likelihood
    return gaussian_negative_log_likelihood if name == "likelihood" else squared_error


def state_actions(source: Source) -> Samples:
    """Return what was seen and what was done."""
    decisions = source.decisions
    return Samples(decisions.observations, decisions.actions, lengths=decisions.lengths)


def _actions(teacher: NetworkPolicy, observations: np.ndarray) -> np.ndarray:
    """Return what the teacher would do."""
    return as_actions(teacher.act(observations))


ROUTE = Cloning
