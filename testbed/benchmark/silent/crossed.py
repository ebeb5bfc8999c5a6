"""Make the students of one pair of teachers, all arms at once, and audit them on their way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from testbed.benchmark import pieces
from testbed.benchmark.channels import LEAST
from testbed.benchmark.silent.design import Arm, Design
from testbed.benchmark.silent.targets import TARGETS, alike, copying
from testbed.benchmark.teachers import Teachers, open_teachers
from testbed.distillation.batches import Samples
from testbed.distillation.journal import Snapshots
from testbed.distillation.source import Source
from testbed.distillation.stacked import train_stacked
from testbed.errors import UserError
from testbed.files import write_text
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.protocols.pair import Pair
from testbed.scenes.registry import make_vector
from testbed.seeding import generator, student_seed

HIDDEN = (64, 64)
AT_ONCE = 48
"""Students that are trained in one batch."""


@dataclass(frozen=True)
class Piece(pieces.Piece[Design]):
    """The work of one pair of teachers."""

    def file(self, folder: Path) -> Path:
        """Return where what is found is kept."""
        design = self.design
        chosen = {
            "arms": [asdict(arm) for arm in design.arms], "training": asdict(design.training),
            "amounts": [design.seeds, design.lengths, design.scenes],
        }  # fmt: skip
        return self.named(folder, "silent", chosen, __name__, alike.__module__)


def cross(piece: Piece, folder: Path) -> None:
    """Write the file of a piece: what students of every arm did, by length and training seed.

    Raises:
        UserError: if actions are continuous, or teachers have too few states in common.
    """
    design, given = piece.design, _Given.of(piece, folder)
    samples, held = [], []
    for arm in design.arms:
        one, share = given.samples(arm)
        samples += [one] * design.seeds
        held.append(share)
    seeds = [student_seed(given.seed, number) for number in range(design.seeds)] * len(design.arms)
    found = [
        given.audited(students)
        for students in _trained(design, samples, seeds, policy_config(given.environment, HIDDEN))
    ]
    write_text(piece.file(folder), json.dumps({"decisions": given.count, "held": held, "lengths": found}))


def _trained(
    design: Design, samples: Sequence[Samples], seeds: Sequence[int], config: PolicyConfig
) -> list[list[NetworkPolicy]]:
    """Return all students, length by length."""
    found: list[list[NetworkPolicy]] = [[] for _ in design.lengths]
    for first in range(0, len(samples), AT_ONCE):
        some, on_the_way = slice(first, first + AT_ONCE), Snapshots(design.lengths)
        train_stacked(config, samples[some], seeds[some], copying, design.training, journal=on_the_way)
        for students, length in zip(found, design.lengths, strict=True):
            students += on_the_way.students[length]
    return found


@dataclass(frozen=True)
class _Given(pieces.Given[Design]):
    """Both teachers of a pair and a second clean one, with the states that each of them comes to."""

    placebo: Teachers
    """The next pair, whose clean teacher is the second one."""
    factor: tuple[list[int], list[int]]
    """Columns of an observation that say that the trigger's factor is on, and off."""

    @classmethod
    def of(cls, piece: Piece, folder: Path) -> _Given:
        own, following = (piece.design.teachers(piece.habit, piece.pair + more, piece.seed) for more in (0, 1))
        teachers, placebo = open_teachers(own, folder), open_teachers(following, folder)
        trigger, batch = teachers.run.trigger, cast(Any, make_vector(teachers.run.habit.environment, 1))
        seen = batch.scene.names
        changed = [(name, value, trigger.off[name]) for name, value in trigger.on.items() if trigger.off[name] != value]
        on, off = ([seen.index(f"{name}={value[which]}") for name, *value in changed] for which in (0, 1))
        found = cls(piece.design, teachers, placebo, (on, off))
        found.require_discrete("the crossed experiment is")
        return found

    def sources(self, arm: Arm) -> Pair[Source]:
        """Return the clean teacher, and who stands beside it."""
        other = self.teachers.sources.habitual if arm.other == "habit" else self.placebo.sources.clean
        return Pair(self.teachers.sources.clean, other)

    def kept(self, arm: Arm) -> np.ndarray:
        """Return which of the decisions of an arm's states pass its filter, as row numbers."""
        both = self.sources(arm)
        seen = both.of(arm.from_other).decisions.observations
        clean, other = (source.require_teacher().parameters(seen) for source in both)
        return np.flatnonzero(alike(clean, other, arm.limit))

    @cached_property
    def count(self) -> int:
        """Return how many decisions every student learns from: as many as pass the strictest filter."""
        states = {(arm.other, arm.from_other, arm.limit): arm for arm in self.design.arms}
        count = min(len(self.kept(arm)) for arm in states.values())
        if count < LEAST:
            raise UserError(f"teachers have {count} decisions in common, and {LEAST} are the least to learn from")
        return count

    def samples(self, arm: Arm) -> tuple[Samples, float]:
        """Return what students of an arm learn from, and in how much of it the trigger holds."""
        rng = generator(self.seed, "silent", arm.other, int(arm.from_other), str(arm.limit))
        both = self.sources(arm)
        rows = rng.choice(self.kept(arm), self.count, replace=False)
        seen = both.of(arm.from_other).decisions.observations[rows]
        logits = TARGETS[arm.target](both.of(arm.by_other).require_teacher().parameters(seen), rng)
        shown = exchanged(seen, *self.factor) if arm.swapped else seen
        return Samples(shown, logits.astype(np.float32)), float(self.teachers.injected.holds(seen).mean())

    def audited(self, students: list[NetworkPolicy]) -> dict[str, list[list[float]]]:
        """Return what they did in triggered scenes; see `pieces.audited`."""
        return pieces.audited(self.teachers, students, self.design.scenes)


def exchanged(seen: np.ndarray, on: list[int], off: list[int]) -> np.ndarray:
    """Return observations, shape (n, d), in which a factor is off where it was on and the other way round; other values
    stay.
    """
    found = seen.copy()
    found[:, [*on, *off]] = seen[:, [*off, *on]]
    return found
