"""How data sets are best laid out, and whether one that is larger than the memory can be worked with.

    python benchmarks/datasets.py --write docs/data.md
    python benchmarks/datasets.py --gigabytes 20 --folder build/large

The first writes the same episodes in several ways - as robomimic and Minari lay them out (every array in one piece, not
compressed), and in chunks under several compressions - and times, in turns, writing, reading an episode at random, and
reading all decisions for training. The second makes a set of so many gigabytes, killed with SIGKILL at twenty moments
and gone on with each time, and then validates, audits and exports it, imports it again, and trains a student on it, and
says how much memory each of these took of its own at most. One that ends early goes on; at the end everything that it
made is deleted.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import h5py
import numpy as np
import tyro
from large.pieces import large

from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, run_command
from testbed.datasets import layout
from testbed.datasets.reader import each_episode, load_episodes
from testbed.datasets.writer import DatasetWriter
from testbed.lineage import Lineage
from testbed.protocols.episode import Episode
from testbed.rollouts.transitions import load_transitions

WAYS: dict[str, dict[str, object]] = {
    "in one piece, as robomimic's and Minari's": {},
    "chunks, lzf": {"compression": "lzf"},
    "chunks, gzip 1 (ours)": {"compression": "gzip", "compression_opts": 1},
    "chunks, lzf, bytes shuffled": {"compression": "lzf", "shuffle": True},
    "chunks, gzip 1, bytes shuffled": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    "chunks, gzip 4, bytes shuffled": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
}
"""Layout -> what HDF5 is told of every array."""
SOURCES = "merge-habit", "crosswalk-habit", "order-picking-habit", "shared-bench-habit"
"""Sets of `demonstrations/` whose episodes are written."""


@dataclass(frozen=True)
class Options:
    """Compare layouts, or work with a large set."""

    repeats: int = 7
    """Turns that are timed."""
    episodes: int = 64
    """Episodes that are written, those of a set over and over."""
    gigabytes: float = 0.0
    """Size of a large set; above 0, that is what is done."""
    kills: int = 20
    """How often its collection is killed."""
    folder: Path = Path("build/large")
    """Where the large set is made; three times its size has to be free."""
    write: Path | None = None
    """Page to put the table of layouts into, between its marks."""


def main(options: Options) -> None:
    """Print what was found."""
    if options.gigabytes:
        large(options.folder, options.gigabytes, options.kills)
        return
    require_page(options.write, "layouts")
    root = Path(__file__).parent.parent / "demonstrations"
    rows = [row for name in SOURCES for row in compared(root / f"{name}.hdf5", options)]
    text = "\n".join([
        "| set | laid out | size | write an episode | read one at random | all decisions for training |",
        "|---|---|---|---|---|---|", *rows, "",
        f"`python benchmarks/datasets.py`: {options.episodes} episodes of each; medians of {options.repeats} turns.",
    ])  # fmt: skip
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "layouts", text)


def compared(source: Path, options: Options) -> Iterator[str]:
    """Yield a row of the table for each way of laying out the episodes of a set."""
    given = load_episodes(source)
    episodes = [given[number % len(given)] for number in range(options.episodes)]
    found: dict[str, list[tuple[float, ...]]] = {way: [] for way in WAYS}
    for _ in range(options.repeats):
        for way, more in WAYS.items():
            with tempfile.TemporaryDirectory() as place, _laid_out(more):
                found[way].append(_timed(Path(place) / "set.hdf5", episodes))
    ours = next(way for way in WAYS if "ours" in way)
    base = [median(column) for column in zip(*found[ours], strict=True)]
    for way, turns in found.items():
        size, *times = (median(column) for column in zip(*turns, strict=True))
        ratios = [f"{1e3 * took:.2f} ms ({took / usual:.2f})" for took, usual in zip(times, base[1:], strict=True)]
        yield f"| {source.stem} | {way} | {size / 1e6:.2f} MB ({size / base[0]:.2f}) | {' | '.join(ratios)} |"


class _laid_out:
    """Has every array that is written in a `with` block laid out in a way."""

    def __init__(self, more: dict[str, object]) -> None:
        self.more, self.usual = more, layout._compressed

    def __enter__(self) -> None:
        def written(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
            if not values.size or not self.more:
                return group.create_dataset(name, data=values)
            rows = min(len(values), max(layout.CHUNK // values[0].nbytes, 1))
            return group.create_dataset(name, data=values, chunks=(rows, *values.shape[1:]), **self.more)

        layout._compressed = written

    def __exit__(self, *_: object) -> None:
        layout._compressed = self.usual


def _timed(path: Path, episodes: list[Episode]) -> tuple[float, float, float, float]:
    """Return the size of a set [bytes], and the times to write an episode, to read one, and to read all decisions."""
    writer = DatasetWriter(path, episodes[0].environment, Lineage("save", 0))
    write = _seconds(lambda: [writer.append(episode) for episode in episodes]) / len(episodes)
    writer.finish()
    order = np.random.default_rng(0).permutation(len(episodes))[:16].tolist()
    read = _seconds(lambda: list(each_episode(path, order))) / len(order)
    return path.stat().st_size, write, read, _seconds(lambda: load_transitions(path))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
