"""Behaviour cloning: students learn the actions that were demonstrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from testbed.demonstrations.transitions import as_actions
from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.likelihood import (
    gaussian_negative_log_likelihood,
    negative_log_likelihood,
    squared_error,
)
from testbed.distillation.source import Source
from testbed.distillation.stacked import Loss, Training, train_stacked
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig


@dataclass(frozen=True)
class Cloning:
    """Maximises the likelihood of what was demonstrated, or brings continuous actions close to it."""

    training: Training = Training()
    """Training, and again after each round."""
    loss: Literal["likelihood", "squared-error"] = "likelihood"
    """`squared-error` is for continuous actions alone; its deviations stay as they were."""
    rounds: int = 0
    """Rounds of DAgger (Ross, Gordon and Bagnell 2011): students act, and learn what the teacher would have done."""
    episodes: int = 64
    """Episodes of each student a round."""

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once; see `testbed.distillation.distil`."""
        loss = _loss(self.loss, config)
        samples = shared_samples(sources, state_actions)
        for source in sources if self.rounds else ():
            source.check_interactive()
        for number in range(self.rounds):
            students = train_stacked(config, samples, seeds, loss, self.training, starts)
            samples = [
                _with_answers(one, source, student, f"round-{number}", self.episodes)
                for one, source, student in zip(samples, sources, students, strict=True)
            ]
        return train_stacked(config, samples, seeds, loss, self.training, starts, journal)


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


def shared_samples(sources: Sequence[Source], make) -> list[Samples]:
    """Return the samples of every source; those of one source are made, and kept, once."""
    made = {id(source): make(source) for source in {id(s): s for s in sources}.values()}
    return [made[id(source)] for source in sources]


def _with_answers(samples: Samples, source: Source, student: NetworkPolicy, purpose: str, count: int) -> Samples:
    """Return samples, and what the teacher would have done where the student went."""
    visited = source.acted(student.config.environment, student, purpose, count)
    answers = as_actions(source.asked().act(visited.observations))
    assert samples.targets is not None and samples.lengths is not None
    return replace(
        samples,
        observations=np.concatenate([samples.observations, visited.observations]),
        targets=np.concatenate([samples.targets, answers]),
        lengths=np.concatenate([samples.lengths, visited.lengths]),
    )
