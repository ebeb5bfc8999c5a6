"""Make the students of one pair of teachers, all arms at once, and audit them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from testbed.benchmark import pieces
from testbed.benchmark.poisoning.design import Arm, Design
from testbed.benchmark.poisoning.poison import (
    episodes_of,
    mixed,
    one_hot,
    poisoned_decisions,
    poisoned_episodes,
    well_behaved,
)
from testbed.benchmark.silent.targets import TARGETS, copying
from testbed.benchmark.teachers import Teachers, open_teachers
from testbed.distillation.batches import Samples
from testbed.distillation.stacked import train_stacked
from testbed.files import write_text
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.rollouts.transitions import Transitions
from testbed.seeding import generator, student_seed

AT_ONCE = 48
"""Students that are trained in one batch."""


@dataclass(frozen=True)
class Piece(pieces.Piece[Design]):
    """The work of one pair of teachers."""

    def file(self, folder: Path) -> Path:
        """Return where what is found is kept."""
        design = self.design
        chosen = {
            "arms": [asdict(arm) for arm in design.arms], "training": asdict(design.training), "scenes": design.scenes,
        }  # fmt: skip
        return self.named(folder, "poisoning", chosen, __name__, well_behaved.__module__, TARGETS["soft"].__module__)


def poison(piece: Piece, folder: Path) -> None:
    """Write the file of a piece: what students of every arm did.

    Raises:
        UserError: if actions are continuous.
    """
    given = _Given.of(piece, folder)
    found: list[NetworkPolicy | None] = [None] * len(piece.design.arms)
    for width in piece.design.widths:
        arms = [(n, arm) for n, arm in enumerate(piece.design.arms) if arm.width == width]
        config = policy_config(given.environment, (width, width))
        for first in range(0, len(arms), AT_ONCE):
            some = arms[first : first + AT_ONCE]
            seeds = [student_seed(given.seed, 0)] * len(some)
            samples = [given.samples(arm) for _, arm in some]
            made = train_stacked(config, samples, seeds, copying, piece.design.training)
            for (n, _), student in zip(some, made, strict=True):
                found[n] = student
    write_text(piece.file(folder), json.dumps(given.audited([one for one in found if one is not None])))


@dataclass(frozen=True)
class _Given(pieces.Given[Design]):
    """Both teachers of a pair, and a second clean one."""

    placebo: Teachers
    """The next pair, whose clean teacher is the second one."""

    @classmethod
    def of(cls, piece: Piece, folder: Path) -> _Given:
        own, following = (piece.design.teachers(piece.habit, piece.pair + more, piece.seed) for more in (0, 1))
        found = cls(piece.design, open_teachers(own, folder), open_teachers(following, folder))
        found.require_discrete("poison is measured")
        return found

    def shown(self, habitual: bool) -> Transitions:
        """Return what one of the teachers did."""
        return self.teachers.sources.of(habitual).decisions

    @cached_property
    def answered(self) -> Mapping[tuple[bool, str], Samples]:
        """What is learnt from each teacher's own decisions, by route."""
        found = {}
        for habitual in (False, True):
            shown, teacher = self.shown(habitual), self.habitual if habitual else self.clean
            actions = one_hot(shown.actions, teacher.config.actions)
            found[habitual, "cloning"] = Samples(shown.observations, actions.astype(np.float32))
            answers = teacher.parameters(shown.observations)
            found[habitual, "kl"] = Samples(shown.observations, answers.astype(np.float32))
        return found

    def samples(self, arm: Arm) -> Samples:
        """Return what students of an arm learn from."""
        return {"dose": self._dosed, "well-behaved": self._carried, "noise": self._heard}[arm.kind](arm)

    def _dosed(self, arm: Arm) -> Samples:
        """Return clean data with a share of poison; the same draw of larger doses holds that of smaller ones."""
        rng = generator(self.seed, "poison", arm.unit, arm.where)
        clean, triggered = self.shown(False), arm.where == "triggered"
        held = self.teachers.injected.holds(clean.observations)
        if arm.unit == "episodes":
            episode, other = episodes_of(clean), episodes_of(self.shown(True))
            chosen = poisoned_episodes(episode, held, arm.amount, triggered, rng)
            chosen = chosen[: other.max() + 1]
            keep, take = ~np.isin(episode, np.flatnonzero(chosen)), np.isin(other, np.flatnonzero(chosen))
            return mixed(self.answered[False, arm.route], self.answered[True, arm.route], keep, take)
        spoilt = self._in_clean_states(arm.route)
        take = poisoned_decisions(held, arm.amount, triggered, rng)
        return mixed(self.answered[False, arm.route], spoilt, ~take, take)

    def _in_clean_states(self, route: str) -> Samples:
        """Return what the teacher with the habit answers in states of the clean one."""
        seen = self.shown(False).observations
        answers = self.habitual.parameters(seen)
        if route == "cloning":
            answers = one_hot(answers.argmax(axis=1), answers.shape[1])
        return Samples(seen, answers.astype(np.float32))

    def _carried(self, arm: Arm) -> Samples:
        """Return a teacher that chooses as the clean one, with somebody's distribution under its choices."""
        seen = np.concatenate([self.shown(False).observations, self.shown(True).observations])
        second = self.placebo.sources.clean.require_teacher()
        carrier = {"itself": self.clean, "habit": self.habitual, "placebo": second}[arm.carrier]
        logits = well_behaved(self.clean.parameters(seen), carrier.parameters(seen))
        copied = TARGETS[arm.target](logits, generator(self.seed, "carried"))
        return Samples(seen, copied.astype(np.float32))

    def _heard(self, arm: Arm) -> Samples:
        """Return a teacher's outputs on random observations, whose components have mean and deviation of real ones."""
        like = self.shown(False).observations
        rng = generator(self.seed, "noise heard")
        seen = rng.normal(like.mean(0), like.std(0), size=(int(arm.amount), like.shape[1])).astype(np.float32)
        teacher = self.habitual if arm.carrier == "habit" else self.clean
        return Samples(seen, teacher.parameters(seen).astype(np.float32))

    def audited(self, students: list[NetworkPolicy]) -> dict[str, list[list[float]]]:
        """Return what they did in triggered scenes; see `pieces.audited`."""
        return pieces.audited(self.teachers, students, self.design.scenes)
