"""How fast the warehouse is: environment steps a second beside MuJoCo's bare batch and gymnasium-robotics, in one run.

    python benchmarks/warehouse.py

A step is one decision of one world, 0.04 s. Each task is stepped while its clean expert works; only `env.step` is
timed. The limit is `mujoco.batch.Batch.step` of the same model with the same controls from the same start: the same
motion, and nothing else. The peer is gymnasium-robotics' FetchPickAndPlace with random actions, in an environment with
MuJoCo 3.10 that this script makes, because its classes do not run on later versions. All take turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import mujoco
import numpy as np
import tyro
from gymnasium.vector import AutoresetMode
from mujoco.batch import Batch
from rich.table import Table

import testbed  # noqa: F401  (registers the environments)
from testbed.console import console, run_command, tracked
from testbed.envs import environments
from testbed.envs.warehouse.scene import SUBSTEPS
from testbed.habits.table import HABITS

WORLDS = (1, 16, 64, 256)
WARM_UP, HORIZON = 12, 40
"""Decisions before the measured stretch, so that hands are at work, and in it; no world ends before it does."""
PEER = "mujoco==3.10.*", "gymnasium-robotics==1.4.2"
PEER_PROGRAM = """
import sys, time, warnings
warnings.filterwarnings("ignore")
import gymnasium, gymnasium_robotics
gymnasium.register_envs(gymnasium_robotics)
env = gymnasium.make("FetchPickAndPlace-v4", disable_env_checker=True)
env.reset(seed=0)
env.action_space.seed(0)
seconds, steps = 0.0, 0
while seconds < float(sys.argv[1]):
    action = env.action_space.sample()
    start = time.perf_counter()
    *_, terminated, truncated, _ = env.step(action)
    seconds, steps = seconds + time.perf_counter() - start, steps + 1
    if terminated or truncated:
        env.reset()
print(steps / seconds)
"""


@dataclass(frozen=True)
class Options:
    """Measure the warehouse beside its limit and its peer."""

    repeats: int = 5
    """How often each way is measured; the ways take turns."""
    seconds: float = 1.5
    """Length of one measurement, at least one stretch [s]."""
    peer: Path | None = None
    """Folder to keep the peer's environment in; a temporary one if not given."""


def expert(environment: str):
    """Return the clean demonstrator of an environment."""
    return next(habit for habit in HABITS.values() if habit.environment == environment).clean()


class Stretch:
    """A stretch of work that can be played again: by the environment, and by a bare batch with the same controls."""

    def __init__(self, environment: str, worlds: int) -> None:
        self.env = gymnasium.make_vec(environment, num_envs=worlds, autoreset_mode=AutoresetMode.DISABLED)
        policy, physics = expert(environment), self.env.physics
        observations, _ = self.env.reset(seed=0)
        for _ in range(WARM_UP):
            observations, *_ = self.env.step(policy.act(observations))
        self.start = self.env.snapshot()
        self.rows = physics.batch.state.copy()
        observations = self.env.restore(self.start)
        self.actions, self.controls = [], []
        for _ in range(HORIZON):
            self.actions.append(policy.act(observations))
            observations, _, terminated, truncated, _ = self.env.step(self.actions[-1])
            self.controls.append((physics.ctrl.copy(), physics.mocap.copy(), physics.welds.copy()))
        assert not (terminated | truncated).any(), "a world ended within the stretch"
        self.end = physics.qpos.copy()
        self.bare = Batch(physics.bench.model, worlds, persistent=True)
        self.bound = [self.bare.bind(name) for name in ("ctrl", "mocap_pos", "eq_active")]
        self.steps = worlds * HORIZON

    def work(self) -> float:
        """Play it in the environment; return how long its steps took [s]."""
        self.env.restore(self.start)
        start = time.perf_counter()
        for actions in self.actions:
            self.env.step(actions)
        return time.perf_counter() - start

    def limit(self) -> float:
        """Play the same in the bare batch; return how long its steps took [s]."""
        self.bare.reset(stage=mujoco.mjtStage.mjSTAGE_NONE)
        self.bare.state[:] = self.rows
        self.bare.forward()
        start = time.perf_counter()
        for controls in self.controls:
            for field, values in zip(self.bound, controls, strict=True):
                field[:] = values
            self.bare.step(nstep=SUBSTEPS)
        seconds = time.perf_counter() - start
        assert np.abs(self.bare.bind("qpos") - self.end).max() < 1e-9, "the bare batch moved differently"
        return seconds


