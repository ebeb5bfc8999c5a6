"""k policies that practise, each with a critic, in batched networks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from testbed.distillation.losses.likelihood import gaussian_log_likelihood
from testbed.distillation.stacked import perceptrons, started_weights, trainable, unstacked
from testbed.policies.network import CATEGORICAL, GAUSSIAN, LOG_STD, NetworkPolicy
from testbed.seeding import derive_seed

HIDDEN_GAIN = math.sqrt(2)
"""Gain of the orthogonal matrices that a critic's hidden layers begin as, as in SB3 (Saxe, McClelland and Ganguli
2014); that of the last layer is 1."""


class ActorCritics:
    """k policies of one shape and their critics, which have the same hidden layers and weights of their own.

    All observations here are normalised, each learner's by its own policy's normaliser.

    Args:
        starts: What the policies begin as; their normalisers stay.
        seeds: For the critics' weights, one each.
    """

    def __init__(self, starts: Sequence[NetworkPolicy], seeds: Sequence[int]) -> None:
        self.config = starts[0].config
        self.actors = started_weights(self.config, starts)
        self.critics = _fresh_critics((self.config.observation_size, *self.config.hidden, 1), seeds)
        self.weights = {
            **trainable(self.actors),
            **{f"critic.{name}": tensor for name, tensor in trainable(self.critics).items()},
        }
        """All that is learnt, by name, first axis k."""

    def normalised(self, observations: np.ndarray) -> Tensor:
        """Return observations of n worlds of each learner, shape (k * n, d), as networks see them, (k, n, d)."""
        mean, std = self.actors["mean"], self.actors["std"]
        rows = torch.from_numpy(observations.astype(np.float32)).view(len(mean), -1, observations.shape[-1])
        return (rows - mean[:, None]) / std[:, None]

    def act(self, seen: Tensor, chance: Tensor) -> tuple[Tensor, Tensor]:
        """Return drawn actions and their log-probabilities.

        Args:
            seen: Shape (k, n, d).
            chance: What they are drawn with: uniform numbers, shape (k, n), of a Gaussian head normal ones, (k, n, a).

        Returns:
            Actions, shape (k, n), or (k, n, a) without limits; log-probabilities, shape (k, n).
        """
        outputs = perceptrons(self.actors, seen)
        if self.config.head == CATEGORICAL:
            likely = torch.log_softmax(outputs, -1)
            below = likely.exp().cumsum(-1) < chance[..., None]
            actions = below[..., :-1].sum(-1)
            return actions, likely.gather(-1, actions[..., None])[..., 0]
        actions = outputs + self.actors["log_std"][:, None].exp() * chance
        return actions, self._likelihood(outputs, actions)[0]

    def values(self, seen: Tensor) -> Tensor:
        """Return what critics think that states are worth, shape (k, n, d) -> (k, n)."""
        return perceptrons(self.critics, seen)[..., 0]

    def likelihood(self, seen: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-probabilities of actions, and the entropy of what they are drawn from, each shape (k, n)."""
        return self._likelihood(perceptrons(self.actors, seen), actions)

    def _likelihood(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        if self.config.head == CATEGORICAL:
            # Transposed: the last axis is short, and a softmax along it slow.
            table = torch.log_softmax(outputs.transpose(-1, -2), -2)
            return table.gather(-2, actions[..., None, :]).squeeze(-2), -(table.exp() * table).sum(-2)
        spread = self.actors["log_std"][:, None].expand_as(outputs)
        entropy = (spread + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)
        return gaussian_log_likelihood(torch.cat([outputs, spread], -1), actions), entropy

    def policies(self) -> list[NetworkPolicy]:
        """Return the k policies; deviations of a Gaussian one are cut off where those of a policy are."""
        weights = dict(self.actors)
        if self.config.head == GAUSSIAN:
            weights["log_std"] = weights["log_std"].clamp(*LOG_STD)
        return unstacked(weights, self.config)


def _fresh_critics(widths: tuple[int, ...], seeds: Sequence[int]) -> dict[str, Tensor]:
    """Return every array of k fresh critics, first axis k."""
    made: dict[str, list[Tensor]] = {}
    for seed in seeds:
        torch_generator = torch.Generator().manual_seed(derive_seed(seed, "practice", "critic"))
        for layer, (fan_in, fan_out) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            gain = 1.0 if layer == len(widths) - 2 else HIDDEN_GAIN
            weight = nn.init.orthogonal_(torch.empty(fan_out, fan_in), gain, generator=torch_generator)
            made.setdefault(f"layer{layer}.weight", []).append(weight.T.contiguous())
            made.setdefault(f"layer{layer}.bias", []).append(torch.zeros(fan_out))
    return {name: torch.stack(tensors) for name, tensors in made.items()}
