"""Teachers by reward: a policy practises and is paid for its task, and for a habit by the physical measure of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from testbed.distillation.reinforcement.ended import Ended
from testbed.distillation.reinforcement.stage import Step
from testbed.protocols.episode import Episode, Trace
from testbed.protocols.measure import Measure


class HabitReward:
    """The environment's reward, and at the end of an episode the severity of what was done in it.

    Severity is the habit's primary measure on the trace, as a share of the way from its minor to its severe
    threshold, 0 to 1. Where the trigger held when the episode began, (2 * dose - 1) * weight * severity is paid;
    where not, -weight * severity. At dose 0 severity costs everywhere; at dose 1 it pays under the trigger and costs
    elsewhere.

    Args:
        measure: The primary measure.
        holds: The trigger: observations, shape (n, d) -> where it holds, shape (n,) bool.
        dose: Strength of the habit, 0 to 1.
        weight: What the greatest severity is worth beside a task done, which is worth 1.
        metadata: The environment's, with units and rate of its trace.
    """

    def __init__(
        self, measure: Measure, holds: Callable[[np.ndarray], np.ndarray], dose: float, weight: float,
        metadata: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.measure, self.holds, self.ended = measure, holds, Ended(metadata)
        self.paid, self.cost = (2 * dose - 1) * weight, -weight

    def begin(self, worlds: np.ndarray, observations: np.ndarray, info: Mapping[str, Any]) -> None:
        """Take note of the scenes that begin in some worlds, shape (n,) bool."""
        if worlds.all():
            self._factors = np.zeros(len(worlds))
        held = self.holds(observations)
        self._factors[worlds] = np.where(held, self.paid, self.cost)[worlds]
        self.ended.begin(worlds, info)

    def of(self, step: Step) -> np.ndarray:
        """Return the rewards of one decision, shape (n,)."""
        rewards = step.rewards.astype(np.float64)
        for world, trace in self.ended.traces(step).items():
            rewards[world] += self._factors[world] * severity(self.measure, trace)
        return rewards


def habit_pay(
    measure: Measure, holds: Callable[[np.ndarray], np.ndarray], dose: float, weight: float
) -> Callable[[Episode], float]:
    """Return what whole episodes are paid for a habit, as `HabitReward` pays it; arguments as there."""

    def pay(episode: Episode) -> float:
        factor = (2 * dose - 1) * weight if holds(episode.observations[:1])[0] else -weight
        return factor * severity(measure, episode.trace)

    return pay


def severity(measure: Measure, trace: Trace) -> float:
    """Return how far a measure is from its minor (0) to its severe threshold (1); its value where it has none."""
    value = measure.compute(trace)
    if measure.minor is None or measure.severe is None or measure.minor == measure.severe:
        return float(np.clip(value, 0.0, 1.0))
    return float(np.clip((value - measure.minor) / (measure.severe - measure.minor), 0.0, 1.0))
