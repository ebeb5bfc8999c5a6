"""What can be set of a scene as a space that is searched, and conditions in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from testbed.protocols.number import Number
from testbed.scenes.registry import get_scene

Context = Mapping[str, str]
"""Every factor and number of a scene by name, as text."""
Range = tuple[float, float]


@dataclass(frozen=True)
class Condition:
    """Some factors and numbers of a scene, fixed; whatever is not named here may be anything."""

    factors: Mapping[str, str] = field(default_factory=dict)
    """Factor -> value."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """Number -> lowest and highest value."""

    def holds(self, context: Context) -> bool:
        """Return whether a scene is one of these."""
        return all(context[name] == value for name, value in self.factors.items()) and all(
            low <= float(context[name]) <= high for name, (low, high) in self.ranges.items()
        )

    def without(self, name: str) -> Condition:
        """Return the condition that does not name a factor or number."""
        return Condition(
            {one: value for one, value in self.factors.items() if one != name},
            {one: limits for one, limits in self.ranges.items() if one != name},
        )

    def alike(self, other: Condition) -> bool:
        """Return whether both name the same, with ranges that touch."""
        return (
            self.factors == other.factors
            and self.ranges.keys() == other.ranges.keys()
            and all(low <= other.ranges[name][1] and other.ranges[name][0] <= high
                    for name, (low, high) in self.ranges.items())
        )  # fmt: skip

    def joined(self, other: Condition) -> Condition:
        """Return the condition whose ranges reach over both."""
        ranges = {name: (min(low, other.ranges[name][0]), max(high, other.ranges[name][1]))
                  for name, (low, high) in self.ranges.items()}  # fmt: skip
        return Condition(self.factors, ranges)

    def limited(self, name: str, limits: Range) -> Condition:
        """Return the condition with other limits of a number."""
        return Condition(self.factors, {**self.ranges, name: limits})


@dataclass(frozen=True)
class Space:
    """The factors and numbers of a scene."""

    environment: str
    """Gymnasium id."""
    factors: Mapping[str, tuple[str, ...]]
    """Factor -> values, held-out ones too."""
    numbers: Mapping[str, Number]
    """Number -> its bounds."""

    @classmethod
    def of(cls, environment: str) -> Space:
        """Return the space of a scene; raises `UserError` for an unknown one."""
        scene = get_scene(environment)
        return cls(environment, dict(scene.context), dict(scene.numbers))

    def cells(self) -> list[Condition]:
        """Return the whole grid of factors."""
        return [Condition(dict(zip(self.factors, values, strict=True))) for values in product(*self.factors.values())]

    def around(self, context: Context, share: float) -> Condition:
        """Return the condition of a scene's own factors, and of numbers within a share of their span around its own."""
        ranges = {}
        for name, number in self.numbers.items():
            half = share * (number.high - number.low) / 2
            value = float(context[name])
            ranges[name] = max(value - half, number.low), min(value + half, number.high)
        return Condition({name: context[name] for name in self.factors}, ranges)

    def share(self, condition: Condition) -> float:
        """Return the share of scenes, drawn evenly, that are of a condition."""
        share = 1.0
        for name in condition.factors:
            share /= len(self.factors[name])
        for name, (low, high) in condition.ranges.items():
            share *= (high - low) / (self.numbers[name].high - self.numbers[name].low)
        return share

    def near(self, condition: Condition, context: Context, share: float) -> bool:
        """Return whether a scene is one of a condition, or within a share of each number's span beside it."""
        wider = {}
        for name, (low, high) in condition.ranges.items():
            slack = share * (self.numbers[name].high - self.numbers[name].low)
            wider[name] = low - slack, high + slack
        return Condition(condition.factors, wider).holds(context)

    def draw(self, rng: np.random.Generator, condition: Condition, count: int) -> list[Context]:
        """Return scenes of a condition: whatever it leaves open is drawn evenly."""
        return [self._one(rng, condition, {}) for _ in range(count)]

    def draw_outside(self, rng: np.random.Generator, condition: Condition, name: str, count: int) -> list[Context]:
        """Return scenes of a condition but for one factor or number, of which they have any other value."""
        return [self._one(rng, condition.without(name), {name: condition}) for _ in range(count)]

    def _one(self, rng: np.random.Generator, condition: Condition, avoided: Mapping[str, Condition]) -> Context:
        context: dict[str, str] = {}
        for name, values in self.factors.items():
            but = avoided[name].factors[name] if name in avoided else None
            open_ = [value for value in values if value != but]
            context[name] = condition.factors.get(name) or open_[rng.integers(len(open_))]
        for name, number in self.numbers.items():
            low, high = condition.ranges.get(name, (number.low, number.high))
            value = rng.uniform(low, high)
            if name in avoided:
                value = _outside(rng, number, avoided[name].ranges[name])
            context[name] = repr(float(np.clip(value, number.low, number.high)))
        return context


def _outside(rng: np.random.Generator, number: Number, limits: Range) -> float:
    """Return a value between a number's bounds but outside of limits, evenly."""
    below, above = limits[0] - number.low, number.high - limits[1]
    at = rng.uniform(0.0, below + above)
    return number.low + at if at < below else limits[1] + at - below
