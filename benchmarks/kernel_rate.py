"""How fast the batch form of a scene is, in whatever version of `testbed` is on Python's path.

    echo 2.0 | python benchmarks/kernel_rate.py --worlds 1024

Each line of the standard input is a number of seconds; it is answered by environment steps a second over as many.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import gymnasium
import numpy as np
import tyro

import testbed  # noqa: F401  (registers the environments)

Way = Callable[[float], float]
"""Seconds -> environment steps a second over at least so many of them."""


def timed(step: Callable[[], int]) -> Way:
    """Return how fast something is that does some environment steps a call and says how many."""

    def rate(seconds: float) -> float:
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            done += step()
        return done / (time.perf_counter() - start)

    return rate


def vector(env) -> Callable[[], int]:
    """Return what steps a vector environment once, and says how many environment steps that was."""
    env.reset(seed=0)
    rng = np.random.default_rng(0)

    def step() -> int:
        env.step(rng.integers(5, size=env.num_envs))
        return env.num_envs

    return step


@dataclass(frozen=True)
class Options:
    """Say how fast the kernel is, for as many seconds as each line of the standard input says."""

    environment: str = "testbed/Merge-v0"
    """Gymnasium id."""
    worlds: int = 1024
    """Worlds in the batch."""
    threads: int | None = None
    """Threads, one a core if not given."""


def main(options: Options) -> None:
    """Answer line by line."""
    rate = timed(vector(gymnasium.make_vec(options.environment, num_envs=options.worlds, threads=options.threads)))
    for line in sys.stdin:
        print(rate(float(line)), flush=True)


if __name__ == "__main__":
    main(tyro.cli(Options))
