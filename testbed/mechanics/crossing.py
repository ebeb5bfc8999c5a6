"""Quantities of a vehicle that approaches a place where others cross its way. All arguments broadcast."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray


def stopping_distance(speed: ArrayLike, reaction: ArrayLike, deceleration: ArrayLike) -> Array:
    """Return the stopping sight distance v t + v^2 / 2a [m] (AASHTO, A Policy on Geometric Design).

    Args:
        speed: v [m/s].
        reaction: t, time before the brakes work [s].
        deceleration: a, constant braking from then on, above 0 [m/s2].
    """
    speed = np.asarray(speed, float)
    return speed * np.asarray(reaction, float) + speed**2 / (2 * np.asarray(deceleration, float))


def proportion_of_stopping_distance(distance: ArrayLike, speed: ArrayLike, deceleration: ArrayLike) -> Array:
    """Return PSD, d / (v^2 / 2a) (Allen, Shin and Cooper 1978); below 1 it can no longer stop in time.

    Args:
        distance: d, what is left to the place [m].
        speed: v [m/s]; who stands still can always stop: `inf`.
        deceleration: a, the braking that counts as acceptable, above 0 [m/s2].
    """
    braking = np.asarray(speed, float) ** 2 / (2 * np.asarray(deceleration, float))
    distance, braking = np.broadcast_arrays(np.asarray(distance, float), braking)
    with np.errstate(over="ignore"):
        return np.divide(distance, braking, out=np.full(distance.shape, np.inf), where=braking > 0)


def time_to_reach(distance: ArrayLike, speed: ArrayLike) -> Array:
    """Return the time d / v until a place is reached at constant speed [s], at a zebra its TTZ (Varhelyi 1998).

    0 once it is reached (d <= 0); `inf` for who stands still before it.
    """
    distance, speed = np.broadcast_arrays(np.asarray(distance, float), np.asarray(speed, float))
    with np.errstate(over="ignore"):
        time = np.divide(distance, speed, out=np.full(distance.shape, np.inf), where=speed > 0)
    return np.where(distance <= 0, 0.0, time)


def post_encroachment_time(first: np.ndarray, second: np.ndarray, rate: float) -> float:
    """Return the shortest time from when one has left a conflict area to when the other enters it [s].

    PET (Allen, Shin and Cooper 1978): t_entry(second) - t_exit(first), whoever comes first; both moments lie
    between two samples, where the edge is passed at constant speed. 0 where both are inside at once, `inf`
    where one of them never is.

    Args:
        first: How deep the one is inside, shape (samples,) [m]; below 0 outside.
        second: How deep the other is, shape (samples,) [m].
        rate: Samples per second [Hz].
    """
    one, other = np.flatnonzero(first >= 0), np.flatnonzero(second >= 0)
    if len(one) == 0 or len(other) == 0:
        return float("inf")
    nearest = np.abs(one[:, None] - other[None, :])
    row, column = np.unravel_index(np.argmin(nearest), nearest.shape)
    last, then = int(one[row]), int(other[column])
    if last == then:
        return 0.0
    if last > then:
        first, second, last, then = second, first, then, last
    exit_, entry = last + _passed(first[last], first[last + 1]), then - _passed(second[then], second[then - 1])
    return max(float(entry - exit_), 0.0) / rate


def time_since_inside(depth: np.ndarray, rate: float) -> float:
    """Return the time from the last exit from an area to the last sample [s]: 0 inside, `inf` for who never was.

    Args:
        depth: How deep inside, shape (samples,) [m]; below 0 outside.
        rate: Samples per second [Hz].
    """
    inside = np.flatnonzero(depth >= 0)
    if len(inside) == 0:
        return float("inf")
    last, end = int(inside[-1]), len(depth) - 1
    return 0.0 if last == end else float(end - last - _passed(depth[last], depth[last + 1])) / rate


def _passed(inside: float, outside: float) -> float:
    """Return which share of a sample lies on the inside of an edge, from the depths on both sides of it, 0 to 1."""
    return float(inside / (inside - outside))
