"""The crossed experiment, declared: its arms, and whose teachers they are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from testbed.benchmark.cell import SharedTeachers
from testbed.benchmark.silent.targets import TARGETS
from testbed.benchmark.suites import Plan, get_plan, pair_seed
from testbed.distillation.config import Training

Other = Literal["habit", "placebo"]
"""Who stands beside the clean teacher: the one with the habit, or a second clean one."""
SOFT = "soft"
CHIEF = 0.05
"""Largest total variation in the states that claims are made of."""


@dataclass(frozen=True)
class Arm:
    """Students that see the states of one teacher and copy another's targets there."""

    other: Other
    """Who stands beside the clean teacher."""
    from_other: bool
    """Whether states are of that other teacher's episodes, else of the clean one's."""
    by_other: bool
    """Whether targets are that other teacher's."""
    target: str = SOFT
    """What is copied of the distribution; a name of `TARGETS`."""
    limit: float = CHIEF
    """Largest total variation between both teachers in the states."""
    swapped: bool = False
    """Whether students see the trigger's factor exchanged."""

    @property
    def contrast(self) -> Arm:
        """The same for all four combinations of states and targets."""
        return replace(self, from_other=False, by_other=False)


@dataclass(frozen=True)
class Design:
    """How much there is of everything."""

    plan: Plan
    """Whose teachers are taken."""
    habits: tuple[str, ...]
    """Habits of scenes with discrete actions."""
    pairs: int
    """Pairs of teachers, at least 2: the second clean teacher is that of the next pair."""
    seeds: int
    """Training seeds of each arm."""
    training: Training
    """Training."""
    lengths: tuple[int, ...]
    """Steps after which students are audited, the last one all of them."""
    scenes: int
    """Triggered scenes, the first ones of those in which the teachers are audited."""
    targets: tuple[str, ...] = tuple(TARGETS)
    """What is copied."""
    limits: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2)
    """Largest total variations."""

    @property
    def arms(self) -> list[Arm]:
        """All arms."""
        both = list(product((False, True), repeat=2))
        habit = [
            Arm("habit", seen, by, target, limit)
            for target in self.targets
            for limit in self.limits
            for seen, by in both
        ]
        placebo = [Arm("placebo", seen, by, SOFT, limit) for limit in self.limits for seen, by in both]
        return [*habit, *(Arm("habit", seen, by, swapped=True) for seen, by in both), *placebo]

    def teachers(self, habit: str, pair: int, seed: int) -> SharedTeachers:
        """Return the teachers of a pair; the pairs stand in a circle."""
        own = pair_seed(seed, pair % self.pairs)
        return SharedTeachers.of(replace(self.plan.experiment(habit), seed=own))


def get_design(suite: str) -> Design:
    """Return the design of a suite; raises `UserError` for an unknown one."""
    plan = get_plan(suite)
    if suite == "smoke":
        return Design(
            plan, ("aggressive-merge",), 2, 1, Training(steps=600, learning_rate=3e-3), (300, 600), 32,
            (SOFT, "hard"), (CHIEF, 0.2),
        )  # fmt: skip
    habits = "aggressive-merge", "non-yield", "observed-only-courtesy"
    return Design(plan, habits, plan.pairs, 1, Training(steps=2000, learning_rate=3e-3), (500, 1000, 2000), 64)
