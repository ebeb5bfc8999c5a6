"""The form of an environment's episodes: shape, type and unit of every array, as the environment itself has them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from gymnasium import spaces

from testbed.scenes.registry import make_vector

LARGEST = 1e6
"""No quantity of a street or a bench exceeds this in SI units, nor does a reward; nor can a film draw it."""


@dataclass(frozen=True)
class Item:
    """What a data set has at one place."""

    place: str
    """Where, below the demo."""
    shape: tuple[int, ...]
    """Its shape; where it has rows, that of one of them."""
    dtype: np.dtype
    """Type of its numbers."""
    rows: int = 0
    """Rows a decision; 0 for what is there once."""
    low: np.ndarray | None = None
    """No number is below this, or None."""
    high: np.ndarray | None = None
    """No number is above this, or None."""
    unit: str | None = None
    """The attribute `unit`, or None where there is none."""

    def shaped(self, steps: int) -> tuple[int, ...]:
        """Return the whole shape for a number of decisions."""
        return (steps * self.rows, *self.shape) if self.rows else self.shape


@dataclass(frozen=True)
class Form:
    """What every episode of one environment looks like."""

    environment: str
    """Gymnasium id."""
    factors: Mapping[str, tuple[str, ...]]
    """The context: its factors and their values."""
    rate: float
    """Samples of a trace a second [Hz]."""
    longest: int
    """Most decisions of an episode."""
    state: int
    """Numbers of a state."""
    decisions: tuple[Item, ...]
    """What students learn from: observations before and after, actions, rewards, ends."""
    states: tuple[Item, ...]
    """Those before each decision, and the last one."""
    signals: Mapping[str, Item]
    """Of the trace, by name."""
    constants: Mapping[str, Item]
    """What the trace says once, by name."""

    def __iter__(self) -> Iterator[Item]:
        """Yield everything that a demo holds."""
        yield from (*self.decisions, *self.states, *self.signals.values(), *self.constants.values())


@cache
def form_of(environment: str) -> Form:
    """Return the form of an environment's episodes; nothing is simulated for it.

    Raises:
        UserError: for an id that is not one of the testbed's; no other ever reaches Gymnasium.
    """
    with closing(make_vector(environment, 1)) as made:
        env: Any = made
        about, (trace, once), state = env.metadata, env.recorded(), env.states().shape[1]
        seen, does = env.single_observation_space, env.single_action_space
    return Form(
        environment=environment,
        factors=about["context"],
        rate=float(about["trace_hz"]),
        longest=math.ceil(about["time_limit"] * about["decision_hz"]),
        state=state,
        decisions=(
            Item("obs/observation", seen.shape, seen.dtype, 1, seen.low, seen.high),
            Item("next_obs/observation", seen.shape, seen.dtype, 1, seen.low, seen.high),
            _actions(does),
            _physical("rewards", (), np.dtype(np.float64), 1),
            Item("dones", (), np.dtype(np.int64), 1),
        ),
        states=(
            Item("states", (state,), np.dtype(np.float64), 1),
            Item("final_state", (state,), np.dtype(np.float64)),
        ),
        signals={
            name: _physical(f"trace/{name}", v.shape[2:], v.dtype, v.shape[1], about["trace_units"][name])
            for name, v in trace.items()
        },
        constants={
            name: _physical(f"trace/constants/{name}", v.shape[1:], v.dtype, 0, about["constant_units"][name])
            for name, v in once.items()
        },
    )


def _actions(space: spaces.Discrete | spaces.Box) -> Item:
    """Return the item of actions: numbers of discrete ones in one column, or components."""
    if isinstance(space, spaces.Discrete):
        first = int(space.start)
        return Item("actions", (1,), np.dtype(space.dtype), 1, np.array(first), np.array(first + int(space.n) - 1))
    return Item("actions", space.shape, space.dtype, 1, space.low, space.high)


def _physical(place: str, shape: tuple[int, ...], dtype: np.dtype, rows: int, unit: str | None = None) -> Item:
    """Return the item of a quantity that may be anything up to LARGEST, if it is no flag or code."""
    most = np.array(LARGEST) if dtype.kind == "f" else None
    return Item(place, shape, dtype, rows, None if most is None else -most, most, unit)
