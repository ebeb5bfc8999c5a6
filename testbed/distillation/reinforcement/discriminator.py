"""The discriminator of adversarial distillation: tells demonstrated decisions from a student's, and pays the
student."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from testbed.distillation.losses.adversarial import airl_reward, discriminator_loss, gail_reward
from testbed.distillation.reinforcement.collector import Step
from testbed.policies.network import CATEGORICAL, PolicyConfig
from testbed.rollouts.transitions import Transitions
from testbed.seeding import derive_seed, generator

REWARDS = {"gail": gail_reward, "airl": airl_reward}
"""Name -> reward of the discriminator's logits."""
WIDTH, STEPS, BATCH, RATE = 64, 40, 512, 3e-4
"""Width of its two hidden layers; gradient steps an iteration; decisions of each kind a step; Adam's step size."""
NOISE = 0.1
"""Deviation of noise on its normalised inputs (Arjovsky and Bottou 2017): without it demonstrations, which are few,
can be told apart by their digits, and a student that is nearly right is paid nothing for that."""


class Discriminator:
    """A multilayer perceptron on normalised observation and action whose output is the logit of `demonstrated`.

    Args:
        config: Of the student.
        normaliser: Mean and standard deviation of its observations.
        decisions: What was demonstrated.
        reward: `gail` or `airl`; see `losses.adversarial`.
        seed: For weights and batches.
    """

    def __init__(
        self, config: PolicyConfig, normaliser: tuple[np.ndarray, np.ndarray], decisions: Transitions, reward: str,
        seed: int,
    ) -> None:  # fmt: skip
        self.config, self.normaliser, self.pay = config, normaliser, REWARDS[reward]
        mean, std = normaliser
        self.shown = self._inputs((decisions.observations - mean) / std, decisions.actions)
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(seed, "discriminator"))
            size = self.shown.shape[1]
            self.network = nn.Sequential(
                nn.Linear(size, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1)
            )
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=RATE)
        self.seed, self.iteration = seed, 0

    def _inputs(self, observations: np.ndarray, actions: np.ndarray) -> Tensor:
        """Return normalised observations beside actions, discrete ones one-hot, shape (n, d + actions)."""
        if self.config.head == CATEGORICAL:
            actions = np.eye(self.config.actions, dtype=np.float32)[actions.astype(np.int64).reshape(-1)]
        return torch.from_numpy(np.concatenate([observations, actions], axis=1).astype(np.float32))

    def begin(self, worlds: np.ndarray, observations: np.ndarray, info: Mapping[str, Any]) -> None:
        """Nothing is noted."""

    def of(self, step: Step) -> np.ndarray:
        """Return what decisions are paid, shape (n,)."""
        mean, std = self.normaliser
        actions = step.actions if self.config.head == CATEGORICAL else np.clip(step.actions, -1.0, 1.0)
        with torch.no_grad():
            logits = self.network(self._inputs((step.observations - mean) / std, actions))[:, 0]
            return self.pay(logits).numpy()

    def learn(self, observations: np.ndarray, actions: np.ndarray) -> Mapping[str, float]:
        """Take gradient steps on demonstrated decisions and the student's, normalised; return loss and accuracy."""
        if self.config.head != CATEGORICAL:
            actions = np.clip(actions, -1.0, 1.0)
        acted, rng = self._inputs(observations, actions), generator(self.seed, "discriminator", self.iteration)
        self.iteration += 1
        losses, right = [], []
        for _ in range(STEPS):
            demonstrated, student = (self._drawn(table, rng) for table in (self.shown, acted))
            logits = self.network(demonstrated)[:, 0], self.network(student)[:, 0]
            loss = discriminator_loss(*logits)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            losses.append(float(loss.detach()))
            right.append(float(((logits[0] > 0).float().mean() + (logits[1] < 0).float().mean()) / 2))
        return {"discriminator loss": float(np.mean(losses)), "discriminator accuracy": float(np.mean(right))}

    def _drawn(self, table: Tensor, rng: np.random.Generator) -> Tensor:
        rows = table[torch.from_numpy(rng.integers(len(table), size=BATCH))]
        return rows + torch.from_numpy(rng.normal(0, NOISE, rows.shape).astype(np.float32))

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to go on."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "iteration": self.iteration,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.iteration = state["iteration"]
