"""Adversarial distillation beside SB3's PPO that the same discriminators pay: how students do while they learn.

    python benchmarks/adversarial.py --write docs/routes.md

Both begin as the same networks, see the same demonstrations, practise in scenes of the same seeds and as often, and are
paid by discriminators of the same beginning that learn alike. What differs is who acts and learns: SB3's PPO, one
student after the other, or ours, all at once. The difference is paired over training seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
import tyro
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from testbed.audit.statistics import mean_of
from testbed.audit.text import percent
from testbed.cli.commands.pages import put
from testbed.console import console, lines, run_command, tracked
from testbed.distillation.config import PPOConfig, Training
from testbed.distillation.journal import Journal
from testbed.distillation.reinforcement.discriminator import Discriminators
from testbed.distillation.reinforcement.ppo import practise
from testbed.distillation.reinforcement.stage import Stage
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.distillation.teachers.sb3 import action_space, import_actor, policy_arguments
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Scenario
from testbed.rollouts.transitions import Transitions, load_transitions
from testbed.seeding import scenario_seeds

HIDDEN = (64, 64)


@dataclass(frozen=True)
class Place:
    """Where students practise, and how."""

    environment: str
    """Gymnasium id."""
    demonstrations: Path
    """What they are to be like."""
    practice: PPOConfig
    """How much."""


PLACES = (
    Place(
        "testbed/Merge-v0", Path("demonstrations/merge-clean.hdf5"),
        PPOConfig(iterations=24, worlds=64, steps=160),
    ),
    Place(
        "testbed/Crosswalk-v0", Path("demonstrations/crosswalk-clean.hdf5"),
        PPOConfig(iterations=24, worlds=64, steps=160),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Compare learning curves."""

    seeds: int = 6
    """Training seeds."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


class Curve(Journal):
    """The success of each iteration, over all students."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def record(self, step: int, values: Any) -> None:
        """Take down an iteration."""
        self.rates.append(values.get("success", np.nan))


def scenes(seed: int, purpose: str, count: int) -> list[Scenario]:
    """Return the scenes of an iteration of one student."""
    return [Scenario(one) for one in scenario_seeds(seed, purpose, count)]


class Staged(VecEnv):
    """One student's worlds as SB3 wants them, paid by a discriminator; what is seen is normalised as it is for ours."""

    render_mode = None

    def __init__(self, place: Place, start: NetworkPolicy, judges: Discriminators) -> None:
        self.stage, self.start, self.judges = Stage(place.environment, 1, place.practice.worlds), start, judges
        size = start.config.observation_size
        space = gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32)
        super().__init__(place.practice.worlds, space, action_space(start.config))

    def shown(self, seen: np.ndarray) -> np.ndarray:
        """Return observations, normalised."""
        return ((seen - self.start.arrays["mean"]) / self.start.arrays["std"]).astype(np.float32)

    def put_on(self, given: Sequence[Scenario]) -> np.ndarray:
        """Begin an iteration."""
        self.stage.put_on([given], self.judges)
        return self.shown(self.stage.observations)

    def reset(self) -> np.ndarray:
        """Begin, before the first iteration does."""
        return self.put_on([Scenario(0)])

    def step_async(self, actions: np.ndarray) -> None:
        """Take actions."""
        self.actions = actions

    def step_wait(self) -> tuple:
        """Act."""
        step, paid = self.stage.step(self.actions)
        last = self.shown(step.next_observations)
        told = [
            {"terminal_observation": last[world], "TimeLimit.truncated": bool(step.cut[world])} if over else {}
            for world, over in enumerate(step.over)
        ]
        return self.shown(self.stage.observations), paid.astype(np.float32), step.over, told

    def close(self) -> None:
        """Let the worlds go."""
        self.stage.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list:
        """Worlds have nothing of their own."""
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Nothing can be set."""
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list:
        """Nothing can be called."""
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Nothing is wrapped."""
        return [False] * self.num_envs


