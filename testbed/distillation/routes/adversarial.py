"""Adversarial distillation: students are paid for decisions that a discriminator takes for demonstrated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from testbed.distillation.config import Learning, PPOConfig, Training
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.reinforcement.discriminator import Discriminator
from testbed.distillation.reinforcement.ppo import train_ppo
from testbed.distillation.route import Cost, Need, Route
from testbed.distillation.routes.cloning import Cloning, state_actions
from testbed.distillation.source import Source
from testbed.distillation.stacked import fresh_weights, unstacked
from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.threads import one_thread


@dataclass(frozen=True)
class Adversarial(Route):
    """Generative adversarial imitation (Ho and Ermon 2016): the student practises by PPO, the discriminator learns
    beside it.

    Every student acts in scenes of its own, so they are trained one after the other; several processes train several.
    """

    name: ClassVar[str] = "adversarial"
    at_once: ClassVar[bool] = False
    practice: PPOConfig = PPOConfig()
    """How much the student practises."""
    reward: Literal["gail", "airl"] = "airl"
    """`gail` pays -log(1 - D); `airl` pays log D - log(1 - D) (Fu, Luo and Levine 2018)."""
    cloned: int = 0
    """Steps of cloning that the student begins with, as Ho and Ermon do for hard tasks (section 6); 0 for none."""

    @classmethod
    def usual(cls, learning: Learning) -> Self:
        """Return the route with the usual practice."""
        return cls(learning.practice, cloned=learning.cloned)

    @property
    def length(self) -> int:
        """Iterations of practice."""
        return self.practice.iterations

    def lasting(self, length: int) -> Self:
        """Return the route with so many iterations."""
        return replace(self, practice=replace(self.practice, iterations=length))

    @property
    def cost(self) -> Cost:
        """Return what practice takes; learning from it is in the time of its decisions."""
        practice, training = self.practice, Training()
        decisions = practice.iterations * practice.worlds * practice.steps
        return Cost(practice.iterations, self.cloned * training.batch, decisions)

    @property
    def needs(self) -> frozenset[Need]:
        """Scenes to act in."""
        return frozenset(("scenes",))

    @property
    def purposes(self) -> Sequence[tuple[str, int]]:
        """Return those of practice."""
        return self.practice.purposes

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, one after the other; see `Route.distil`."""
        if config.memory or config.auxiliary:
            raise UserError("students by the adversarial route have neither a memory nor auxiliary outputs")
        if journal.folder is not None and len(seeds) > 1:
            raise ValueError("the journal of adversarial distillation is of one student: distil them one by one")
        given = list(starts) if starts is not None else self._starts(sources, config, seeds)
        return [
            self._one(source, start, seed, journal) for source, start, seed in zip(sources, given, seeds, strict=True)
        ]

    def _starts(self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int]) -> list[NetworkPolicy]:
        if self.cloned:
            return Cloning(Training(steps=self.cloned)).distil(sources, config, seeds)
        return unstacked(fresh_weights(config, [state_actions(source) for source in sources], seeds), config)

    @one_thread()
    def _one(self, source: Source, start: NetworkPolicy, seed: int, journal: Journal) -> NetworkPolicy:
        normaliser = (start.arrays["mean"], start.arrays["std"])
        judge = Discriminator(start.config, normaliser, source.decisions, self.reward, seed)
        return train_ppo(start, source.scenarios, judge, self.practice, seed, judge, journal)


ROUTE = Adversarial
