"""How fast the warehouse is: environment steps a second beside MuJoCo's bare batch and gymnasium-robotics, in one run.

    python benchmarks/warehouse.py

A step is one decision of one world, 0.04 s, with the clean expert at work; only `env.step` is timed. `at work`: worlds
in the middle of different parts of their episodes, which reset themselves when they are done. `motion`: decisions
from a stored state, again and again, in which no order gets done. `limit`: `mujoco.batch.Batch.step` of the same model
with the inputs of that motion, and nothing else. The peer is gymnasium-robotics' FetchPickAndPlace with random actions
on MuJoCo 3.10, in an environment that this script makes. All ways take turns.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import gymnasium
import mujoco
import numpy as np
import tyro
from gymnasium.vector import AutoresetMode
from mujoco.batch import Batch
from rich.table import Table

import testbed  # noqa: F401  (registers the environments)
from testbed.console import console, run_command, styled, tracked
from testbed.envs.warehouse.scene import SUBSTEPS
from testbed.scenes.registry import all_habits, environments

WORLDS = (1, 16, 64, 256)
STAGGER, HORIZON, POOL = 100, 50, 256
"""Decisions over which worlds begin one after the other; those of the motion; and the worlds that it is chosen from."""
AT_WORK, SAME, LIMIT, THE_PEER = "at work", "motion", "limit", "peer"
INPUTS = ("ctrl", "mocap_pos", "eq_active")
PICKING = "testbed/OrderPicking-v0"
PEER = "mujoco==3.10.0", "gymnasium-robotics==1.4.2", "gymnasium==1.4.0", "numpy==2.4.6"
PEER_PROGRAM = """
import sys, time, gymnasium, gymnasium_robotics
gymnasium.register_envs(gymnasium_robotics)
env = gymnasium.make("FetchPickAndPlace-v4", disable_env_checker=True)
seconds, steps, over = 0.0, 0, True
while seconds < float(sys.argv[1]):
    if over:
        env.reset()
    action, start = env.action_space.sample(), time.perf_counter()
    *_, terminated, truncated, _ = env.step(action)
    seconds, steps, over = seconds + time.perf_counter() - start, steps + 1, terminated or truncated
print(steps / seconds)
"""

Way = tuple[str, int]
"""What is measured, and worlds."""
Play = Callable[[], tuple[int, float]]
"""Goes on a little; returns how many environment steps that was, and how long they took [s]."""


@dataclass(frozen=True)
class Options:
    """Measure the warehouse beside its limit and its peer."""

    repeats: int = 5
    """How often each way is measured; the ways take turns."""
    seconds: float = 2.0
    """Length of one measurement, at least one motion [s]."""
    peer: Path | None = None
    """Folder to keep the peer's environment in; a temporary one if not given."""


def expert(environment: str):
    """Return the clean demonstrator of an environment."""
    return next(habit for habit in all_habits().values() if habit.environment == environment).clean()


def staggered(environment: str, worlds: int, mode: AutoresetMode):
    """Return an environment whose worlds began one after the other, and its observations."""
    env, policy = gymnasium.make_vec(environment, num_envs=worlds, autoreset_mode=mode), expert(environment)
    observations, _ = env.reset(seed=0)
    begins = np.arange(worlds) * STAGGER // worlds
    for decision in range(STAGGER):
        if (begins == decision).any():
            observations, _ = env.reset(options={"reset_mask": begins == decision})
        observations, *_ = env.step(policy.act(observations))
    return env, observations


def at_work(environment: str, worlds: int) -> Play:
    """Return what makes a decision in worlds that go on and on."""
    (env, observations), policy = staggered(environment, worlds, AutoresetMode.SAME_STEP), expert(environment)

    def play() -> tuple[int, float]:
        nonlocal observations
        actions, start = policy.act(observations), time.perf_counter()
        observations, *_ = env.step(actions)
        return worlds, time.perf_counter() - start

    return play


