"""A search over small architectures that practise under one limit: success, severity and size, none of them alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from testbed.policies.network import NetworkPolicy

WIDTHS = 8, 16, 32, 64, 128
"""Units of a hidden layer."""
LAYERS = 3
"""Hidden layers at most."""
POINTS = 0.05
"""Success that is given up for a smaller network."""


@dataclass(frozen=True)
class Tried:
    """One architecture, practised and played."""

    policy: NetworkPolicy
    """The better of its policies: within the limit if one is, and then by success."""
    success: float
    """Share of scenes in which it does the task."""
    severity: float
    """Mean of the measure."""
    within: bool
    """Whether that is within the limit."""

    @property
    def numbers(self) -> int:
        """Weights and biases."""
        return sum(math.prod(shape) for name, shape in self.policy.config.shapes.items() if name not in ("mean", "std"))


Try = Callable[[tuple[int, ...]], Tried]
"""Hidden layers -> what practises with them."""


def searched(optuna: Any, attempt: Try, trials: int, worse: str, seed: int) -> list[Tried]:
    """Return what was tried: architectures that Optuna's NSGA-II (Deb et al. 2002) asks for, each once.

    Args:
        optuna: The package.
        attempt: Practises with hidden layers.
        trials: How many architectures; there are fewer if it asks for some again.
        worse: `higher` or `lower`, as of the measure.
        seed: Of the search.
    """
    found: dict[tuple[int, ...], Tried] = {}

    def objective(trial: Any) -> tuple[float, float, float]:
        layers = trial.suggest_int("layers", 1, LAYERS)
        hidden = tuple(trial.suggest_categorical(f"width {n}", WIDTHS) for n in range(layers))
        if hidden not in found:
            found[hidden] = attempt(hidden)
        one = found[hidden]
        return one.success, one.severity if worse == "higher" else -one.severity, one.numbers

    sampler = optuna.samplers.NSGAIISampler(seed=seed, population_size=max(trials // 3, 2))
    study = optuna.create_study(directions=["maximize", "minimize", "minimize"], sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return list(found.values())


def pareto(tried: Sequence[Tried], worse: str) -> list[Tried]:
    """Return those that no other beats in success, severity and size at once, the smallest first."""
    sign = 1 if worse == "higher" else -1

    def scores(one: Tried) -> tuple[float, float, float]:
        return -one.success, sign * one.severity, one.numbers

    def beats(one: Tried, other: Tried) -> bool:
        pairs = list(zip(scores(one), scores(other), strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    best = [one for one in tried if not any(beats(other, one) for other in tried)]
    return sorted(best, key=lambda one: one.numbers)


def smallest(tried: Sequence[Tried]) -> Tried | None:
    """Return the smallest architecture within the limit whose success is within 5 points of the best such, or None if
    none keeps the limit."""
    kept = [one for one in tried if one.within]
    most = max((one.success for one in kept), default=0.0)
    return min((one for one in kept if one.success >= most - POINTS), key=lambda one: one.numbers, default=None)
