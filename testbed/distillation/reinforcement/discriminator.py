"""The discriminators of adversarial distillation: each tells demonstrated decisions from its student's, and pays the
student."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from testbed.distillation.batches import taken
from testbed.distillation.losses.adversarial import airl_reward, discriminator_loss, gail_reward
from testbed.distillation.optimiser import Adam
from testbed.distillation.reinforcement.stage import Step
from testbed.distillation.stacked import perceptrons, put_back, trainable
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig, random_arrays
from testbed.rollouts.transitions import Transitions
from testbed.seeding import derive_seed, generator

REWARDS = {"gail": gail_reward, "airl": airl_reward}
"""Name -> reward of the discriminators' logits."""
WIDTH, STEPS, BATCH, RATE = 64, 40, 512, 3e-4
"""Width of their two hidden layers; gradient steps an iteration; decisions of each kind a step; Adam's step size."""
NOISE = 0.1
"""Deviation of noise on their normalised inputs (Arjovsky and Bottou 2017): without it demonstrations, which are few,
can be told apart by their digits, and a student that is nearly right is paid nothing for that."""


class Discriminators:
    """k multilayer perceptrons on normalised observation and action whose outputs are the logits of `demonstrated`.

    Args:
        students: What they judge: the shape and the normaliser of each.
        decisions: What was demonstrated to each student.
        reward: `gail` or `airl`; see `losses.adversarial`.
        seeds: For weights and batches, one each.
    """

    def __init__(
        self, students: Sequence[NetworkPolicy], decisions: Sequence[Transitions], reward: str, seeds: Sequence[int]
    ) -> None:
        self.config, self.pay, self.seeds, self.iteration = students[0].config, REWARDS[reward], seeds, 0
        self.mean, self.std = (
            torch.from_numpy(np.stack([one.arrays[name] for one in students]))[:, None] for name in ("mean", "std")
        )
        self.shown = [
            self._inputs((_rows(one.observations) - mean) / std, torch.from_numpy(one.actions))
            for one, mean, std in zip(decisions, self.mean, self.std, strict=True)
        ]
        shape = PolicyConfig(self.config.environment, self.shown[0].shape[-1], 1, (WIDTH, WIDTH))
        fresh = [random_arrays(shape, generator(seed, "discriminator")) for seed in seeds]
        names = [name for name in shape.shapes if name.startswith("layer")]
        self.weights = trainable({name: torch.from_numpy(np.stack([one[name] for one in fresh])) for name in names})
        self.optimiser = Adam(self.weights.values(), RATE)

    def _inputs(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return normalised observations beside actions, discrete ones one-hot, shape (..., d + actions)."""
        if self.config.head == CATEGORICAL:
            actions = functional.one_hot(actions.reshape(observations.shape[:-1]).long(), self.config.actions)
        return torch.cat([observations, actions.to(torch.float32).clamp(-1.0, 1.0)], -1)

    def _logits(self, inputs: Tensor) -> Tensor:
        return perceptrons(self.weights, inputs, torch.tanh_)[..., 0]

    def begin(self, worlds: np.ndarray, observations: np.ndarray, info: Mapping[str, Any]) -> None:
        """Nothing is noted."""

    @torch.no_grad()
    def of(self, step: Step) -> np.ndarray:
        """Return what decisions are paid, those of one student after those of the other, shape (k * n,)."""
        seen = _rows(step.observations).unflatten(0, (len(self.seeds), -1))
        actions = torch.from_numpy(step.actions).unflatten(0, (len(self.seeds), -1))
        return self.pay(self._logits(self._inputs((seen - self.mean) / self.std, actions))).flatten().numpy()

    def learn(self, observations: Tensor, actions: Tensor) -> Mapping[str, float]:
        """Take gradient steps on demonstrated decisions and the students', normalised, shape (k, n, ...).

        Returns:
            Mean loss and accuracy.
        """
        acted = list(self._inputs(observations, actions))
        draws = [_Draws(seed, self.iteration) for seed in self.seeds]
        self.iteration += 1
        losses, right = [], []
        for _ in range(STEPS):
            inputs = [one.rows(*tables) for one, *tables in zip(draws, self.shown, acted, strict=True)]
            demonstrated, student = self._logits(torch.stack(inputs)).chunk(2, 1)
            loss = discriminator_loss(demonstrated, student)
            self.optimiser.minimise(loss.sum())
            losses.append(float(loss.detach().mean()))
            right.append(float(((demonstrated > 0).float().mean() + (student < 0).float().mean()) / 2))
        return {"discriminator loss": float(np.mean(losses)), "discriminator accuracy": float(np.mean(right))}

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on."""
        weights = {name: tensor.detach() for name, tensor in self.weights.items()}
        return {"weights": weights, "optimiser": self.optimiser.state(), "iteration": self.iteration}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        put_back(self.weights, state["weights"])
        self.optimiser.restore(state["optimiser"])
        self.iteration = state["iteration"]


def _rows(observations: np.ndarray) -> Tensor:
    return torch.from_numpy(observations.astype(np.float32))


class _Draws:
    """What is random about one discriminator in an iteration."""

    def __init__(self, seed: int, iteration: int) -> None:
        self.order = generator(seed, "discriminator", iteration)
        self.noise = torch.Generator().manual_seed(derive_seed(seed, "discriminator", iteration, "noise"))

    def rows(self, *tables: Tensor) -> Tensor:
        """Return BATCH rows of each table, one table's after the other's, with noise on them."""
        drawn = [taken(table, torch.from_numpy(self.order.integers(len(table), size=BATCH))) for table in tables]
        noise = torch.empty(len(tables) * BATCH, tables[0].shape[1]).normal_(0, NOISE, generator=self.noise)
        return noise.add_(torch.cat(drawn))
