"""How fast policies practise: decisions a second and core, learning included, beside SB3's PPO, in one run.

    python benchmarks/teachers.py

SB3's PPO with the settings of `PPOConfig` on three vectorisations of the same environment: its single form, in SB3's
DummyVecEnv (all worlds one after the other) and SubprocVecEnv (one process a world), and its batch form, in
`testbed.sb3.VecEnv`; then `practise`, one policy and twenty at once. Each decision is learned from equally often, in
batches of the same size, whatever the way. Everything runs on one core and one thread of torch but for SubprocVecEnv,
which has as many cores as processes. `ratio` is to SB3 on the batch form, turn by turn.

Then adversarial distillation at the merge as a whole, discriminators included, of twenty students at once and of one
after the other as 0.6.0 made them (from the repository's history). Then, with `--curves SEEDS`, how well policies do
that SB3 and `practise` teach from nothing: their success in the last quarter of practice, with intervals.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import gymnasium
import numpy as np
import torch
import tyro
from gymnasium.spaces import Discrete
from peer.history import asking, sources_of
from rich.table import Table
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from testbed import sb3
from testbed.console import console, run_command, tracked
from testbed.distillation.config import PPOConfig
from testbed.distillation.journal import Journal
from testbed.distillation.reinforcement.ppo import practise
from testbed.distillation.reinforcement.stage import TaskReward
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.source import Source
from testbed.distillation.teachers.sb3 import import_actor, policy_arguments
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import transitions
from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.seeding import scenario_seeds

PRACTICE = PPOConfig()
FEW, PROCESSES, STUDENTS, HIDDEN = 8, 2, 20, (64, 64)
"""Worlds of the single form in one process; processes; policies that practise at once; layers of each."""
MERGE = "testbed/Merge-v0"

Way = Callable[[], float]
"""Decisions a second of some practice."""


@dataclass(frozen=True)
class Options:
    """Measure how fast policies practise."""

    environments: tuple[str, ...] = (MERGE, "testbed/OrderPicking-v0")
    """Where they practise."""
    repeats: int = 5
    """How often each way is measured; the ways take turns."""
    decisions: int = 1024
    """Decisions between two updates in the single forms, which are slow; a multiple of the batch."""
    iterations: int = 2
    """Iterations of practice in each measurement."""
    route: bool = True
    """Whether adversarial distillation is measured too."""
    curves: int = 0
    """Training seeds whose policies are taught from nothing by both ways; 0 for none."""
    length: int = 60
    """Iterations of that."""


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Give this thread so many cores, and all threads and processes that it begins meanwhile, for good."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_of_them)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


def on_cores(count: int, way: Way) -> Way:
    """Return a way that has so many cores."""

    def run() -> float:
        with cores(count):
            return way()

    return run


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


def fresh(environment: str, count: int) -> list[NetworkPolicy]:
    """Return policies that have learnt nothing."""
    config = shape(environment)
    return [NetworkPolicy(config, random_arrays(config, np.random.default_rng(seed))) for seed in range(count)]


def scenes(purpose: str, count: int, seed: int = 0) -> list[Scenario]:
    """Return scenes for a purpose."""
    return [Scenario(one) for one in scenario_seeds(seed, purpose, count)]


class Theirs(BaseCallback):
    """SB3's PPO at work, with the settings of `PPOConfig`."""

    def __init__(self, environment: str, env, decisions: int, seed: int = 0) -> None:
        super().__init__()
        self.environment, self.env, self.decisions, self.seed = environment, env, decisions, seed
        self.begin()

    def begin(self) -> None:
        """Begin with the policy that `practise` begins with."""
        self.ppo = PPO(
            "MlpPolicy", self.env, n_steps=self.decisions // self.env.num_envs, batch_size=PRACTICE.batch,
            n_epochs=PRACTICE.epochs, gamma=PRACTICE.discount, gae_lambda=PRACTICE.smoothing,
            ent_coef=PRACTICE.entropy, device="cpu", seed=self.seed, learning_rate=PRACTICE.learning_rate,
            policy_kwargs=policy_arguments(shape(self.environment)),
        )  # fmt: skip
        self.ppo.set_logger(Logger(None, []))
        import_actor(self.ppo.policy, fresh(self.environment, self.seed + 1)[self.seed])
        self.ended = list[bool]()

    def _on_step(self) -> bool:
        self.ended += [told["is_success"] for told in self.locals["infos"] if "is_success" in told]
        return True

    def rate(self, iterations: int = 1) -> float:
        """Collect decisions and learn from them so often, from the beginning."""
        start = time.perf_counter()
        self.begin()
        for _ in range(iterations):
            self.ppo.learn(self.decisions)
        return iterations * self.decisions / (time.perf_counter() - start)


def ours(environment: str, count: int, practice: PPOConfig) -> float:
    """Let policies practise, paid by the environment."""
    start = time.perf_counter()
    practise(fresh(environment, count), [scenes] * count, TaskReward(), practice, list(range(count)))
    return count * practice.iterations * practice.worlds * practice.steps / (time.perf_counter() - start)


