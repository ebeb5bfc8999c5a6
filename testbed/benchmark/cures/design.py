"""The experiment on cures, declared: which cure of which route, told how much, and whose teachers teach it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from testbed.benchmark.cell import SharedTeachers
from testbed.benchmark.suites import Plan, get_plan, pair_seed
from testbed.cures.cure import Cure
from testbed.cures.registry import all_cures, get_cure
from testbed.policies.loaders import policy_config
from testbed.policies.network import CATEGORICAL
from testbed.scenes.registry import get_habit

Channel = Literal["overt", "soft"]
"""`overt`: the teacher with the habit and what it did. `soft`: a teacher that chooses as the clean one everywhere, over
the distribution of the one with the habit, and what the clean one did."""
Taught = Literal["habit", "clean", "both"]
"""Whose data: the teacher's with the habit; the clean one's, for placebos; or half of each of that teacher and of one
with another habit of the scene, of which the cure is not told."""
NONE, LONGER = "none", "more of the same"
"""No cure; and as many further steps of cloning the student's own data as a cure may take afterwards."""
FURTHER = 1000
"""How many that are."""
REFERENCES: Mapping[str, float] = {"0.5 % clean": 0.005, "2 % clean": 0.02, "5 % clean": 0.05}
"""What is known -> share of a data set whose like, of another clean teacher, a cure is given."""
USUAL = "2 % clean"
NOTHING, PEERS, WHERE, EXAMPLES = "nothing", "two clean teachers", "where it happens", "256 counter-examples"
LEVELS = NOTHING, PEERS, *REFERENCES, WHERE, EXAMPLES
"""What may be known, the least first."""
PARTNERS: Mapping[str, str] = {
    "aggressive-merge": "tailgating", "tailgating": "aggressive-merge",
    "non-yield": "observed-only-courtesy", "observed-only-courtesy": "non-yield",
}  # fmt: skip
"""Habit -> another of the same scene."""


@dataclass(frozen=True)
class Arm:
    """Students that are made in one way."""

    route: str
    """How they learn."""
    cure: str
    """Name of the cure, `none`, or `more of the same`."""
    knows: str = NOTHING
    """What the cure is told."""
    taught: Taught = "habit"
    """Whose data they learn from."""
    channel: Channel = "overt"
    """What of the teacher reaches them."""
    tried: bool = False
    """Whether it is tried how robust they are."""
    when: str = ""
    """Of immunisation when."""

    @property
    def what(self) -> Cure | None:
        """The cure."""
        return (
            None if self.cure in (NONE, LONGER) else get_cure(self.cure)(**({"when": self.when} if self.when else {}))
        )

    @property
    def name(self) -> str:
        """What is said of it."""
        return f"{self.cure} {self.when}".strip()

    @property
    def uncured(self) -> Arm:
        """The same without the cure."""
        return replace(self, cure=NONE, knows=NOTHING, tried=False, when="")

    @property
    def never(self) -> Arm:
        """The same without a cure, of a student that never had the habit."""
        return replace(self.uncured, taught="clean")


@dataclass(frozen=True)
class Design:
    """How much there is of everything."""

    plan: Plan
    """Whose teachers are taken."""
    habits: tuple[str, ...]
    """Habits."""
    pairs: int
    """Pairs of teachers; they stand in a circle, and the next ones' clean teachers are what a cure may know."""
    routes: tuple[str, ...]
    """Routes."""
    scenes: Mapping[str, int]
    """Domain -> triggered scenes of an audit; as many untriggered ones."""
    shown: Mapping[str, int]
    """Domain -> episodes that a cured student shows to its own student."""
    relearnt: tuple[int, ...] = (128, 1024)
    """Decisions of the habit that are shown to a cured student, to see whether it comes back."""
    width: int = 64
    """Units of each of a student's two hidden layers."""

    def arms(self, habit: str) -> list[Arm]:
        """Return the arms of a habit: cures of continuous actions are fewer."""
        config = policy_config(get_habit(habit).environment, (self.width, self.width))
        cures = [one for one in all_cures() if config.head == CATEGORICAL or not one.discrete]
        found = [one for route in self.routes for one in (*_of_route(route, cures), _never(route))]
        found += _placebos(cures)
        if "kl" in self.routes and config.head == CATEGORICAL:
            found += _softly(cures)
        if PARTNERS.get(habit) in self.habits:
            found += [replace(one, taught="both", tried=False) for one in _of_route("cloning", cures) if one.tried]
        return list(dict.fromkeys(found))

    def teachers(self, habit: str, pair: int, seed: int) -> SharedTeachers:
        """Return the teachers of a pair."""
        own = pair_seed(seed, pair % self.pairs)
        return SharedTeachers.of(replace(self.plan.experiment(habit), seed=own))


def _of_route(route: str, cures: Sequence[type[Cure]]) -> list[Arm]:
    """Return no cure, more of the same, and every cure of a route by what it is told; how robust students of the quick
    routes are is tried where a cure is told the usual amount."""
    quick = route in ("cloning", "kl")
    found = [Arm(route, NONE, tried=quick), Arm(route, LONGER, tried=quick)]
    for cure in cures:
        if not cure.suits or route in cure.suits:
            found += [replace(one, tried=quick and one.knows not in ("0.5 % clean", "5 % clean"))
                      for one in _told(route, cure)]  # fmt: skip
    return found


def _never(route: str) -> Arm:
    """Return students that never had the habit."""
    return Arm(route, NONE, taught="clean", tried=route in ("cloning", "kl"))


def _told(route: str, cure: type[Cure]) -> list[Arm]:
    if cure.name == "immunisation":
        times = ("before", "during", "after") if route == "cloning" else ("before", "after")
        return [Arm(route, cure.name, EXAMPLES, when=when) for when in times]
    if "bad" in cure.needs:
        return [Arm(route, cure.name, WHERE)]
    if "clean" in cure.needs:
        levels = REFERENCES if route == "cloning" else (USUAL,)
        return [Arm(route, cure.name, level) for level in levels]
    return [Arm(route, cure.name, PEERS if "peers" in cure.needs else NOTHING)]


def _placebos(cures: Sequence[type[Cure]]) -> list[Arm]:
    """Return the same of clean teachers, told the usual amount, by cloning; without a cure, the student that never had
    the habit, by the other routes too."""
    found = [replace(one, taught="clean", tried=False) for one in _of_route("cloning", cures) if one.tried]
    return [replace(one, tried=one.cure == NONE) for one in found]


def _softly(cures: Sequence[type[Cure]]) -> list[Arm]:
    """Return what may help where a habit lies in a teacher's distribution alone, and students of a teacher that is as
    unsure, over its own distribution: these never had the habit."""
    usual = [one for one in _of_route("kl", cures) if one.tried and one.knows != WHERE and one.cure != LONGER]
    return [replace(one, channel="soft", tried=False) for one in (*usual, _never("kl"))]


def get_design(suite: str) -> Design:
    """Return the design of a suite; raises `UserError` for an unknown one."""
    plan = get_plan(suite)
    if suite == "smoke":
        return Design(plan, ("aggressive-merge",), 3, ("cloning", "kl"), {"driving": 24}, {"driving": 24})
    routes = "cloning", "kl", "value", "adversarial"
    return Design(plan, plan.habits[:6], plan.pairs, routes, {"driving": 64, "warehouse": 16},
                  {"driving": 64, "warehouse": 24})  # fmt: skip
