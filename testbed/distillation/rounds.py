"""Learning from a teacher in rounds: students act, and what the teacher says of where they went joins their samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from testbed.distillation.batches import Samples
from testbed.distillation.config import Training
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.source import Source
from testbed.distillation.stacked import Loss, train_stacked
from testbed.policies.network import NetworkPolicy, PolicyConfig

Answers = Callable[[NetworkPolicy, np.ndarray], np.ndarray]
"""(teacher, observations) -> what a student should learn there."""


def round_purposes(rounds: int, episodes: int) -> list[tuple[str, int]]:
    """Return the purposes of the scenes of some rounds, and how many of each."""
    return [(f"round-{number}", episodes) for number in range(rounds)]


def shared_samples(sources: Sequence[Source], make: Callable[[Source], Samples]) -> list[Samples]:
    """Return the samples of every source; those of one source are made, and kept, once."""
    made = {id(source): make(source) for source in {id(s): s for s in sources}.values()}
    return [made[id(source)] for source in sources]


def train_in_rounds(
    config: PolicyConfig,
    sources: Sequence[Source],
    seeds: Sequence[int],
    make: Callable[[Source], Samples],
    answers: Answers,
    loss: Loss,
    training: Training,
    rounds: tuple[int, int] = (0, 0),
    starts: Sequence[NetworkPolicy] | None = None,
    journal: Journal = SILENT,
) -> list[NetworkPolicy]:
    """Return k students of k sources, trained on their samples, and anew after each round.

    Args:
        config: Shape of every student.
        sources: What each student learns from.
        seeds: One each.
        make: Makes the samples of a source.
        answers: What joins them where a student went.
        loss: See `train_stacked`.
        training: Each time.
        rounds: How many, and episodes of each student a round.
        starts: What the students begin as each time; fresh networks if not given.
        journal: Of the last training.

    Raises:
        UserError: if there are to be rounds, and a source lacks a teacher or scenes.
    """
    samples, (count, episodes) = shared_samples(sources, make), rounds
    for source in sources if count else ():
        source.check_interactive()
    for purpose, _ in round_purposes(count, episodes):
        students = train_stacked(config, samples, seeds, loss, training, starts)
        samples = [
            _joined(one, source, student, answers, purpose, episodes)
            for one, source, student in zip(samples, sources, students, strict=True)
        ]
    return train_stacked(config, samples, seeds, loss, training, starts, journal)


def _joined(
    samples: Samples, source: Source, student: NetworkPolicy, answers: Answers, purpose: str, count: int
) -> Samples:
    """Return samples, and the teacher's answers where the student went."""
    visited = source.rollout(student.config.environment, student, purpose, count)
    assert samples.targets is not None and samples.lengths is not None
    return replace(
        samples,
        observations=np.concatenate([samples.observations, visited.observations]),
        targets=np.concatenate([samples.targets, answers(source.require_teacher(), visited.observations)]),
        lengths=np.concatenate([samples.lengths, visited.lengths]),
    )
