"""What a student learns from, and the batches drawn from it: single decisions, or windows of episodes for a memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from testbed.policies.network import PolicyConfig

CHUNK = 50
"""Steps whose batches are drawn at once; a training is told of, and may be interrupted, after as many."""
WINDOW, BURN_IN = 32, 8
"""Decisions in a window for a memory, and how many at its beginning only fill the memory (Kapturowski et al. 2019,
R2D2, section 3): a window may begin in the middle of an episode, with nothing remembered."""


@dataclass(frozen=True)
class Samples:
    """The training set of one student."""

    observations: np.ndarray
    """Shape (n, d), float32."""
    targets: np.ndarray | None
    """Actions, shape (n,) or (n, size), or the parameters of the teacher's distribution (see `losses`); None where only
    the auxiliary outputs are taught."""
    auxiliary: np.ndarray | None = None
    """What the auxiliary outputs should be, shape (n, auxiliary)."""
    lengths: np.ndarray | None = None
    """Decisions of each episode; only a memory needs it."""


@dataclass(frozen=True)
class Batch:
    """What k students see in one step."""

    observations: Tensor
    """Shape (k, n, d), or windows of it, (k, n, WINDOW, d)."""
    targets: Tensor | None
    """Shape (k, n, ...); of windows, those after the burn-in in a row."""
    auxiliary: Tensor | None
    """The same of the auxiliary outputs."""
    firsts: Tensor | None = None
    """Of windows, where an episode begins, shape (k, n, WINDOW)."""


class Batches:
    """Draws batches for k students, each from its own data with its own generator."""

    def __init__(self, samples: Sequence[Samples], orders: Sequence[np.random.Generator], size: int) -> None:
        self.orders, self.size = orders, size
        self.counts = [len(data.observations) for data in samples]
        unique = list({id(data): data for data in samples}.values())
        offsets = np.cumsum([0, *(len(data.observations) for data in unique)])
        place = {id(data): int(offset) for data, offset in zip(unique, offsets[:-1], strict=True)}
        self.offsets = np.array([place[id(data)] for data in samples])
        self.observations = torch.from_numpy(_one([data.observations for data in unique]))
        self.targets = _joined([data.targets for data in unique])
        self.auxiliary = _joined([data.auxiliary for data in unique])

    def draw(self, steps: int) -> Iterator[Batch]:
        """Yield the batches of the next steps; a chunk may not be interrupted."""
        rows = np.stack(
            [order.integers(n, size=(steps, self.size)) for order, n in zip(self.orders, self.counts, strict=True)], 1
        )
        yield from map(self._batch, torch.from_numpy(rows + self.offsets[:, None]))

    def _batch(self, rows: Tensor) -> Batch:
        return Batch(taken(self.observations, rows), _rows(self.targets, rows), _rows(self.auxiliary, rows))


class WindowBatches(Batches):
    """Draws windows of WINDOW decisions that follow each other; where an episode begins, the memory is emptied."""

    def __init__(self, samples: Sequence[Samples], orders: Sequence[np.random.Generator], size: int) -> None:
        super().__init__(samples, orders, max(size // (WINDOW - BURN_IN), 1))
        firsts = np.zeros(len(self.observations), np.float32)
        for data, offset in zip(samples, self.offsets, strict=True):
            if data.lengths is None:
                raise ValueError("a student with a memory learns from whole episodes: give their lengths")
            firsts[offset + np.cumsum([0, *data.lengths[:-1]])] = 1
        self.firsts = torch.from_numpy(firsts)
        self.counts = [count - WINDOW + 1 for count in self.counts]
        if min(self.counts) < 1:
            raise ValueError(f"a student with a memory needs at least {WINDOW} decisions")

    def _batch(self, rows: Tensor) -> Batch:
        windows = rows[..., None] + torch.arange(WINDOW)
        counted = windows[..., BURN_IN:].flatten(1)
        return Batch(
            taken(self.observations, windows),
            _rows(self.targets, counted),
            _rows(self.auxiliary, counted),
            taken(self.firsts, windows),
        )


def make_batches(
    config: PolicyConfig, samples: Sequence[Samples], orders: Sequence[np.random.Generator], size: int
) -> Batches:
    """Return what draws batches of `size` decisions for students of a shape."""
    return (WindowBatches if config.memory else Batches)(samples, orders, size)


def _rows(table: Tensor | None, rows: Tensor) -> Tensor | None:
    return None if table is None else taken(table, rows)


def taken(table: Tensor, rows: Tensor) -> Tensor:
    """Return `table[rows]`; `index_select` needs a quarter of the time that an index of several axes does."""
    return table.index_select(0, rows.flatten()).reshape(*rows.shape, *table.shape[1:])


def _joined(parts: Sequence[np.ndarray | None]) -> Tensor | None:
    arrays = [part for part in parts if part is not None]
    if not arrays:
        return None
    if len(arrays) < len(parts):
        raise ValueError("of students trained at once, all have targets of a kind or none")
    return torch.from_numpy(np.ascontiguousarray(_one(arrays)))


def _one(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return tables as one; a single one, which may be larger than memory, is not copied."""
    return parts[0] if len(parts) == 1 and parts[0].flags.writeable else np.concatenate(parts)
