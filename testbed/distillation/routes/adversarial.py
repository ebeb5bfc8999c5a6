"""Adversarial distillation: students are paid for decisions that a discriminator takes for demonstrated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from testbed.distillation.config import Learning, PPOConfig, Training
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.reinforcement.discriminator import Discriminators
from testbed.distillation.reinforcement.ppo import practise
from testbed.distillation.route import Cost, Need, Route
from testbed.distillation.routes.cloning import Cloning, state_actions
from testbed.distillation.source import NO_SCENES, Source
from testbed.distillation.stacked import fresh_weights, unstacked
from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy, PolicyConfig

CLONING_RATE = 3e-3
"""Step size of the cloning that students begin with; with a third of it they need three times as many steps."""


@dataclass(frozen=True)
class Adversarial(Route):
    """Generative adversarial imitation (Ho and Ermon 2016): the student practises by PPO, the discriminator learns
    beside it. Every student has a discriminator and acts in worlds of its own.
    """

    name: ClassVar[str] = "adversarial"
    together: ClassVar[int | None] = 5
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
        """Return k students of k sources, all trained at once; see `Route.distil`."""
        if config.memory or config.auxiliary:
            raise UserError("students by the adversarial route have neither a memory nor auxiliary outputs")
        scenes = [source.scenes for source in sources if source.scenes is not None]
        if len(scenes) < len(sources):
            raise UserError(NO_SCENES)
        begun = list(starts) if starts is not None else self._starts(sources, config, seeds)
        judges = Discriminators(begun, [source.decisions for source in sources], self.reward, seeds)
        return practise(begun, scenes, judges, self.practice, seeds, judges, journal)

    def _starts(self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int]) -> list[NetworkPolicy]:
        if self.cloned:
            return Cloning(Training(self.cloned, learning_rate=CLONING_RATE)).distil(sources, config, seeds)
        return unstacked(fresh_weights(config, [state_actions(source) for source in sources], seeds), config)


ROUTE = Adversarial
