"""What recording costs: environment steps a second, recorded and unrecorded, beside plain highway-env.

    python benchmarks/collect.py

All in one run on one process, the three ways in turn, several times; a table with medians and spreads.
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
import tyro
from rich.table import Table

from testbed.console import console, tracked
from testbed.demonstrations.rollout import play
from testbed.demonstrations.writer import DatasetWriter
from testbed.envs.driving.gap_acceptance import GapAcceptance
from testbed.episode import Behaviour, Scenario
from testbed.lineage import Lineage

ENVIRONMENT = "testbed/Merge-v0"


@dataclass(frozen=True)
class Options:
    """Measure what recording costs."""

    repeats: int = 5
    """How often each way is measured."""
    episodes: int = 8
    """Episodes in each measurement."""


def unrecorded(scenarios: list[Scenario]) -> int:
    """Drive the scenarios in the bare environment; return the steps taken."""
    env = gymnasium.make(ENVIRONMENT, disable_env_checker=True).unwrapped
    driver, steps = GapAcceptance(), 0
    for scenario in scenarios:
        observation, _ = env.reset(seed=scenario.seed)
        done = False
        while not done:
            observation, _, terminated, truncated, _ = env.step(int(driver.act(observation[None])[0]))
            done, steps = terminated or truncated, steps + 1
    return steps


def recorded(scenarios: list[Scenario]) -> int:
    """Drive the scenarios through the recording loop into an HDF5 file; return the steps taken."""
    with tempfile.TemporaryDirectory() as folder:
        writer = DatasetWriter(Path(folder) / "x.hdf5", ENVIRONMENT, Lineage("benchmark", 0))
        episodes = play(GapAcceptance(), Behaviour("demonstrator"), ENVIRONMENT, scenarios)
        for episode in episodes:
            writer.append(episode)
        writer.finish()
    return sum(len(episode) for episode in episodes)


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


def main(options: Options) -> None:
    """Measure the ways in turn and print the table."""
    scenarios = [Scenario(seed) for seed in range(options.episodes)]
    ways = {
        "testbed/Merge-v0, 9 vehicles, unrecorded": unrecorded,
        "testbed/Merge-v0, 9 vehicles, recorded to HDF5": recorded,
        "highway-env merge-v1, 5 vehicles, same rates": highway_env,
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    turns = [(name, drive) for _ in range(options.repeats) for name, drive in ways.items()]
    for name, drive in tracked(turns, "measure", len(turns)):
        rates[name].append(rate(drive, scenarios))
    table = Table(title=f"one process, median of {options.repeats}", title_justify="left")
    for heading in ("way", "steps/s", "lowest to highest", "cost of a step"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    base = statistics.median(rates[next(iter(ways))])
    for name, values in rates.items():
        median = statistics.median(values)
        table.add_row(name, f"{median:.0f}", f"{min(values):.0f} to {max(values):.0f}", f"{base / median:.2f}x")
    console.print(table)


if __name__ == "__main__":
    import highway_env as _  # noqa: F401  (registers merge-v1)

    main(tyro.cli(Options))