def show(title: str, ways: dict[str, Way], base: str, repeats: int) -> None:
    """Measure ways in turn and print a table."""
    for way in ways.values():
        way()  # what is compiled or imported at first is not measured
    found: dict[str, list[float]] = {name: [] for name in ways}
    for name in tracked(list(ways) * repeats, f"measure {title}", len(ways) * repeats):
        found[name].append(ways[name]())
    table = Table(title=f"{title}, decisions/s, median of {repeats} (lowest to highest)", title_justify="left")
    for heading in ("way", "decisions/s", "ratio"):
        table.add_column(heading, justify="left" if heading == "way" else "right", no_wrap=True)
    for name, speeds in found.items():
        ratio = statistics.median(one / other for one, other in zip(speeds, found[base], strict=True))
        table.add_row(
            name, f"{statistics.median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})", f"{ratio:.2f}"
        )
    console.print(table)


def compare(environment: str, options: Options) -> None:
    """Print how fast PPO is in one environment."""
    make, few, most = partial(single, environment), options.decisions, PRACTICE.worlds * PRACTICE.steps
    base = f"SB3, testbed.sb3.VecEnv, {PRACTICE.worlds} worlds"
    with cores(1):
        dummy, batch = DummyVecEnv([make] * FEW), sb3.VecEnv(environment, PRACTICE.worlds)
        batch.reset()  # its threads begin here
    with cores(PROCESSES):
        processes = SubprocVecEnv([make] * PROCESSES)
    practice = replace(PRACTICE, iterations=options.iterations)
    ways = {
        f"SB3, DummyVecEnv, {FEW} worlds": on_cores(1, Theirs(environment, dummy, few).rate),
        f"SB3, SubprocVecEnv, {PROCESSES} cores": on_cores(PROCESSES, Theirs(environment, processes, few).rate),
        base: on_cores(1, partial(Theirs(environment, batch, most).rate, options.iterations)),
        "practise, 1 policy": on_cores(1, partial(ours, environment, 1, practice)),
        f"practise, {STUDENTS} policies": on_cores(1, partial(ours, environment, STUDENTS, practice)),
    }
    show(f"{environment}, PPO", ways, base, options.repeats)
    for env in (dummy, processes, batch):
        env.close()


def compare_route(options: Options) -> None:
    """Print how fast adversarial distillation is beside 0.6.0's."""
    shown = play(MERGE, scenes("demonstrations", 96), [(GapAcceptance(), Behaviour("demonstrator"))], states=False)
    source, practice = Source(transitions(list(shown)), scenes=scenes), replace(PRACTICE, iterations=options.iterations)

    def route(count: int) -> float:
        start = time.perf_counter()
        Adversarial(practice).distil([source] * count, shape(MERGE), list(range(count)))
        return count * practice.iterations * practice.worlds * practice.steps / (time.perf_counter() - start)

    with ExitStack() as kept:
        before = kept.enter_context(sources_of())
        with cores(1):
            older = kept.enter_context(asking(before, "peer/route_before.py"))
        base = "0.6.0, one student after the other"
        ways = {base: lambda: older(practice.iterations)} | {
            f"{count} at once": on_cores(1, partial(route, count)) for count in (1, 5, STUDENTS)
        }
        show(f"{MERGE}, adversarial distillation", ways, base, options.repeats)


class Success(Journal):
    """Keeps the success of each iteration."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def record(self, step, values) -> None:
        """Take down an iteration."""
        self.rates.append(values["success"])


def compare_curves(options: Options) -> None:
    """Print how well policies do that both ways teach from nothing, at the merge."""
    quarter, rows = max(options.length // 4, 1), dict[str, list[list[float]]](sb3=[], ours=[])
    for seed in tracked(list(range(options.curves)), "teach from nothing", options.curves):
        env = sb3.VecEnv(MERGE, PRACTICE.worlds)
        env.seed(100_000 * seed)
        teaching, rates = Theirs(MERGE, env, PRACTICE.worlds * PRACTICE.steps, seed), list[float]()
        for iteration in range(options.length):
            teaching.ppo.learning_rate = PRACTICE.learning_rate * (1 - iteration / options.length)
            teaching.ppo.lr_schedule = lambda _, rate=teaching.ppo.learning_rate: rate
            teaching.ended = []
            teaching.ppo.learn(teaching.decisions, callback=teaching)
            rates.append(float(np.mean(teaching.ended)))
        rows["sb3"].append(rates)
        journal = Success()
        practice, start = replace(PRACTICE, iterations=options.length), fresh(MERGE, seed + 1)[seed]
        practise([start], [partial(scenes, seed=seed)], TaskReward(), practice, [seed], journal=journal)
        rows["ours"].append(journal.rates)
    last = {name: np.array(found)[:, -quarter:].mean(1) for name, found in rows.items()}
    for name, values in last.items():
        span = f"{values.mean():.1%} ({values.min():.1%} to {values.max():.1%})"
        console.print(f"{name}: success in the last quarter {span}")
    low, high = bootstrap(last["ours"], last["sb3"])
    console.print(f"ours - SB3's: {(last['ours'].mean() - last['sb3'].mean()):+.1%} [{low:+.1%}, {high:+.1%}], 95 %")


def bootstrap(one: np.ndarray, other: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """Return a 95 % interval of the difference of two means over training seeds."""
    rng = np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=(draws, len(values)))].mean(1) for values in (one, other)]
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    return float(low), float(high)


def main(options: Options) -> None:
    """Measure and print."""
    if options.decisions % PRACTICE.batch:
        raise UserError(f"{options.decisions} decisions are no multiple of a batch of {PRACTICE.batch}")
    torch.set_num_threads(1)
    for environment in options.environments:
        compare(environment, options)
    if options.route:
        compare_route(options)
    if options.curves:
        compare_curves(options)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
