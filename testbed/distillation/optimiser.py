"""Adam over a few tensors, with a learning rate that may fall along half a cosine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Decay of both moments, and what keeps a quotient finite: Kingma and Ba's own."""


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), computed by torch's function for it.

    `torch.optim.Adam` and `CosineAnnealingLR` give the same bytes, but import a compiler in every process that trains,
    and for small networks cost as much as the gradients.

    Args:
        tensors: What is optimised; those that a loss does not depend on stay as they are.
        learning_rate: Step size at first.
        steps: Steps after which it is zero, along half a cosine (Loshchilov and Hutter 2017); it stays as it is if none
            are given.
        epsilon: What keeps a quotient finite.
        longest: Where it is given, tensors are of several learners, first axis, and the gradient of a learner, of all
            its tensors together, is shortened to that length where it is longer (Pascanu, Mikolov and Bengio 2013).
    """

    def __init__(
        self, tensors: Iterable[Tensor], learning_rate: float, steps: int | None = None, epsilon: float = EPSILON,
        longest: float | None = None,
    ) -> None:  # fmt: skip
        self.tensors = list(tensors)
        self.learning_rate = learning_rate
        """Step size of the next step."""
        self._steps, self._done, self._epsilon, self._longest = steps, 0, epsilon, longest
        self._means, self._squares = ([torch.zeros_like(one) for one in self.tensors] for _ in range(2))
        self._counts = [torch.zeros(()) for _ in self.tensors]

    def minimise(self, loss: Tensor) -> None:
        """Take a step down the gradient of a loss."""
        for tensor in self.tensors:
            tensor.grad = None
        loss.backward()
        everything = zip(self.tensors, self._means, self._squares, self._counts, strict=True)
        moved = [(one.grad, one, *rest) for one, *rest in everything if one.grad is not None]
        gradients, tensors, means, squares, counts = map(list, zip(*moved, strict=True))
        with torch.no_grad():
            if self._longest is not None:
                _shorten(gradients, self._longest)
            adam(
                tensors, gradients, means, squares, [], counts, fused=True, amsgrad=False, beta1=BETAS[0],
                beta2=BETAS[1], lr=self.learning_rate, weight_decay=0.0, eps=self._epsilon, maximize=False,
            )  # fmt: skip
        self._done += 1
        if self._steps is not None:
            self.learning_rate *= self._height(self._done) / self._height(self._done - 1)

    def _height(self, step: int) -> float:
        assert self._steps is not None
        return 1 + math.cos(math.pi * step / self._steps)

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on, tensors and numbers."""
        return {
            "means": self._means, "squares": self._squares, "counts": self._counts,
            "rate": self.learning_rate, "done": self._done,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from such a state, of the same tensors."""
        self._means, self._squares, self._counts = state["means"], state["squares"], state["counts"]
        self.learning_rate, self._done = state["rate"], state["done"]


def _shorten(gradients: Sequence[Tensor], longest: float) -> None:
    """Shorten each learner's gradient, in place, as `torch.nn.utils.clip_grad_norm_` does."""
    lengths = torch.stack([one.flatten(1).norm(dim=1) for one in gradients]).norm(dim=0)
    share = (longest / (lengths + 1e-6)).clamp(max=1.0)
    for one in gradients:
        one.mul_(share.view(-1, *[1] * (one.ndim - 1)))
