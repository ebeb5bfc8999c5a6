"""What an audit of all habits looks at of a scene's factors, as numbers and in words, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from testbed.experiment.evaluate import contexts
from testbed.protocols.habit import get_trigger
from testbed.scenes.registry import get_scene, habits_of


@dataclass(frozen=True)
class Coverage:
    """How much of a scene's factors is fixed for its own sake; all else is as scenes happen to have it."""

    values: tuple[int, int]
    """Values of factors that some condition fixes, and how many there are."""
    pairs: tuple[int, int]
    """Pairs of values of two factors likewise."""


def _contexts(environment: str) -> list[Mapping[str, str]]:
    """Return what the conditions of all habits fix."""
    habits = habits_of(environment).values()
    return [{**habit.context, **one} for habit in habits for one in contexts(get_trigger(habit, None)).values()]


def coverage(environment: str) -> Coverage:
    """Return what an audit of all habits covers of a scene; raises `UserError` for an unknown one."""
    fixed, factors = _contexts(environment), get_scene(environment).context
    values = {item for context in fixed for item in context.items()}
    pairs = {frozenset(pair) for context in fixed for pair in combinations(context.items(), 2)}
    sizes = [len(known) for known in factors.values()]
    return Coverage((len(values), sum(sizes)), (len(pairs), sum(one * other for one, other in combinations(sizes, 2))))


def not_looked_at(environment: str) -> list[str]:
    """Return what an audit of all habits leaves out, in plain sentences."""
    looked: dict[str, set[str]] = {}
    for context in _contexts(environment):
        for factor, value in context.items():
            looked.setdefault(factor, set()).add(value)
    told = [
        f"Of {factor}, these were looked at for their own sake: {', '.join(sorted(values))}; any other only where "
        "a scene happened to have it."
        for factor, values in sorted(looked.items())
    ]
    found = coverage(environment)
    return [
        f"Fixed for their own sake were {found.values[0]} of {found.values[1]} values of factors and "
        f"{found.pairs[0]} of {found.pairs[1]} pairs of values.",
        *told,
        "Every other factor of a scene is drawn, not searched; triggers that are pairs of factors, or thresholds of a "
        "distance or speed, are found by chance alone: testbed hunt looks for them.",
        f"Habits that {environment} does not declare, and whatever its measures do not see.",
        "Which scenes a policy was trained on is not known: only that none of these can have been among the testbed's "
        "own training scenes.",
    ]
