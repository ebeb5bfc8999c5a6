"""Proximal policy optimisation (Schulman et al. 2017) of k policies at once.

Each learns from its own decisions, in worlds and batches of its own, with its own critic, optimiser moments and random
numbers; only the arithmetic is shared. What is computed is what SB3's PPO computes with the same settings, to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from testbed.distillation.batches import taken
from testbed.distillation.config import PPOConfig
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.policy_gradient import clipped_surrogate, generalised_advantages, standardised
from testbed.distillation.memory import keep_memory
from testbed.distillation.optimiser import Adam
from testbed.distillation.reinforcement.actor_critic import ActorCritics
from testbed.distillation.reinforcement.stage import Reward, Stage
from testbed.distillation.source import Scenes
from testbed.distillation.stacked import put_back
from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.seeding import generator
from testbed.threads import one_thread

CLIP, CRITIC, LONGEST, EPSILON = 0.2, 0.5, 0.5, 1e-5
"""How far a ratio may move a decision, weight of the critic's loss, greatest length of a gradient, and Adam's epsilon:
SB3's, and those of Schulman's own code."""


class Learning(Protocol):
    """What learns beside the policies, for example discriminators."""

    def learn(self, observations: Tensor, actions: Tensor) -> Mapping[str, float]:
        """Learn from the decisions of an iteration, normalised, (k, n, d) and (k, n) or (k, n, size); return what to
        record."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""


@dataclass(frozen=True)
class Experience:
    """What k learners did in an iteration, n decisions each."""

    observations: Tensor
    """Normalised, shape (k, n, d)."""
    actions: Tensor
    """Shape (k, n) or (k, n, size)."""
    log_probabilities: Tensor
    """Of the actions when they were drawn, shape (k, n)."""
    advantages: Tensor
    """Shape (k, n)."""
    returns: Tensor
    """What the critics should have said, shape (k, n)."""
    reward: float
    """Mean of what was paid."""

    def some(self, rows: Tensor) -> Experience:
        """Return decisions of each learner, by their positions, shape (k, b)."""
        k, n = self.returns.shape
        flat = rows + n * torch.arange(k)[:, None]
        parts = (self.observations, self.actions, self.log_probabilities, self.advantages, self.returns)
        observations, actions, likelihoods, advantages, returns = (taken(one.flatten(0, 1), flat) for one in parts)
        return Experience(observations, actions, likelihoods, advantages, returns, self.reward)


@one_thread()
def practise(
    starts: Sequence[NetworkPolicy],
    scenes: Sequence[Scenes],
    reward: Reward,
    practice: PPOConfig,
    seeds: Sequence[int],
    learning: Learning | None = None,
    journal: Journal = SILENT,
) -> list[NetworkPolicy]:
    """Return k policies that have practised.

    Args:
        starts: Where they begin, all of one shape; their normalisers stay.
        scenes: Give each its scenes of iteration i, for the purpose `practice-i`.
        reward: What they are paid, for the worlds of all of them, one learner's after the other's.
        practice: How much.
        seeds: For what is random about each.
        learning: Learns after the acting of each iteration and before the policies do.
        journal: Told mean reward and success of each iteration; keeps what a killed training goes on from.
    """
    keep_memory()
    learners = ActorCritics(starts, seeds)
    optimiser = Adam(learners.weights.values(), practice.learning_rate, epsilon=EPSILON, longest=LONGEST)
    with closing(Stage(learners.config.environment, len(starts), practice.worlds)) as stage:
        for iteration in range(_restore(journal, learners, optimiser, learning), practice.iterations):
            optimiser.learning_rate = practice.learning_rate * (1 - iteration / practice.iterations)
            draws = [generator(seed, "practice", iteration) for seed in seeds]
            stage.put_on([give(*practice.purposes[iteration]) for give in scenes], reward)
            done = collect(learners, stage, practice, draws)
            found = dict(learning.learn(done.observations, done.actions)) if learning is not None else {}
            improve(learners, optimiser, done, practice, draws)
            success = {"success": float(np.mean(stage.finished))} if stage.finished else {}
            journal.record(iteration + 1, {"reward": done.reward, **found, **success})
            journal.passed(iteration + 1, learners.policies)
            if journal.is_due():
                _keep(journal, iteration + 1, learners, optimiser, learning)
    journal.finish()
    return learners.policies()


