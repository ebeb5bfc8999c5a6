"""The decisions of many episodes as one table: what students learn from, without states and traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from testbed.demonstrations import layout
from testbed.demonstrations.reader import MADE_BY, open_data
from testbed.episode import Episode
from testbed.errors import UserError


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


def as_actions(actions: np.ndarray) -> np.ndarray:
    """Return actions as students learn them: numbers of discrete ones, shape (n,), or continuous ones, (n, size)."""
    return actions.astype(np.int64 if actions.ndim == 1 else np.float32)


def transitions(episodes: Sequence[Episode]) -> Transitions:
    """Return the decisions of episodes."""
    return _joined(
        [(e.observations[:-1], e.actions, e.rewards, e.observations[1:], e.terminated) for e in episodes]
    )  # fmt: skip


def load_transitions(path: Path) -> Transitions:
    """Return the decisions of a data set.

    Raises:
        UserError: if the file cannot be read, holds no episode or holds a number that is none.
    """
    with open_data(path) as data:
        names = list(layout.demo_names(data))
        if not names:
            raise UserError(f"{path} holds no episode to learn from: {MADE_BY}")
        try:
            found = _joined([_parts(data[name]) for name in names])
        except (KeyError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path} is incomplete ({reason}); see `testbed validate {path}`") from None
    for what in ("observations", "actions", "rewards", "next_observations"):
        if not np.isfinite(getattr(found, what)).all():
            raise UserError(f"{path} has {what} that are not numbers (NaN or infinity); {MADE_BY}")
    return found


def _parts(demo) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
    actions = demo["actions"][()]
    return (
        demo[f"obs/{layout.OBSERVATION}"][()],
        actions[:, 0] if actions.shape[1] == 1 else actions,
        demo["rewards"][()],
        demo[f"next_obs/{layout.OBSERVATION}"][()],
        bool(demo.attrs["terminated"]),
    )


def _joined(episodes: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]]) -> Transitions:
    before, actions, rewards, after, ends = zip(*episodes, strict=True)
    lengths = np.array([len(part) for part in actions])
    terminated = np.zeros(int(lengths.sum()), bool)
    terminated[np.cumsum(lengths) - 1] = ends
    return Transitions(
        np.concatenate(before), as_actions(np.concatenate(actions)), np.concatenate(rewards), np.concatenate(after),
        terminated, lengths,
    )  # fmt: skip
