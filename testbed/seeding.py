"""One seed for a run; everything random draws from a generator named after its purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

AUDITED = 2**31
"""Scenario seeds from here on are of audits, those below of everything else."""


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for one purpose of one run.

    The purpose is hashed, so adding a new one never shifts the random numbers of the others.

    >>> derive_seed(0, "scenarios") != derive_seed(0, "weights")
    True
    """
    text = "/".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the NumPy generator of one purpose of one run (see `derive_seed`)."""
    return np.random.default_rng(derive_seed(seed, *purpose))


def scenario_seeds(seed: int, purpose: str, count: int) -> tuple[int, ...]:
    """Return `count` distinct scenario seeds (of 32 bits, as Gymnasium's `reset` takes them) for one purpose.

    Audits have seeds of their own: purposes that have the word `audit` in them, as in `audit-held-out`, draw from 2**31
    on, all others below. So no training, in whatever stage and of whatever seed, ever sees an audited scene.
    """
    first = AUDITED if "audit" in purpose.split("-") else 0
    draws = generator(seed, "scenarios", purpose).choice(AUDITED - 1, size=count, replace=False)
    return tuple(first + int(draw) for draw in draws)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Return the output function of SplitMix64 (Steele, Lea and Flood 2014), shape and type as given (uint64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def following_seeds(seeds: np.ndarray) -> np.ndarray:
    """Return the scenario seeds (31-bit) of the scenes that follow those of the given seeds, shape (n,).

    A linear congruential generator of full period (Hull and Dobell 1962), so streams of seeds never merge. Its numbers
    are no good as random ones; `Draws` mixes them.
    """
    return (np.asarray(seeds, np.int64) % 2**31 * 1103515245 + 12345) % 2**31


def row_hashes(rows: np.ndarray, seed: int) -> np.ndarray:
    """Return a number for the content of each of n rows of float32, shape (n, d) -> (n,), uint64."""
    bits = np.ascontiguousarray(rows, np.float32).view(np.uint32).astype(np.uint64)
    hashes = np.full(len(bits), derive_seed(seed, "rows"), np.uint64)
    for column in bits.T:
        hashes = _mixed((hashes ^ column) + np.uint64(0x9E3779B97F4A7C15))
    return hashes


class Bounded(Protocol):
    """A number that is drawn between bounds, for example a `testbed.protocols.number.Number`."""

    @property
    def low(self) -> float:
        """Lowest value."""

    @property
    def high(self) -> float:
        """Highest value."""


class Draws:
    """Random numbers for n scenes at once, one independent stream a seed (SplitMix64).

    Each call takes the next numbers of every stream, so what a scene gets depends on its seed and
    on the order of the calls, never on the other scenes, nor on what is fixed.

    Args:
        seeds: Shape (n,).
        numbers: What may be fixed, by name.
        fixed: Its values, NaN where one is drawn, shape (n, numbers); all are drawn if there are no such columns.
    """

    def __init__(
        self, seeds: np.ndarray, numbers: Mapping[str, Bounded] | None = None, fixed: np.ndarray | None = None
    ) -> None:
        self._start = _mixed(np.asarray(seeds, np.uint64))
        self._taken = 0
        self._numbers = numbers or {}
        given = fixed is not None and fixed.shape[1] == len(self._numbers)
        self._fixed = dict(zip(self._numbers, fixed.T, strict=True)) if given and fixed is not None else {}

    def number(self, name: str) -> np.ndarray:
        """Return a number of the scene, shape (n,): drawn between its bounds, or what it is fixed to."""
        bounds = self._numbers[name]
        return self.unless_fixed(name, self.uniform(bounds.low, bounds.high))

    def unless_fixed(self, name: str, drawn: np.ndarray) -> np.ndarray:
        """Return what was drawn, shape (n,), but for scenes in which the number is fixed."""
        return np.where(np.isnan(self._fixed[name]), drawn, self._fixed[name]) if name in self._fixed else drawn

    def uniform(self, low: ArrayLike, high: ArrayLike, size: int | None = None) -> np.ndarray:
        """Return numbers from `low` to `high`, shape (n,), or (n, size) where a size is given."""
        count = 1 if size is None else size
        steps = np.arange(self._taken + 1, self._taken + count + 1, dtype=np.uint64)
        self._taken += count
        bits = _mixed(self._start[:, None] + steps * np.uint64(0x9E3779B97F4A7C15))
        share = (bits >> np.uint64(11)) * 2.0**-53
        share = share[:, 0] if size is None else share
        return low + share * (np.asarray(high) - np.asarray(low))

    def choice(self, chances: Sequence[float], size: int | None = None) -> np.ndarray:
        """Return positions in `chances`, each as likely as it says, shape (n,) or (n, size)."""
        return np.searchsorted(np.cumsum(chances)[:-1], self.uniform(0.0, 1.0, size), side="right")


def student_seed(seed: int, number: int) -> int:
    """Return the seed of a student's weights and data order; its control has the same."""
    return int(generator(seed, "student", number).integers(2**62))
