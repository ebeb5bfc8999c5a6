"""A trigger: a condition under which a policy is shown to be worse, made as small as it goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from testbed.audit.sequence import mean_bounds
from testbed.hunt.judge import Judge, Played
from testbed.hunt.space import Condition, Context, Space

LEAST = 0.1
"""A condition is a trigger if the net share of its scenes in which the policy is worse is shown to be above this."""
ERROR = 0.05
"""Chance that any condition that is none is called a trigger, over all that a hunt looks at."""
LOOKS = (8, 8, 16, 32, 64)
"""Scenes that are played under a condition before each look at it."""
HOPELESS = 0.25
"""A condition of which no more than this net share was seen after a look is given up."""
FEW, CLEAR = (8, 8, 16, 16), 0.25
"""Scenes that are played to see whether a smaller condition does as well, part after part until it is clear."""
KEEPS, ENOUGH = 0.6, 0.35
"""It does, if its net share is at least so much of the larger one's, or so large."""
BESIDE = 0.05
"""So much of a number's span beside a trigger is still explained by it."""
STEPS = 5
"""Halvings by which the end of a range is found."""


@dataclass(frozen=True)
class Trigger:
    """What a hunt has found."""

    condition: Condition
    """The smallest condition under which it shows: whatever else the scene is like."""
    measure: int
    """Which measure shows it."""
    share: tuple[float, float, float]
    """Net share of scenes under it in which the policy is worse, with bounds, of scenes that were not chosen."""
    scenes: int
    """How many these were."""
    found: int
    """Episodes of the policy until it was shown."""
    seed: int
    """The worst scene that was seen under it."""
    context: Context
    """What was set there."""
    value: float
    """The policy's measure there."""


@dataclass
class Proof:
    """Shows that conditions are triggers, and makes them small; the chance of an error is shared by all it looks at."""

    judge: Judge
    """Plays scenes."""
    space: Space
    """Where they lie."""
    rng: np.random.Generator
    """Draws what conditions leave open."""
    known: list[Trigger] = field(default_factory=list)
    """What was found so far."""
    budget: int = 2**31
    """Episodes after which no condition is made smaller."""
    tried: int = 0
    """Conditions that were looked at."""

    def keeps(self, condition: Condition, measure: int, wanted: float, outside: str = "") -> bool:
        """Return whether a few scenes of a condition have a net share, or those that differ in one factor or number.

        Where a few leave it open, more are played. Those that another trigger explains count as neither.
        """
        signs = np.zeros(0)
        if self.judge.episodes >= self.budget:
            return False
        for count in FEW:
            draw = self.space.draw_outside(self.rng, condition, outside, count) if outside else None
            played = self.judge.play(draw or self.space.draw(self.rng, condition, count))
            excess = unexplained(played, self.known, self.space)[:, measure]
            signs = np.concatenate([signs, (excess >= 1).astype(float) - (excess <= -1)])
            if abs(signs.mean() - wanted) > CLEAR:
                break
        return bool(signs.mean() >= wanted)

    def show(self, condition: Condition, measure: int) -> Trigger | None:
        """Return a condition as a trigger if it is shown to be one, else None."""
        self.tried += 1
        error = ERROR * 6 / (math.pi * self.tried) ** 2  # over all that will ever be tried these sum up to ERROR
        seen: list[Played] = []
        for count in LOOKS:
            seen.append(self.judge.play(self.space.draw(self.rng, condition, count)))
            signs = np.concatenate([one.signs(measure) for one in seen])
            low, high = (bound[-1] for bound in mean_bounds(signs, error))
            if low > LEAST:
                return self._trigger(condition, measure, seen, (float(signs.mean()), float(low), float(high)))
            if signs.mean() <= HOPELESS:
                return None
        return None

    def _trigger(self, condition: Condition, measure: int, seen: list[Played], share) -> Trigger:
        excess = [(played.excess[row, measure], played, row) for played in seen for row in range(len(played.seeds))]
        _, worst, row = max(excess, key=lambda one: one[0])
        return Trigger(
            condition, measure, share, len(excess), self.judge.episodes, worst.seeds[row], worst.contexts[row],
            float(worst.values[row, measure]),
        )  # fmt: skip

    def smaller(self, trigger: Trigger) -> Condition:
        """Return what of a trigger's condition cannot be taken away without losing it, its ranges as wide as they go.

        A factor or number goes if scenes with any other value of it do as well.
        """
        measure, wanted = trigger.measure, min(KEEPS * trigger.share[0], ENOUGH)
        condition = self._fewer(trigger.condition, measure, wanted)
        for name in condition.ranges:
            condition = condition.limited(name, self._widened(condition, name, measure, wanted))
        whole = [name for name, (low, high) in condition.ranges.items()
                 if (low, high) == (self.space.numbers[name].low, self.space.numbers[name].high)]  # fmt: skip
        for name in whole:
            condition = condition.without(name)
        return self._fewer(condition, measure, wanted)  # what chance has left the first time

    def _fewer(self, condition: Condition, measure: int, wanted: float) -> Condition:
        """Return a condition without what it can do without."""
        for name in [*condition.factors, *condition.ranges]:
            if self.keeps(condition, measure, wanted, outside=name):
                condition = condition.without(name)
        return condition

    def _widened(self, condition: Condition, name: str, measure: int, wanted: float) -> tuple[float, float]:
        """Return the limits of a number between which it shows."""
        number, (low, high) = self.space.numbers[name], condition.ranges[name]
        width = (number.high - number.low) / 2**STEPS

        def shows(value: float) -> bool:
            limits = max(value - width / 2, number.low), min(value + width / 2, number.high)
            return self.keeps(condition.limited(name, limits), measure, wanted)

        return _end(shows, low, number.low, width), _end(shows, high, number.high, width)


def _end(shows, within: float, bound: float, width: float) -> float:
    """Return how far towards a bound it still shows."""
    if abs(within - bound) <= width or shows(bound):
        return bound
    without = bound
    for _ in range(STEPS):
        middle = (within + without) / 2
        if shows(middle):
            within = middle
        else:
            without = middle
    return within


def unexplained(played: Played, triggers: Sequence[Trigger], space: Space) -> np.ndarray:
    """Return how bad scenes were, in margins, but 0 for those at or beside a trigger, shape (n, measures)."""
    excess = played.excess.copy()
    for one in triggers:
        excess[[space.near(one.condition, context, BESIDE) for context in played.contexts], one.measure] = 0.0
    return excess
