"""Reinforcement: SB3's PPO in iterations that each begin anew, so that a killed training goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import set_random_seed

from testbed.distillation.config import PPOConfig
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.memory import keep_memory
from testbed.distillation.reinforcement.collector import Reward, RolloutCollector
from testbed.distillation.source import Scenes
from testbed.distillation.teachers.sb3 import export_actor, import_actor, policy_arguments
from testbed.policies.network import NetworkPolicy
from testbed.seeding import derive_seed
from testbed.threads import one_thread


class Learning(Protocol):
    """What learns beside the policy, for example a discriminator."""

    def learn(self, observations: np.ndarray, actions: np.ndarray) -> Mapping[str, float]:
        """Learn from the decisions of an iteration, normalised, (n, d) and (n,) or (n, size); return what to record."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to go on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""


@one_thread()
def train_ppo(
    start: NetworkPolicy,
    scenes: Scenes,
    reward: Reward,
    practice: PPOConfig,
    seed: int,
    learning: Learning | None = None,
    journal: Journal = SILENT,
) -> NetworkPolicy:
    """Return a policy that has practised.

    Args:
        start: Where it begins; its normaliser stays.
        scenes: Gives the scenes of iteration i for the purpose `practice-i`.
        reward: What it is paid.
        practice: How much.
        seed: For what is random about it.
        learning: Learns after the acting of each iteration and before the policy does.
        journal: Told reward and success of each iteration; keeps what a killed training goes on from.
    """
    keep_memory()
    normaliser = (start.arrays["mean"], start.arrays["std"])
    stage = RolloutCollector(start.config, practice.worlds, normaliser, reward)
    try:
        model = _model(start, stage, practice, seed)
        for iteration in range(_restore(journal, model, learning), practice.iterations):
            set_random_seed(derive_seed(seed, "practice", iteration) % 2**32)
            model.learning_rate = practice.learning_rate * (1 - iteration / practice.iterations)
            model.lr_schedule = _constant(model.learning_rate)
            stage.put_on(scenes(*practice.purposes[iteration]))
            listener = _Listener(learning)
            model.learn(practice.worlds * practice.steps, callback=listener)
            journal.record(iteration + 1, {**listener.found, **_success(stage.finished)})
            if journal.is_due():
                _keep(journal, iteration + 1, model, learning)
    finally:
        stage.close()
    journal.finish()
    return export_actor(start.config, model.policy, normaliser, cut=True)


def _model(start: NetworkPolicy, stage: RolloutCollector, practice: PPOConfig, seed: int) -> PPO:
    set_random_seed(derive_seed(seed, "practice", "critic") % 2**32)
    model = PPO(
        "MlpPolicy", stage, n_steps=practice.steps, batch_size=min(practice.batch, practice.worlds * practice.steps),
        n_epochs=practice.epochs, gamma=practice.discount, gae_lambda=practice.smoothing, ent_coef=practice.entropy,
        policy_kwargs=policy_arguments(start.config), device="cpu",
    )  # fmt: skip
    model.set_logger(Logger(None, []))
    import_actor(model.policy, start)
    return model


def _constant(value: float) -> Callable[[float], float]:
    return lambda _: value


def _success(finished: list[bool]) -> dict[str, float]:
    """Return the share of successes among the episodes that ended, if any did."""
    return {"success": float(np.mean(finished))} if finished else {}


class _Listener(BaseCallback):
    """Lets what learns beside the policy learn before it."""

    def __init__(self, learning: Learning | None) -> None:
        super().__init__()
        self.learning = learning
        self.found: dict[str, float] = {}

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        buffer = self.model.rollout_buffer
        self.found = {"reward": float(buffer.rewards.mean())}
        if self.learning is not None:
            observations = buffer.observations.reshape(-1, buffer.observations.shape[-1])
            actions = buffer.actions.reshape(len(observations), -1)
            self.found |= self.learning.learn(observations, actions)


def _restore(journal: Journal, model: PPO, learning: Learning | None) -> int:
    kept = journal.kept("policy", model.policy.state_dict())
    if kept is None:
        journal.begin(0)
        return 0
    model.policy.load_state_dict(kept["policy"])
    model.policy.optimizer.load_state_dict(kept["optimiser"])
    if learning is not None:
        learning.load_state_dict(kept["learning"])
    journal.begin(kept["step"])
    return kept["step"]


def _keep(journal: Journal, iteration: int, model: PPO, learning: Learning | None) -> None:
    journal.write(
        {
            "step": iteration,
            "policy": model.policy.state_dict(),
            "optimiser": model.policy.optimizer.state_dict(),
            "learning": learning.state_dict() if learning is not None else {},
        }
    )
