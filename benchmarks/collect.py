"""What recording costs: environment steps a second, unrecorded, recorded and written, beside highway-env.

    python benchmarks/collect.py

The batch and highway-env's own forms in turn, several times; a table with medians and spreads. Then
how the cost of writing grows with the episodes of a data set.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import numpy as np
import tyro
from rich.table import Table

from testbed.console import console, tracked
from testbed.datasets.writer import DatasetWriter
from testbed.lineage import Lineage
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import BATCH, play
from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.scenes.registry import make_vector

ENVIRONMENT = "testbed/Merge-v0"
JOBS = [(GapAcceptance(), Behaviour("demonstrator"))]


@dataclass(frozen=True)
class Options:
    """Measure what recording costs."""

    repeats: int = 5
    """How often each way is measured."""
    episodes: int = 2 * BATCH
    """Episodes in each measurement of the batch form."""
    singles: int = 4
    """Episodes in each measurement of a form with one world, which is slow."""
    sets: tuple[int, ...] = (500, 1000, 2000, 4000)
    """Sizes of data sets whose writing is measured [episodes]."""


def unrecorded(scenarios: list[Scenario]) -> int:
    """Drive the scenarios in the bare batch form, as many at once as are recorded at once; return the steps taken."""
    return sum(driven(scenarios[start : start + BATCH]) for start in range(0, len(scenarios), BATCH))


def driven(scenarios: list[Scenario]) -> int:
    """Drive scenarios all at once; return the steps taken."""
    env = make_vector(ENVIRONMENT, len(scenarios))
    observations, _ = env.reset(seed=[scenario.seed for scenario in scenarios])  # type: ignore[arg-type]
    driver, steps, running = GapAcceptance(), 0, np.ones(len(scenarios), bool)
    while running.any():
        observations, _, terminated, truncated, _ = env.step(driver.act(observations))
        steps += int(running.sum())
        running &= ~(terminated | truncated)
    env.close()
    return steps


def recorded(scenarios: list[Scenario]) -> int:
    """Drive the scenarios through the recording loop; return the steps taken."""
    return sum(len(episode) for episode in play(ENVIRONMENT, scenarios, JOBS))


def written(scenarios: list[Scenario]) -> int:
    """Drive the scenarios through the recording loop into an HDF5 file; return the steps taken."""
    steps = 0
    with tempfile.TemporaryDirectory() as folder:
        writer = DatasetWriter(Path(folder) / "x.hdf5", ENVIRONMENT, Lineage("benchmark", 0))
        for episode in play(ENVIRONMENT, scenarios, JOBS):
            writer.append(episode)
            steps += len(episode)
        writer.finish()
    return steps


def single(scenarios: list[Scenario]) -> int:
    """Drive the scenarios in the form with one world, highway-env's own; return the steps taken."""
    env = gymnasium.make(ENVIRONMENT, disable_env_checker=True).unwrapped
    driver, steps = GapAcceptance(), 0
    for scenario in scenarios:
        observation, _ = env.reset(seed=scenario.seed)
        done = False
        while not done:
            observation, _, terminated, truncated, _ = env.step(int(driver.act(observation[None])[0]))
            done, steps = terminated or truncated, steps + 1
    return steps


def highway_env(scenarios: list[Scenario]) -> int:
    """Drive highway-env's own merge at the same rates, idling, one episode a scenario; return the steps taken."""
    config = {"simulation_frequency": 15, "policy_frequency": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = gymnasium.make("merge-v1", config=config, disable_env_checker=True).unwrapped
    steps = 0
    for scenario in scenarios:
        env.reset(seed=scenario.seed)
        done = False
        while not done:
            _, _, terminated, truncated, _ = env.step(1)
            done, steps = terminated or truncated, steps + 1
    return steps


def rate(drive: Callable[[list[Scenario]], int], scenarios: list[Scenario]) -> float:
    """Return environment steps a second."""
    start = time.perf_counter()
    return drive(scenarios) / (time.perf_counter() - start)


def grow(sets: tuple[int, ...]) -> None:
    """Print what an episode of data sets of several sizes takes to be written."""
    episodes = list(play(ENVIRONMENT, [Scenario(seed) for seed in range(BATCH)], JOBS))
    table = Table(title=f"{ENVIRONMENT}, written to HDF5", title_justify="left")
    for heading in ("episodes", "ms an episode while it grows", "ms an episode to finish"):
        table.add_column(heading, justify="right")
    for size in tracked(sets, "write", len(sets)):
        with tempfile.TemporaryDirectory() as folder:
            writer, begun = (
                DatasetWriter(Path(folder) / "x.hdf5", ENVIRONMENT, Lineage("benchmark", 0)),
                time.perf_counter(),
            )
            for number in range(size):
                writer.append(episodes[number % BATCH])
            grown = time.perf_counter()
            writer.finish()
            shares = [f"{1000 * seconds / size:.1f}" for seconds in (grown - begun, time.perf_counter() - grown)]
        table.add_row(f"{size:,}", *shares)
    console.print(table)


def main(options: Options) -> None:
    """Measure the ways in turn and print the tables."""
    scenarios = [Scenario(seed) for seed in range(options.episodes)]
    few = scenarios[: options.singles]
    ways = {
        "batches, unrecorded": (unrecorded, scenarios),
        "batches, recorded": (recorded, scenarios),
        "batches, recorded and written to HDF5": (written, scenarios),
        "one world, highway-env, 9 vehicles, unrecorded": (single, few),
        "highway-env merge-v1, 5 vehicles, same rates": (highway_env, few),
    }
    for drive, _ in ways.values():
        drive(few)  # what is compiled or imported at first is not measured
    rates: dict[str, list[float]] = {name: [] for name in ways}
    turns = [(name, *way) for _ in range(options.repeats) for name, way in ways.items()]
    for name, drive, scenes in tracked(turns, "measure", len(turns)):
        rates[name].append(rate(drive, scenes))
    table = Table(title=f"{ENVIRONMENT}, median of {options.repeats}", title_justify="left")
    for heading in ("way", "steps/s", "lowest to highest", "cost of a step"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    base = statistics.median(rates[next(iter(ways))])
    for name, values in rates.items():
        median = statistics.median(values)
        table.add_row(name, f"{median:,.0f}", f"{min(values):,.0f} to {max(values):,.0f}", f"{base / median:.1f}x")
    console.print(table)
    grow(options.sets)


if __name__ == "__main__":
    import highway_env as _  # noqa: F401  (registers merge-v1)

    main(tyro.cli(Options))
