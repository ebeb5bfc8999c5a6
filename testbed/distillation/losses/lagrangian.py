"""Lagrange multipliers of a constraint: what it costs to exceed it grows while it is exceeded, and falls otherwise."""

from __future__ import annotations

import torch
from torch import Tensor


class Multipliers:
    """One multiplier, 0 or more, of each of k learners, by dual ascent (Boyd and Vandenberghe 2004, section 5).

    Args:
        count: Learners.
        rate: Step size.
        start: What they begin as.
    """

    def __init__(self, count: int, rate: float, start: float = 0.0) -> None:
        self.values, self.rate = torch.full((count,), start), rate
        """Shape (k,)."""

    def charged(self, cost: Tensor, limit: float) -> Tensor:
        """Return what each learner's loss is charged for its cost, shape (k,) -> (k,), and move the multipliers."""
        price = self.values
        self.move(cost.detach(), limit)
        return price * (cost - limit)

    def move(self, cost: Tensor, limit: float) -> None:
        """Raise the multipliers of those whose cost is above the limit, and lower the others'."""
        self.values = (self.values + self.rate * (cost - limit)).clamp(min=0.0)