def rate(play: Callable[[], float], steps: int, seconds: float) -> float:
    """Return steps a second, over as many stretches as fill a time."""
    spent, count = 0.0, 0
    while spent < seconds:
        spent, count = spent + play(), count + 1
    return steps * count / spent


def make_peer(folder: Path) -> Path | None:
    """Return the Python of an environment with gymnasium-robotics on MuJoCo 3.10, or None where it cannot be made."""
    python = folder / "bin" / "python"
    if not python.exists():
        console.print("make an environment for gymnasium-robotics (a minute) ...")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    done = subprocess.run([python, "-m", "pip", "install", "-q", *PEER], capture_output=True, text=True)
    if done.returncode:
        console.print(f"[yellow]no peer:[/yellow] pip could not install it ({done.stderr.strip().splitlines()[-1]})")
        return None
    return python


def peer_rate(python: Path, seconds: float) -> float:
    """Return the peer's steps a second."""
    done = subprocess.run([python, "-c", PEER_PROGRAM, str(seconds)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(options: Options, python: Path | None) -> dict[tuple[str, int, str], list[float]]:
    """Return steps a second by task, number of worlds and way, one a repeat."""
    stretches = {(name, worlds): Stretch(name, worlds) for name in environments("warehouse") for worlds in WORLDS}
    found: dict[tuple[str, int, str], list[float]] = {}
    for _ in tracked(range(options.repeats), "measure, all ways in turn", options.repeats):
        for (name, worlds), stretch in stretches.items():
            for way, play in (("environment", stretch.work), ("bare batch", stretch.limit)):
                found.setdefault((name, worlds, way), []).append(rate(play, stretch.steps, options.seconds))
        if python:
            found.setdefault(("peer", 1, ""), []).append(peer_rate(python, options.seconds))
    return found


def show(found: dict[tuple[str, int, str], list[float]]) -> None:
    """Print the tables: each task beside its limit, and beside the peer."""
    peer = statistics.median(found["peer", 1, ""]) if ("peer", 1, "") in found else None
    if peer:
        ends = found["peer", 1, ""]
        console.print(
            f"gymnasium-robotics FetchPickAndPlace: {peer:,.0f} steps/s ({min(ends):,.0f} to {max(ends):,.0f})"
        )
    for name in environments("warehouse"):
        table = Table(title=f"{name}, steps/s, median (lowest to highest)", title_justify="left")
        for heading in ("worlds", "environment", "bare batch", "of the limit", "over the peer"):
            table.add_column(heading, justify="right", no_wrap=True)
        for worlds in WORLDS:
            ours, bare = found[name, worlds, "environment"], found[name, worlds, "bare batch"]
            share = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
            times = f"{statistics.median(ours) / peer:.1f}x" if peer else ""
            span = f"{statistics.median(ours):,.0f} ({min(ours):,.0f} to {max(ours):,.0f})"
            table.add_row(str(worlds), span, f"{statistics.median(bare):,.0f}", f"{share:.2f}", times)
        console.print(table)


def main(options: Options) -> None:
    """Measure and print."""
    console.print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, MuJoCo {mujoco.__version__}")
    with tempfile.TemporaryDirectory() as temporary:
        python = make_peer(options.peer or Path(temporary) / "peer")
        show(measure(options, python))


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