class Practice(BaseCallback):
    """Puts on new scenes before each iteration of SB3's, and lets the discriminators learn after its acting."""

    def __init__(self, place: Place, seed: int, env: Staged) -> None:
        super().__init__()
        self.place, self.seed, self.env, self.iteration = place, seed, env, 0
        self.rates: list[float] = []

    def _on_rollout_start(self) -> None:
        given = scenes(self.seed, *self.place.practice.purposes[self.iteration])
        self.model._last_obs = self.env.put_on(given)
        self.model._last_episode_starts = np.ones(self.env.num_envs, bool)
        rate = self.place.practice.learning_rate * (1 - self.iteration / self.place.practice.iterations)
        self.model.lr_schedule = lambda _: rate

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        buffer = self.model.rollout_buffer
        seen, done = (torch.from_numpy(one.swapaxes(0, 1).copy()) for one in (buffer.observations, buffer.actions))
        actions = done.flatten(0, 1) if self.env.start.config.head != "categorical" else done.flatten()
        self.env.judges.learn(seen.flatten(0, 1)[None], actions[None])
        finished = self.env.stage.finished
        self.rates.append(float(np.mean(finished)) if finished else np.nan)
        self.iteration += 1


def taught_by_sb3(place: Place, start: NetworkPolicy, shown: Transitions, seed: int) -> list[float]:
    """Return the success of each iteration of one student of SB3's PPO."""
    practice = place.practice
    env = Staged(place, start, Discriminators([start], [shown], "airl", [seed]))
    model = PPO(
        "MlpPolicy", env, n_steps=practice.steps, batch_size=practice.batch, n_epochs=practice.epochs,
        learning_rate=practice.learning_rate, gamma=practice.discount, gae_lambda=practice.smoothing,
        ent_coef=practice.entropy, policy_kwargs=policy_arguments(start.config), seed=seed, device="cpu",
    )  # fmt: skip
    import_actor(model.policy, start)
    teaching = Practice(place, seed, env)
    model.learn(practice.iterations * practice.steps * practice.worlds, callback=teaching)
    env.close()
    return teaching.rates


def taught_by_ours(place: Place, start: NetworkPolicy, shown: Transitions, seed: int) -> list[float]:
    """Return the success of each iteration of one student of ours."""
    judges, curve = Discriminators([start], [shown], "airl", [seed]), Curve()
    practise([start], [partial(scenes, seed)], judges, place.practice, [seed], judges, curve)
    return curve.rates


def compare(place: Place, seeds: int) -> list[str]:
    """Return rows of the table: both ways in the quarters of practice, and how they differ."""
    shown = load_transitions(place.demonstrations)
    config = policy_config(place.environment, HIDDEN)
    starts = Cloning(Training(steps=1)).distil([Source(shown)] * seeds, config, list(range(seeds)))
    rows: list[tuple[list[float], list[float]]] = []
    for seed in tracked(list(range(seeds)), f"practise in {place.environment}", seeds):
        rows.append(tuple(way(place, starts[seed], shown, seed) for way in (taught_by_ours, taught_by_sb3)))
    found = np.array(rows)  # seeds x ways x iterations
    told = []
    for number, quarter in enumerate(np.array_split(np.arange(found.shape[2]), 4)):
        ours, theirs = np.nanmean(found[:, :, quarter], axis=2).T
        cells = (percent(mean_of(one[None]).interval()) for one in (ours, theirs, ours - theirs))
        told.append(f"| {place.environment if not number else ''} | {number + 1} | {' | '.join(cells)} |")
    return told


def main(options: Options) -> None:
    """Compare and print."""
    torch.set_num_threads(1)
    head = [
        f"`python benchmarks/adversarial.py --seeds {options.seeds}`, success while practising:", "",
        "| scene | quarter of practice | ours | SB3's PPO | ours - SB3's |", "|---|---|---|---|---|",
    ]  # fmt: skip
    text = "\n".join([*head, *(row for place in PLACES for row in compare(place, options.seeds))])
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "adversarial", text)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
