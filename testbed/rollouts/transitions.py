"""The decisions of many episodes as one table: what students learn from, without states and traces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from h5py import h5g

from testbed.datasets import demo, layout
from testbed.datasets.form import Form
from testbed.datasets.opening import MADE_BY, form_in, open_data
from testbed.datasets.reader import filter_key, read_demo
from testbed.errors import UserError
from testbed.protocols.episode import Episode
from testbed.scratch import empty_table


@dataclass(frozen=True)
class Transitions:
    """n decisions, episode after episode."""

    observations: np.ndarray
    """What was seen before each, shape (n, d), float32."""
    actions: np.ndarray
    """What was done: numbers of discrete actions, shape (n,), int64; continuous ones (n, size), float32."""
    rewards: np.ndarray
    """The environment's, shape (n,)."""
    next_observations: np.ndarray
    """What was seen after each, shape (n, d), float32."""
    terminated: np.ndarray
    """Where nothing comes after: the last decision of an episode that ended by its own rules, shape (n,) bool."""
    lengths: np.ndarray
    """Decisions of each episode, shape (episodes,)."""

    def __post_init__(self) -> None:
        count = len(self.observations)
        for name in ("actions", "rewards", "next_observations", "terminated"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{count} decisions do not have {len(getattr(self, name))} {name}")
        if self.lengths.sum() != count:
            raise ValueError(f"episodes of {self.lengths.sum()} decisions in all do not make {count}")

    def __len__(self) -> int:
        return len(self.observations)


def filter_transitions(decisions: Transitions, keep: np.ndarray) -> Transitions:
    """Return some of the decisions, `keep` of shape (n,) bool; an episode of which nothing is left is gone."""
    episode = np.repeat(np.arange(len(decisions.lengths)), decisions.lengths)
    lengths = np.bincount(episode[keep], minlength=len(decisions.lengths))
    return Transitions(
        decisions.observations[keep], decisions.actions[keep], decisions.rewards[keep],
        decisions.next_observations[keep], decisions.terminated[keep], lengths[lengths > 0],
    )  # fmt: skip


def of_episodes(decisions: Transitions, keep: np.ndarray) -> Transitions:
    """Return the decisions of some episodes, `keep` of shape (episodes,) bool."""
    return filter_transitions(decisions, np.repeat(keep, decisions.lengths))


def some_decisions(decisions: Transitions, rows: np.ndarray) -> Transitions:
    """Return decisions by their numbers, each as an episode of its own; one may be there more than once."""
    return Transitions(
        decisions.observations[rows], decisions.actions[rows], decisions.rewards[rows],
        decisions.next_observations[rows], decisions.terminated[rows], np.ones(len(rows), int),
    )  # fmt: skip


def joined(tables: Sequence[Transitions]) -> Transitions:
    """Return the decisions of several tables, one after the other."""
    names = [field.name for field in fields(Transitions)]
    return Transitions(**{name: np.concatenate([getattr(one, name) for one in tables]) for name in names})


def as_actions(actions: np.ndarray) -> np.ndarray:
    """Return actions as students learn them: numbers of discrete ones, shape (n,), or continuous ones, (n, size)."""
    return actions.astype(np.int64 if actions.ndim == 1 else np.float32)


def transitions(episodes: Sequence[Episode]) -> Transitions:
    """Return the decisions of episodes."""
    found = ((e.observations[:-1], e.actions, e.rewards, e.observations[1:], e.terminated) for e in episodes)
    return _filled(found, np.array([len(episode) for episode in episodes]))


def load_transitions(path: Path, mask: str | None = None) -> Transitions:
    """Return the decisions of a data set, or of the episodes that a filter key of it names.

    Raises:
        UserError: if the file cannot be read, holds no episode or no such key, or holds a number that is none.
    """
    some = None if mask is None else [f"demo_{number}" for number in filter_key(path, mask)]
    with open_data(path) as data:
        form, names = form_in(data), layout.demo_names(data) if some is None else some
        if not names:
            raise UserError(f"{path} holds no episode to learn from: {MADE_BY}")
        lengths = np.array([read_demo(path, data, name, form, demo.read_steps) for name in names])
        return _filled((read_demo(path, data, name, form, _parts) for name in names), lengths)


def load_lengths(path: Path, mask: str | None = None) -> np.ndarray:
    """Return how many decisions each episode has, shape (episodes,); see `load_transitions`."""
    some = None if mask is None else [f"demo_{number}" for number in filter_key(path, mask)]
    with open_data(path) as data:
        form, names = form_in(data), layout.demo_names(data) if some is None else some
        return np.array([read_demo(path, data, name, form, demo.read_steps) for name in names], int)


Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]
"""Observations, actions, rewards, next observations of an episode, and whether it ended by its own rules."""


def _parts(group: h5g.GroupID, form: Form, complain: demo.Complain) -> Parts | None:
    steps, terminated = demo.read_steps(group, form, complain), demo.read_terminated(group, complain)
    found = demo.read_decisions(group, form, steps, complain)
    if not found or terminated is None:
        return None
    actions = found["actions"]
    return (
        found[demo.BEFORE],
        actions[:, 0] if actions.shape[1] == 1 else actions,
        found["rewards"],
        found[demo.AFTER],
        terminated,
    )


def _filled(episodes: Iterable[Parts], lengths: np.ndarray) -> Transitions:
    """Return the decisions of episodes of known lengths; what is large lies on the disk."""
    tables: list[np.ndarray] = []
    terminated, end = np.zeros(int(lengths.sum()), bool), 0
    for before, actions, rewards, after, ended in episodes:
        parts = before, as_actions(actions), rewards, after
        if not tables:
            tables = [empty_table((len(terminated), *part.shape[1:]), part.dtype) for part in parts]
        start, end = end, end + len(actions)
        for table, part in zip(tables, parts, strict=True):
            table[start:end] = part
        terminated[end - 1] = ended
    if not tables:
        raise ValueError("there is no episode")
    seen, done, rewards, then = tables
    return Transitions(seen, done, rewards, then, terminated, lengths)
