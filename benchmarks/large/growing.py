"""Collects a large data set: episodes whose states are noise, so that they are as large on the disk as in memory.

Run by `datasets.py`: `python growing.py FILE GIGABYTES`. Goes on with what is there, and prints how many episodes are
safe after each, so that whoever kills it knows what may not be lost.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np

from testbed.datasets.reader import load_episodes
from testbed.datasets.writer import DatasetWriter
from testbed.lineage import Lineage

SOURCE = Path(__file__).parents[2] / "demonstrations" / "order-picking-habit.hdf5"


def main(path: Path, gigabytes: float) -> None:
    """Append episodes until the set has its size, and finish it."""
    given = load_episodes(SOURCE)
    lineage = Lineage("save", 0, {"gigabytes": gigabytes, "environment": given[0].environment})
    with DatasetWriter(path, given[0].environment, lineage) as writer:
        print(f"begun {len(writer)}", flush=True)
        parts = path.with_name(path.name + ".parts")
        for episode in cycle(given):
            number = len(writer)
            if writer.complete or (number and number * _size(parts) >= gigabytes * 1e9):
                break
            noise = np.random.default_rng(number).normal(size=episode.states.shape)
            writer.append(replace(episode, states=noise))
            print(number + 1, flush=True)
        print("finishing", flush=True)
        writer.finish()
        print("finished", flush=True)


def _size(parts: Path) -> float:
    """Return the mean size of the first episodes [bytes]."""
    sizes = [
        (parts / f"demo_{number}.hdf5").stat().st_size
        for number in range(6)
        if (parts / f"demo_{number}.hdf5").exists()
    ]
    return sum(sizes) / len(sizes)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
