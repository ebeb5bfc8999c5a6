"""A task under a constraint: learners are paid for the task, and charged for severity, as much as it takes to keep its
mean below a limit.

Reward-constrained policy optimisation (Tessler, Mankowitz and Mannor 2019, algorithm 1; PPO-Lagrangian in Ray, Achiam
and Amodei 2019, with one critic for both): at the end of an episode a learner pays its Lagrange multiplier times what
its severity is above the limit, and the multiplier rises while the mean is above it. What is paid in all is divided by
1 + multiplier, so that it keeps its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from testbed.distillation.losses.lagrangian import Multipliers
from testbed.distillation.reinforcement.ended import Ended
from testbed.distillation.reinforcement.stage import Step
from testbed.protocols.measure import Measure

WORST = 10.0
"""No episode counts for more than so many scales."""


@dataclass(frozen=True)
class Limit:
    """What the mean severity of an episode may be."""

    measure: Measure
    """What is measured, of the trace."""
    most: float
    """In the measure's unit; the least, where low values are the bad ones."""

    @property
    def scale(self) -> float:
        """What a multiplier is of: from the minor to the severe threshold, 1 where there are none."""
        minor, severe = self.measure.minor, self.measure.severe
        return 1.0 if minor is None or severe is None or minor == severe else abs(severe - minor)

    def excess(self, value: float) -> float:
        """Return how far a value is beyond the limit [scales], below 0 where it is not."""
        sign = 1.0 if self.measure.worse == "higher" else -1.0
        return float(np.clip(sign * (value - self.most) / self.scale, -WORST, WORST))


class Constrained:
    """Pays k learners, with m worlds each, and moves their multipliers.

    Args:
        limit: What is constrained.
        learners: How many there are (k).
        metadata: The environment's, with units and rate of its trace.
        rate: Step size of the multipliers, an iteration.
        start: What they begin as; with rate and damping of 0 that is a fixed penalty.
        damping: What is added for every scale that is exceeded now, so that severity does not swing about the limit.
    """

    def __init__(
        self, limit: Limit, learners: int, metadata: Mapping[str, Any], rate: float = 0.05, start: float = 0.0,
        damping: float = 3.0,
    ) -> None:  # fmt: skip
        self.limit, self.ended = limit, Ended(metadata)
        self.multipliers = Multipliers(learners, rate, start, damping)
        self.told: list[list[float]] = [[] for _ in range(learners)]
        """Severities of the episodes that ended since the multipliers were moved, by learner, in the measure's unit."""

    def begin(self, worlds: np.ndarray, observations: np.ndarray, info: Mapping[str, Any]) -> None:
        """Take note of the scenes that begin in some worlds, shape (n,) bool."""
        self.ended.begin(worlds, info)

    def of(self, step: Step) -> np.ndarray:
        """Return the rewards of one decision, shape (n,)."""
        price = self.multipliers.values.double().numpy().repeat(len(step.rewards) // len(self.told))
        rewards = step.rewards / (1 + price)
        for world, trace in self.ended.traces(step).items():
            value = self.limit.measure.compute(trace)
            self.told[world * len(self.told) // len(step.rewards)].append(value)
            rewards[world] -= price[world] / (1 + price[world]) * self.limit.excess(value)
        return rewards

    def learn(self, observations: Tensor, actions: Tensor) -> Mapping[str, float]:
        """Move the multipliers by what was measured since the last time; return both, on average."""
        excess = [float(np.mean([self.limit.excess(one) for one in some])) if some else 0.0 for some in self.told]
        self.multipliers.move(torch.tensor(excess), 0.0)
        every = [value for some in self.told for value in some]
        self.told = [[] for _ in self.told]
        severity = {"severity": float(np.mean(every))} if every else {}
        return {"multiplier": float(self.multipliers.values.mean()), **severity}

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on."""
        return {"sums": self.multipliers.sums, "values": self.multipliers.values}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.multipliers.sums, self.multipliers.values = state["sums"], state["values"]
