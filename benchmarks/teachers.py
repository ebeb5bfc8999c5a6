"""How fast PPO learns on the batch environments: decisions a second, learning included, in one run.

    python benchmarks/teachers.py

SB3's PPO with the settings of `PPOConfig` on three vectorisations of the same environment: its batch form, through
`RolloutCollector`; and the single form, in SB3's DummyVecEnv (all worlds one after the other) and SubprocVecEnv (one
process a world). Each decision is learned from equally often, in batches of the same size, whatever the way. Torch has
one thread. `acting` is the share of the time in which PPO collects decisions; the rest is gradient steps. `ratio` is to
the faster vectorisation of the single form, turn by turn.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from functools import partial

import gymnasium
import numpy as np
import torch
import tyro
from gymnasium.spaces import Discrete
from rich.table import Table
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from testbed.console import console, run_command, tracked
from testbed.distillation.config import PPOConfig
from testbed.distillation.reinforcement.collector import RolloutCollector, TaskReward
from testbed.distillation.teachers.sb3 import policy_arguments
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, PolicyConfig
from testbed.protocols.episode import Scenario

PRACTICE = PPOConfig()
FEW, PROCESSES, HIDDEN = 8, 2, (64, 64)
"""Worlds of the single form in one process, and of the batch form beside it; processes; layers of the policy."""


@dataclass(frozen=True)
class Options:
    """Measure how fast PPO learns."""

    environments: tuple[str, ...] = ("testbed/Merge-v0", "testbed/OrderPicking-v0")
    """Where it learns."""
    repeats: int = 5
    """How often each way is measured; the ways take turns."""
    decisions: int = 1024
    """Decisions between two updates in the single forms, which are slow; a multiple of the batch."""


@dataclass(frozen=True)
class Rate:
    """What one iteration of PPO came to."""

    decisions: float
    """Decisions a second."""
    acting: float
    """Share of the time until the worlds were left alone."""


def single(environment: str) -> gymnasium.Env:
    """Return the single form."""
    return gymnasium.make(environment, disable_env_checker=True)


def shape(environment: str) -> PolicyConfig:
    """Return the shape of the policy that learns."""
    env = single(environment)
    sees, does = env.observation_space.shape[0], env.action_space
    if isinstance(does, Discrete):
        return PolicyConfig(environment, sees, int(does.n), HIDDEN, CATEGORICAL)
    return PolicyConfig(environment, sees, does.shape[0], HIDDEN, GAUSSIAN)


def staged(config: PolicyConfig, worlds: int) -> VecEnv:
    """Return the batch form as PPO gets it."""
    identity = np.zeros(config.observation_size, np.float32), np.ones(config.observation_size, np.float32)
    stage = RolloutCollector(config, worlds, identity, TaskReward())
    stage.put_on([Scenario(seed) for seed in range(2 * worlds)])
    return stage


class Learner(BaseCallback):
    """PPO at work, with the settings of `PPOConfig`."""

    def __init__(self, config: PolicyConfig, env: VecEnv, decisions: int) -> None:
        super().__init__()
        self.ppo = PPO(
            "MlpPolicy", env, n_steps=decisions // env.num_envs, batch_size=PRACTICE.batch, n_epochs=PRACTICE.epochs,
            gamma=PRACTICE.discount, gae_lambda=PRACTICE.smoothing, ent_coef=PRACTICE.entropy, device="cpu", seed=0,
            learning_rate=PRACTICE.learning_rate, policy_kwargs=policy_arguments(config),
        )  # fmt: skip
        self.ppo.set_logger(Logger(None, []))
        self.env, self.decisions = env, decisions

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.acted = time.perf_counter()

    def iterate(self) -> Rate:
        """Collect decisions and learn from them."""
        start = time.perf_counter()
        self.ppo.learn(self.decisions, callback=self)
        seconds = time.perf_counter() - start
        return Rate(self.decisions / seconds, (self.acted - start) / seconds)


def learners(environment: str, options: Options) -> dict[str, Learner]:
    """Return PPO on every vectorisation."""
    config, make, few = shape(environment), partial(single, environment), options.decisions
    most = PRACTICE.worlds * PRACTICE.steps
    return {
        f"DummyVecEnv, {FEW} worlds": Learner(config, DummyVecEnv([make] * FEW), few),
        f"SubprocVecEnv, {PROCESSES}": Learner(config, SubprocVecEnv([make] * PROCESSES), few),
        f"RolloutCollector, {FEW} worlds": Learner(config, staged(config, FEW), few),
        f"RolloutCollector, {PRACTICE.worlds} worlds": Learner(config, staged(config, PRACTICE.worlds), most),
    }


def compare(environment: str, options: Options) -> None:
    """Print the table of one environment."""
    ways = learners(environment, options)
    for learner in ways.values():
        learner.iterate()  # what is compiled or imported at first is not measured
    found: dict[str, list[Rate]] = {name: [] for name in ways}
    turns = list(ways) * options.repeats
    for name in tracked(turns, f"measure {environment}", len(turns)):
        found[name].append(ways[name].iterate())
    for learner in ways.values():
        learner.env.close()
    title = f"{environment}, PPO: decisions/s, learning included, median of {options.repeats} (lowest to highest)"
    table = Table(title=title, title_justify="left")
    for heading in ("way", "decisions/s", "acting", "ratio"):
        table.add_column(heading, justify="left" if heading == "way" else "right", no_wrap=True)
    peers = [
        [rate.decisions for rate in rates] for name, rates in found.items() if not name.startswith("RolloutCollector")
    ]
    peer = max(peers, key=statistics.median)
    for name, rates in found.items():
        speeds = [rate.decisions for rate in rates]
        span = f"{statistics.median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})"
        times = statistics.median(ours / theirs for ours, theirs in zip(speeds, peer, strict=True))
        table.add_row(name, span, f"{statistics.median(rate.acting for rate in rates):.0%}", f"{times:.1f}")
    console.print(table)


def main(options: Options) -> None:
    """Measure and print."""
    if options.decisions % PRACTICE.batch:
        raise UserError(f"{options.decisions} decisions are no multiple of a batch of {PRACTICE.batch}")
    torch.set_num_threads(1)
    for environment in options.environments:
        compare(environment, options)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
