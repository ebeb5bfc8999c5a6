"""How cost grows: with worlds, vehicles, cores, students and episodes, each beside the limit that can be measured here.

    python benchmarks/scaling.py --write docs/speed.md

Draws a plot a question into docs/assets/ and puts the figures into the page, between its marks. Medians of several
turns; whatever is compared takes turns. Torch has one thread.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gymnasium
import matplotlib
import numpy as np
import torch
import tyro
from collect import ENVIRONMENT, JOBS
from driving import crowd
from kernel_rate import timed, vector
from teachers import MERGE, ours, shape
from warehouse import PICKING, Motion, machine, rate

from testbed.cli.commands.pages import put
from testbed.console import console, run_command, tracked
from testbed.datasets.writer import DatasetWriter
from testbed.distillation.batches import Samples
from testbed.distillation.config import PPOConfig, Training
from testbed.distillation.losses.likelihood import negative_log_likelihood
from testbed.distillation.stacked import train_stacked
from testbed.lineage import Lineage
from testbed.protocols.episode import Scenario
from testbed.rollouts.rollout import BATCH, play

WORLDS, BENCHES = (1, 4, 16, 64, 256, 1024, 4096), (1, 4, 16, 64, 256)
VEHICLES, STUDENTS, PRACTISING = (3, 6, 9, 18, 36), (1, 2, 5, 10, 20, 40), (1, 2, 5, 10, 20)
EPISODES = 500, 1000, 2000
STEPS = Training(steps=60)


@dataclass(frozen=True)
class Options:
    """Measure how cost grows."""

    repeats: int = 3
    """How often each point is measured."""
    seconds: float = 1.0
    """Length of a measurement [s]."""
    write: Path | None = None
    """Page that the figures go into; plots go into `assets` beside it. Printed only, if not given."""


@dataclass(frozen=True)
class Curve:
    """A cost at several sizes."""

    name: str
    """What it is of."""
    sizes: Sequence[int]
    """Sizes."""
    costs: Sequence[float]
    """Median cost at each, in the unit of its plot."""


@dataclass(frozen=True)
class Plot:
    """Curves that belong together."""

    name: str
    """Of its file, after `speed-`."""
    title: str
    """What is asked."""
    across: str
    """What grows."""
    unit: str
    """Unit of the cost."""
    curves: Sequence[Curve]
    """The costs."""


def curve(name: str, sizes: Sequence[int], cost: Callable[[int], Callable[[], float]], repeats: int) -> Curve:
    """Return median costs: `cost` makes of a size what measures once."""
    ways = {size: cost(size) for size in sizes}
    found: dict[int, list[float]] = {size: [] for size in sizes}
    for way in ways.values():
        way()  # what is compiled or imported at first is not measured
    for size in tracked(list(ways) * repeats, name, len(ways) * repeats):
        found[size].append(ways[size]())
    return Curve(name, sizes, [statistics.median(found[size]) for size in sizes])


def by_worlds(options: Options) -> Plot:
    """Cost of a decision of one world, by the worlds of a batch."""

    def road(environment: str) -> Callable[[int], Callable[[], float]]:
        def of(worlds: int) -> Callable[[], float]:
            way = timed(vector(gymnasium.make_vec(environment, num_envs=worlds)))
            return lambda: 1e6 / way(options.seconds)

        return of

    motion = Motion(PICKING)

    def bench(which: int) -> Callable[[int], Callable[[], float]]:
        def of(worlds: int) -> Callable[[], float]:
            plays = motion.of(PICKING, worlds)
            return lambda: 1e6 / rate(plays[which], options.seconds)

        return of

    return Plot(
        "worlds", "A decision of one world", "worlds in a batch", "µs",
        [
            curve("merge", WORLDS, road(MERGE), options.repeats),
            curve("crosswalk", WORLDS, road("testbed/Crosswalk-v0"), options.repeats),
            curve("order picking", BENCHES, bench(0), options.repeats),
            curve("limit of order picking: MuJoCo's batch alone", BENCHES, bench(1), options.repeats),
        ],
    )  # fmt: skip


def by_vehicles(options: Options) -> Plot:
    """Cost of moving one vehicle once, by the vehicles of a world."""

    def of(vehicles: int) -> Callable[[], float]:
        way = timed(crowd(vehicles))
        return lambda: 1e9 / way(options.seconds) / vehicles / 3

    kept = curve("one thread, 256 worlds, main road", VEHICLES, of, options.repeats)
    return Plot("vehicles", "A vehicle and simulation step", "vehicles in a world", "ns", [kept])


def by_cores(options: Options) -> Plot:
    """Decisions of all worlds together, by threads."""

    def of(environment: str, worlds: int) -> Callable[[int], Callable[[], float]]:
        def way(threads: int) -> Callable[[], float]:
            made = timed(vector(gymnasium.make_vec(environment, num_envs=worlds, threads=threads)))
            return lambda: made(options.seconds) / 1e3

        return way

    threads = tuple(range(1, (os.cpu_count() or 1) + 1))
    curves = [
        curve(f"{name}, {worlds:,} worlds", threads, of(environment, worlds), options.repeats)
        for name, environment in (("merge", MERGE), ("crosswalk", "testbed/Crosswalk-v0"))
        for worlds in (1024, 4096)
    ]
    return Plot("cores", "Decisions of all worlds", "threads", "1000/s", curves)


def by_students(options: Options) -> Plot:
    """Cost of a sample and of a decision of one student, by the students that learn at once."""
    rng = np.random.default_rng(0)
    shown = Samples(rng.normal(size=(4000, 56)).astype(np.float32), rng.integers(5, size=4000))

    def cloning(students: int) -> Callable[[], float]:
        def once() -> float:
            start = time.perf_counter()
            train_stacked(
                shape(MERGE), [shown] * students, list(range(students)), negative_log_likelihood, STEPS
            )  # fmt: skip
            return 1e6 * (time.perf_counter() - start) / students / STEPS.steps / STEPS.batch

        return once

    def practice(students: int) -> Callable[[], float]:
        return lambda: 1e6 / ours(MERGE, students, replace(PPOConfig(), iterations=1))

    return Plot(
        "students", "A sample or a decision of one student", "students at once", "µs",
        [
            curve("cloning, a sample", STUDENTS, cloning, options.repeats),
            Curve("limit of cloning: its products alone", STUDENTS, [1e6 * least_cost()] * len(STUDENTS)),
            curve("practice by PPO, a decision", PRACTISING, practice, options.repeats),
        ],
    )  # fmt: skip


def least_cost() -> float:
    """Return how long the matrix products of a sample take, forward and backward, at the speed of one of them [s]."""
    widths = (56, 64, 64, 5)
    given, weight = torch.randn(20, 256, 64), torch.randn(20, 64, 64)
    torch.bmm(given, weight)
    start = time.perf_counter()
    for _ in range(200):
        torch.bmm(given, weight)
    a_second = 200 * 2 * given.numel() * 64 / (time.perf_counter() - start)
    forward = sum(2 * a * b for a, b in zip(widths[:-1], widths[1:], strict=True))
    return (3 * forward - 2 * widths[0] * widths[1]) / a_second  # nothing flows back into what is seen


def by_episodes(options: Options) -> Plot:
    """Cost of writing an episode, by the episodes of a data set."""
    episodes = list(play(ENVIRONMENT, [Scenario(seed) for seed in range(BATCH)], JOBS))

    def of(size: int) -> Callable[[], float]:
        def once() -> float:
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                writer = DatasetWriter(Path(folder) / "x.hdf5", ENVIRONMENT, Lineage("benchmark", 0))
                for number in range(size):
                    writer.append(episodes[number % BATCH])
                writer.finish()
                return 1e3 * (time.perf_counter() - start) / size

        return once

    return Plot(
        "episodes", "Writing an episode of the merge", "episodes in a data set", "ms",
        [curve("HDF5, gzip", EPISODES, of, 1)],
    )  # fmt: skip


def draw(plot: Plot, file: Path) -> None:
    """Draw a plot."""
    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"], matplotlib.rcParams["font.family"] = "testbed", "sans-serif"
    figure, axes = pyplot.subplots(figsize=(7, 3.4), layout="constrained")
    for one, marker in zip(plot.curves, "os^Dv", strict=False):
        style = "--" if one.name.startswith("limit") else "-"
        axes.plot(one.sizes, one.costs, style, marker=marker, markersize=4, label=one.name)
    axes.set(xscale="log", xlabel=plot.across, ylabel=plot.unit, title=plot.title)
    sizes = sorted({size for one in plot.curves for size in one.sizes})
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    if max(max(one.costs) for one in plot.curves) > 8 * min(min(one.costs) for one in plot.curves):
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.25 * max(max(one.costs) for one in plot.curves))  # the legend has its place above
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def table(plot: Plot) -> str:
    """Return the figures of a plot as Markdown."""
    sizes = sorted({size for one in plot.curves for size in one.sizes})
    heading = f"{plot.title.lower()} [{plot.unit}], {plot.across}"
    lines = ["| " + " | ".join([heading, *[f"{size:,}" for size in sizes]]) + " |"]
    lines.append("|---" * (len(sizes) + 1) + "|")
    for one in plot.curves:
        known = dict(zip(one.sizes, one.costs, strict=True))
        lines.append(
            "| " + " | ".join([one.name, *[figure(known[size]) if size in known else "" for size in sizes]]) + " |"
        )
    return "\n".join(lines)


def figure(value: float) -> str:
    """Return a number with three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main(options: Options) -> None:
    """Measure, print, draw."""
    torch.set_num_threads(1)
    plots = [make(options) for make in (by_worlds, by_vehicles, by_cores, by_students, by_episodes)]
    parts = [f"`python benchmarks/scaling.py --write docs/speed.md`, {machine()}."]
    for plot in plots:
        console.print(table(plot), markup=False, highlight=False)
        parts += [f"![{plot.title} by {plot.across}](assets/speed-{plot.name}.svg)", table(plot)]
        if options.write is not None:
            draw(plot, options.write.parent / "assets" / f"speed-{plot.name}.svg")
    if options.write is not None:
        put(options.write, "scaling", "\n\n".join(["", *parts, ""]))


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