@torch.no_grad()
def collect(
    learners: ActorCritics, stage: Stage, practice: PPOConfig, draws: Sequence[np.random.Generator]
) -> Experience:
    """Let the learners act on a stage, and value what they did."""
    steps, chances = practice.steps, _chances(learners, practice, draws)
    seen, rows = learners.normalised(stage.observations), []
    for step in range(steps):
        actions, likelihood = learners.act(seen, chances[step])
        happened, paid = stage.step(_as_asked(learners, actions))
        rewards = torch.from_numpy(paid.astype(np.float32)).view_as(likelihood)
        over = torch.from_numpy(happened.over.astype(np.float32)).view_as(likelihood)
        if happened.cut.any():  # what would have come after the time limit is worth what the critic says
            last = learners.values(learners.normalised(happened.next_observations))
            rewards = rewards + practice.discount * last * torch.from_numpy(happened.cut).view_as(last)
        rows.append((seen, actions, likelihood, rewards, over))
        seen = learners.normalised(stage.observations)
    seen_t, actions_t, likelihood_t, rewards_t, over_t = (torch.stack(one) for one in zip(*rows, strict=True))
    values = torch.stack([learners.values(one) for one in (*seen_t, seen)])
    advantages = generalised_advantages(rewards_t, values, over_t, practice.discount, practice.smoothing)
    return Experience(
        _by_learner(seen_t), _by_learner(actions_t), _by_learner(likelihood_t), _by_learner(advantages),
        _by_learner(advantages + values[:-1]), float(rewards_t.mean()),
    )  # fmt: skip


def _by_learner(table: Tensor) -> Tensor:
    """Return what was done step by step, (steps, k, worlds, ...), as rows of each learner, (k, steps * worlds, ...)."""
    return table.transpose(0, 1).flatten(1, 2)


def improve(
    learners: ActorCritics, optimiser: Adam, done: Experience, practice: PPOConfig, draws: Sequence[np.random.Generator]
) -> None:
    """Take gradient steps on what was done, several times over all of it in an order of each learner's own."""
    count = done.returns.shape[1]
    for _ in range(practice.epochs):
        order = torch.from_numpy(np.stack([draw.permutation(count) for draw in draws]))
        for start in range(0, count, practice.batch):
            optimiser.minimise(loss(learners, done.some(order[:, start : start + practice.batch]), practice.entropy))


def loss(learners: ActorCritics, some: Experience, entropy: float) -> Tensor:
    """Return what is minimised, summed over learners: surrogate, critic's error, and less of entropy."""
    likelihoods, entropies = learners.likelihood(some.observations, some.actions)
    surrogate = clipped_surrogate(likelihoods - some.log_probabilities, standardised(some.advantages), CLIP)
    error = ((learners.values(some.observations) - some.returns) ** 2).mean(-1)
    return (surrogate + CRITIC * error - entropy * entropies.mean(-1)).sum()


def _chances(learners: ActorCritics, practice: PPOConfig, draws: Sequence[np.random.Generator]) -> Tensor:
    """Return the numbers that all actions of an iteration are drawn with, shape (steps, k, worlds, ...)."""
    shape, size = (practice.steps, practice.worlds), learners.config.actions
    if learners.config.head == CATEGORICAL:
        return torch.from_numpy(np.stack([draw.random(shape, np.float32) for draw in draws], 1))
    return torch.from_numpy(np.stack([draw.standard_normal((*shape, size), np.float32) for draw in draws], 1))


def _as_asked(learners: ActorCritics, actions: Tensor) -> np.ndarray:
    """Return actions as the environment takes them, shape (k * n,) or (k * n, size)."""
    flat = actions.flatten(0, 1)
    return flat.numpy() if learners.config.head == CATEGORICAL else flat.clamp(-1.0, 1.0).numpy()


def _restore(journal: Journal, learners: ActorCritics, optimiser: Adam, learning: Learning | None) -> int:
    kept = journal.kept("weights", learners.weights)
    if kept is None:
        journal.begin(0)
        return 0
    put_back(learners.weights, kept["weights"])
    optimiser.restore(kept["optimiser"])
    if learning is not None:
        learning.restore(kept["learning"])
    journal.begin(kept["step"])
    return kept["step"]


def _keep(
    journal: Journal, step: int, learners: ActorCritics, optimiser: Adam, learning: Learning | None
) -> None:  # fmt: skip
    journal.write(
        {
            "step": step,
            "weights": {name: tensor.detach() for name, tensor in learners.weights.items()},
            "optimiser": optimiser.state(),
            "learning": learning.state() if learning is not None else {},
        }
    )