class Motion:
    """Work that can be played again: by the environment, and by a bare batch with the same inputs."""

    def __init__(self, environment: str) -> None:
        env, _ = staggered(environment, POOL, AutoresetMode.DISABLED)
        start, batch, policy, names = env.snapshot(), env.physics.batch, expert(environment), env.scene.names
        rows, observations, self.decisions = batch.state.copy(), env.restore(start), []
        for _ in range(HORIZON):
            actions = policy.act(observations)
            observations, _, terminated, truncated, _ = env.step(actions)
            self.decisions.append((actions, [batch.bind(name).copy() for name in INPUTS]))
        self.worlds = np.flatnonzero(~(terminated | truncated) & (observations[:, names.index("order_left")] > 0))
        self.model, self.start, self.rows, self.end = batch.model, start, rows, batch.bind("qpos").copy()

    def of(self, environment: str, worlds: int) -> tuple[Play, Play]:
        """Return what plays it in so many worlds (some of them alike) of the environment, and of a bare batch."""
        env, ids = gymnasium.make_vec(environment, num_envs=worlds), np.resize(self.worlds, worlds)
        bare = Batch(self.model, worlds, persistent=True)
        fields = [bare.bind(name) for name in INPUTS]
        decisions = [(actions[ids], [values[ids] for values in inputs]) for actions, inputs in self.decisions]

        def work() -> tuple[int, float]:
            env.restore(self.start[ids])
            start = time.perf_counter()
            for actions, _ in decisions:
                env.step(actions)
            return self._done(ids, env.physics.batch, time.perf_counter() - start)

        def limit() -> tuple[int, float]:
            bare.reset(stage=mujoco.mjtStage.mjSTAGE_NONE)
            bare.state[:] = self.rows[ids]
            bare.forward()
            start = time.perf_counter()
            for _, inputs in decisions:
                for field, values in zip(fields, inputs, strict=True):
                    field[:] = values
                bare.step(nstep=SUBSTEPS)
            return self._done(ids, bare, time.perf_counter() - start)

        return work, limit

    def _done(self, ids: np.ndarray, batch: Batch, seconds: float) -> tuple[int, float]:
        """Return steps and time; raises RuntimeError if the batch moved otherwise, which would say nothing."""
        if np.abs(batch.bind("qpos") - self.end[ids]).max() > 1e-9:
            raise RuntimeError("the motion that was played is not the one that was recorded")
        return HORIZON * len(ids), seconds


def rate(play: Play, seconds: float) -> float:
    """Return steps a second over at least so many seconds."""
    steps, spent = 0, 0.0
    while spent < seconds:
        done, took = play()
        steps, spent = steps + done, spent + took
    return steps / spent


def make_peer(folder: Path) -> Callable[[float], float] | None:
    """Return what measures the peer for so many seconds [steps/s], or None, saying why, where there is none."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def run(*command: str | Path) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def peer_rate(seconds: float) -> float:
        return float(run(python, "-I", "-c", PEER_PROGRAM, str(seconds)).split()[-1])

    try:
        if not python.exists():
            console.print(f"make an environment with {', '.join(PEER)} (a minute) ...")
            run(sys.executable, "-m", "venv", folder)
        run(python, "-m", "pip", "install", "-q", *PEER)
        peer_rate(0.1)
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        console.print(
            styled("no peer:", "yellow"), f"it cannot be installed, or does not run ({said}); all else goes on"
        )
        return None
    return peer_rate


def measure(environment: str, peer: Callable[[float], float] | None, options: Options) -> dict[Way, list[float]]:
    """Return steps a second of all ways, one a repeat."""
    motion, ways = Motion(environment), {(THE_PEER, 1): peer} if peer else {}
    for worlds in WORLDS:
        plays = at_work(environment, worlds), *motion.of(environment, worlds)
        ways |= {(name, worlds): partial(rate, play) for name, play in zip((AT_WORK, SAME, LIMIT), plays, strict=True)}
    found: dict[Way, list[float]] = {way: [] for way in ways}
    for way in tracked(list(ways) * options.repeats, f"measure {environment}", len(ways) * options.repeats):
        found[way].append(ways[way](options.seconds))
    return found


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median ratio of figures of the same turn."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def span(values: list[float]) -> str:
    """Return a median with the lowest and the highest value."""
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def show(environment: str, found: dict[Way, list[float]]) -> None:
    """Print the table of a task beside its limit, and beside the peer where that was measured."""
    peer = found.get((THE_PEER, 1))
    table = Table(title=f"{environment}, steps/s, median (lowest to highest)", title_justify="left")
    for heading in ("worlds", AT_WORK, SAME, LIMIT, "of limit", *(["of peer"] if peer else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for n in WORLDS:
        figures = [found[way, n] for way in (AT_WORK, SAME, LIMIT)]
        medians = [f"{statistics.median(values):,.0f}" for values in figures[1:]]
        times = [f"{ratio(figures[0], peer):.1f}x"] if peer else []
        table.add_row(f"{n}", span(figures[0]), *medians, f"{ratio(*figures[1:]):.2f}", *times)
    console.print(table)
    if peer:
        best, most = max(WORLDS, key=lambda n: statistics.median(found[AT_WORK, n])), WORLDS[-1]
        times = ", ".join(f"{n} worlds {ratio(found[AT_WORK, n], peer):.1f}x" for n in dict.fromkeys((most, best)))
        console.print(f"peer, one process, 20 substeps of 2 ms a step: {span(peer)} steps/s; {times} (best: {best})")


def machine() -> str:
    """Return what this is measured on and with."""
    told = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    names = [line.split(": ")[1] for line in told.splitlines() if line.startswith("model name")]
    processor = [*names, platform.processor() or platform.machine()][0]
    packages = [f"{name} {version(name)}" for name in ("mujoco", "gymnasium", "numpy")]
    return ", ".join([f"{os.cpu_count()} cores", processor, f"Python {platform.python_version()}", *packages])


def main(options: Options) -> None:
    """Measure and print."""
    console.print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        peer = make_peer(options.peer or Path(temporary) / "peer")
        for environment in environments("warehouse"):
            show(environment, measure(environment, peer if environment == PICKING else None, options))


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
