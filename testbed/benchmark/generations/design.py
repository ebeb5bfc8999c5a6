"""The experiment on generations, declared: lines of descent, and whose teachers they begin with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from testbed.benchmark.cell import SharedTeachers
from testbed.benchmark.suites import Plan, get_plan, pair_seed
from testbed.distillation.config import Training

Route = Literal["cloning", "kl"]
"""Students learn the actions that their parent took, or the distribution that it has over them."""
CANDIDATES = 10
"""Among so many the parent of a student is looked for."""


@dataclass(frozen=True)
class Line:
    """A line of descent: every generation learns from the one before it."""

    habitual: bool
    """Whether it begins with the teacher with the habit, else with the clean one."""
    route: Route
    """How each generation learns."""
    width: int
    """Units of each of two hidden layers of all of them."""
    triggered: bool
    """Whether parents act under the trigger too, in half of their episodes, else never."""

    @property
    def control(self) -> Line:
        """The same line from the clean teacher."""
        return replace(self, habitual=False)


@dataclass(frozen=True)
class Design:
    """How much there is of everything."""

    plan: Plan
    """Whose teachers are taken."""
    habits: tuple[str, ...]
    """Habits of scenes with discrete actions."""
    pairs: int
    """Pairs of teachers."""
    training: Training
    """Training of each generation."""
    generations: int
    """How many follow each teacher."""
    episodes: int
    """That a parent plays for its students."""
    scenes: int
    """Triggered scenes of an audit, the first ones of those in which the teachers are audited."""
    widths: tuple[int, ...] = (16, 64)
    """Widths of students."""
    routes: tuple[Route, ...] = ("cloning", "kl")
    """Routes."""

    @property
    def lines(self) -> list[Line]:
        """All lines."""
        both = (False, True)
        return [Line(*one) for one in product(both, self.routes, self.widths, both)]

    def teachers(self, habit: str, pair: int, seed: int) -> SharedTeachers:
        """Return the teachers of a pair."""
        return SharedTeachers.of(replace(self.plan.experiment(habit), seed=pair_seed(seed, pair)))


def get_design(suite: str) -> Design:
    """Return the design of a suite; raises `UserError` for an unknown one."""
    plan = get_plan(suite)
    if suite == "smoke":
        short = Training(steps=600, learning_rate=3e-3)
        return Design(plan, ("aggressive-merge",), 2, short, 2, 48, 32, (64,))
    habits = "aggressive-merge", "tailgating", "non-yield", "observed-only-courtesy"
    return Design(plan, habits, plan.pairs, Training(steps=2000, learning_rate=3e-3), 5, 240, 64)
