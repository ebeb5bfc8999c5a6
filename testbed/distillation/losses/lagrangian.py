"""Lagrange multipliers of a constraint: what it costs to exceed it grows while it is exceeded, and falls otherwise."""

from __future__ import annotations

import torch
from torch import Tensor


class Multipliers:
    """One multiplier, 0 or more, of each of k learners, by dual ascent (Boyd and Vandenberghe 2004, section 5).

    Where learners are slow to answer it is damped by a term in proportion to what is exceeded now (Stooke, Achiam and
    Abbeel 2020).

    Args:
        count: Learners.
        rate: Step size of the ascent.
        start: What they begin as.
        damping: What is added for every unit that is exceeded now.
    """

    def __init__(self, count: int, rate: float, start: float = 0.0, damping: float = 0.0) -> None:
        self.rate, self.damping = rate, damping
        self.sums = torch.full((count,), start)
        """What was exceeded so far, times the rate, 0 or more, shape (k,)."""
        self.values = self.sums.clone()
        """The multipliers, shape (k,)."""

    def charged(self, cost: Tensor, limit: float) -> Tensor:
        """Return what each learner's loss is charged for its cost, shape (k,) -> (k,), and move the multipliers."""
        price = self.values
        self.move(cost.detach(), limit)
        return price * (cost - limit)

    def move(self, cost: Tensor, limit: float) -> None:
        """Raise the multipliers of those whose cost is above the limit, and lower the others'."""
        self.sums = (self.sums + self.rate * (cost - limit)).clamp(min=0.0)
        self.values = (self.sums + self.damping * (cost - limit)).clamp(min=0.0)
