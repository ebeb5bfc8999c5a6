"""Replay a recorded episode in its simulator and say whether it comes out the same."""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium
import numpy as np

from testbed.episode import Episode
from testbed.errors import UserError


@dataclass(frozen=True)
class Verification:
    """How far a replay went from its record."""

    largest_error: float
    """Largest difference of any state component [SI units of that component]."""
    first_divergence: int | None
    """First step whose state differs by more than the tolerance, or None."""
    where: str
    """Which component differs there, in words."""

    @property
    def same(self) -> bool:
        """Whether the replay stayed within the tolerance."""
        return self.first_divergence is None


def verify(episode: Episode, tolerance: float = 0.0) -> Verification:
    """Simulate an episode again from its seed and actions and compare states, observations and trace.

    Args:
        episode: A recorded episode.
        tolerance: Largest difference that counts as the same; 0 on the machine that recorded it.

    Raises:
        UserError: if the recorded actions cannot be played in the environment.
    """
    env = gymnasium.make(episode.environment, disable_env_checker=True).unwrapped
    options = {"context": dict(episode.scenario.context)}
    observation, info = env.reset(seed=episode.scenario.seed, options=options)
    largest, first, where = 0.0, None, ""
    for step in range(len(episode) + 1):
        pairs = [("state", info["state"], episode.states[step])]
        pairs.append(("observation", observation, episode.observations[step]))
        if step > 0:
            pairs += _trace_pairs(info["trace"], episode, step)
        for name, played, recorded in pairs:
            error, component = _largest_difference(played, recorded)
            largest = max(largest, error)
            if first is None and error > tolerance:
                values = f"recorded {_at(recorded, component)}, replayed {_at(played, component)}"
                first, where = step, f"{name}{component}: {values}"
        if step < len(episode):
            observation, _, terminated, truncated, info = env.step(episode.actions[step])
            ended = terminated or truncated
            if ended != (step + 1 == len(episode)):
                if first is None:
                    goes_on = "the record" if ended else "the replay"
                    first, where = step + 1, f"{goes_on} goes on after this step, the other ends"
                break
    return Verification(largest, first, where)


def _trace_pairs(trace: dict[str, np.ndarray], episode: Episode, step: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
    rows = len(next(iter(trace.values())))
    part = slice((step - 1) * rows, step * rows)
    return [(f"trace/{name}", values, episode.trace[name][part]) for name, values in trace.items()]


def _largest_difference(played: np.ndarray, recorded: np.ndarray) -> tuple[float, list[int]]:
    if played.shape != recorded.shape:
        raise UserError(f"the record holds arrays of shape {recorded.shape} where the environment has {played.shape}")
    difference = np.abs(np.asarray(played, float) - np.asarray(recorded, float))
    difference = np.where(np.isnan(difference), np.inf, difference)
    place = np.unravel_index(int(difference.argmax()), difference.shape)
    return float(difference.max()), [int(index) for index in place]


def _at(values: np.ndarray, component: list[int]) -> float:
    return float(values[tuple(component)])
