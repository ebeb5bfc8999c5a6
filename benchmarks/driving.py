"""How fast the kernel is: environment steps a second beside highway-env itself, in one run.

    python benchmarks/driving.py

The same scenes in four ways: highway-env's own vehicles and road in one environment
(`gymnasium.make`), two of those in Gymnasium's AsyncVectorEnv, the kernel (`gymnasium.make_vec`)
with 1, 64 and 1,024 worlds, and with 1,024 the kernel of 0.6.0, which is taken from the repository's
history into a folder of its own. All simulate at 15 Hz, decide at 5 Hz with random actions, observe, and
reset when an episode ends. Then how the cost grows with worlds, threads and vehicles a world.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import numpy as np
import tyro
from gymnasium.vector import AsyncVectorEnv
from kernel_rate import Way, timed, vector
from peer.history import asking, sources_of
from rich.table import Table

import testbed  # noqa: F401  (registers the environments)
from testbed.console import console, tracked
from testbed.envs.kernel.records import NOBODY, TRAFFIC
from testbed.envs.kernel.step import step_worlds
from testbed.scenes.registry import get_scene

ENVIRONMENTS = ("testbed/Merge-v0", "testbed/Crosswalk-v0")
WORLDS = (1, 4, 16, 64, 256, 1024, 4096)
VEHICLES = (3, 6, 9, 18, 36)


@dataclass(frozen=True)
class Options:
    """Measure the kernel beside highway-env."""

    repeats: int = 5
    """How often each way is measured; the ways take turns."""
    seconds: float = 2.0
    """Length of one measurement [s]."""


def single(environment: str) -> Callable[[], int]:
    """Return what steps highway-env's own form once, and says how many environment steps that was."""
    env = gymnasium.make(environment, disable_env_checker=True).unwrapped
    env.reset(seed=0)
    rng = np.random.default_rng(0)

    def step() -> int:
        *_, terminated, truncated, _ = env.step(int(rng.integers(5)))
        if terminated or truncated:
            env.reset()
        return 1

    return step


def asynchronous(environment: str) -> Callable[[], int]:
    """Return what steps two of highway-env's forms, each in its own process."""
    make = [lambda: gymnasium.make(environment, disable_env_checker=True) for _ in range(2)]
    return vector(AsyncVectorEnv(make))


def kernel(environment: str, worlds: int) -> Callable[[], int]:
    """Return what steps the kernel."""
    return vector(gymnasium.make_vec(environment, num_envs=worlds))


def crowd(vehicles: int, worlds: int = 256) -> Callable[[], int]:
    """Return what steps worlds with so many vehicles on the main road of the merge, without reset."""
    scene = get_scene("testbed/Merge-v0").task
    start = scene.start(np.arange(worlds), np.full((worlds, len(scene.context)), NOBODY))
    rows = np.repeat(start.vehicles[:, 1:2], vehicles, axis=1)
    rows["x"] = -300.0 + 25.0 * np.arange(vehicles) + 5 * np.random.default_rng(0).random(rows.shape)
    rows["driver"], rows["timer"] = TRAFFIC, np.random.default_rng(1).random(rows.shape)
    rows["y"] = np.where(np.arange(vehicles) % 2, rows["y"], 0.0)
    rows["driver"][:, 0] = 0
    trace = np.zeros((worlds, 3, vehicles), start.trace.dtype)
    fresh = rows.copy()
    actions, rounds = np.ones(worlds, np.int64), 0

    def step() -> int:
        nonlocal rounds
        rounds += 1
        if rounds % 50 == 0:
            rows[:] = fresh
        arguments = (scene.lane_table, scene.zebra[1], scene.target_speeds, start.worlds, rows, start.objects)
        step_worlds(*arguments, actions, trace, 0, worlds)
        return worlds

    return step


def measure(ways: dict[str, Way], options: Options, title: str) -> dict[str, list[float]]:
    """Return rates of all ways, measured in turn; each is run a little first."""
    for way in ways.values():
        way(0.2)
    turns = [(name, way) for _ in range(options.repeats) for name, way in ways.items()]
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for name, way in tracked(turns, title, len(turns)):
        rates[name].append(way(options.seconds))
    return rates


def compare(environment: str, options: Options, before: Path) -> None:
    """Print the table of one environment; the sources of 0.6.0 are in a folder."""
    peers = {"highway-env, single": single(environment), "highway-env, AsyncVectorEnv(2)": asynchronous(environment)}
    ours = {f"kernel, {n:,} world{'s' if n > 1 else ''}": kernel(environment, n) for n in (1, 64, 1024)}
    with asking(before, "kernel_rate.py", ["--environment", environment, "--worlds", "1024"]) as older:
        ways = {name: timed(step) for name, step in {**peers, **ours}.items()} | {
            "kernel of 0.6.0, 1,024 worlds": older
        }
        rates = measure(ways, options, f"measure {environment}")
    best = max(statistics.median(rates[name]) for name in peers)
    table = Table(title=f"{environment}: environment steps/s, median of {options.repeats}", title_justify="left")
    for heading in ("way", "steps/s", "lowest to highest", "of the better peer"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name, values in rates.items():
        median = statistics.median(values)
        table.add_row(name, f"{median:,.0f}", f"{min(values):,.0f} to {max(values):,.0f}", f"{median / best:,.1f}x")
    console.print(table)


def grow(title: str, ways: dict[str, Callable[[], int]], options: Options) -> None:
    """Print how the cost of a step grows."""
    rates = measure({name: timed(step) for name, step in ways.items()}, options, title)
    table = Table(title=title, title_justify="left")
    for heading in ("", "steps/s", "µs a step"):
        table.add_column(heading, justify="right")
    for name, values in rates.items():
        median = statistics.median(values)
        table.add_row(name, f"{median:,.0f}", f"{1e6 / median:,.1f}")
    console.print(table)


def main(options: Options) -> None:
    """Measure and print."""
    with sources_of() as before:
        for environment in ENVIRONMENTS:
            compare(environment, options, before)
    short = Options(max(options.repeats // 2, 1), options.seconds / 2)
    grow("merge, by worlds", {f"{n:,} worlds": kernel(ENVIRONMENTS[0], n) for n in WORLDS}, short)
    grow(
        "one thread, 256 worlds, main road only, by vehicles a world",
        {f"{v} vehicles": crowd(v) for v in VEHICLES},
        short,
    )


if __name__ == "__main__":
    main(tyro.cli(Options))
