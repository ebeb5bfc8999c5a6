"""Traffic-conflict quantities for a follower behind a leader on one lane.

All arguments broadcast. A quantity that is not defined for a pair (not closing, standing still) is
`inf`; a negative gap means that the two overlap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray


def net_gap(leader_x: ArrayLike, leader_length: ArrayLike, follower_x: ArrayLike, follower_length: ArrayLike) -> Array:
    """Return the bumper-to-bumper distance [m] from centre positions [m] and lengths [m]."""
    halves = (np.asarray(leader_length) + np.asarray(follower_length)) / 2
    return np.asarray(leader_x) - np.asarray(follower_x) - halves


def time_headway(gap: ArrayLike, follower_speed: ArrayLike) -> Array:
    """Return the time headway gap / v_f [s]; `inf` for a follower that stands still."""
    gap, speed = np.broadcast_arrays(np.asarray(gap, float), np.asarray(follower_speed, float))
    with np.errstate(over="ignore"):
        return np.divide(gap, speed, out=np.full(gap.shape, np.inf), where=speed > 0)


def time_to_collision(gap: ArrayLike, follower_speed: ArrayLike, leader_speed: ArrayLike) -> Array:
    """Return the time to collision gap / (v_f - v_l) [s] (Hayward 1972); `inf` when not closing, 0 in contact."""
    gap, closing = np.broadcast_arrays(
        np.asarray(gap, float), np.asarray(follower_speed, float) - np.asarray(leader_speed, float)
    )
    with np.errstate(over="ignore"):  # closing at next to nothing: `inf` is right
        ttc = np.divide(gap, closing, out=np.full(gap.shape, np.inf), where=closing > 0)
    return np.where(gap <= 0, 0.0, ttc)


def deceleration_to_avoid_crash(gap: ArrayLike, follower_speed: ArrayLike, leader_speed: ArrayLike) -> Array:
    """Return DRAC, (v_f - v_l)^2 / 2 gap [m/s2] (Almqvist 1991).

    It is the follower's constant braking that just avoids contact.
    0 when not closing; `inf` when the two overlap already and still close.
    """
    gap, closing = np.broadcast_arrays(
        np.asarray(gap, float), np.asarray(follower_speed, float) - np.asarray(leader_speed, float)
    )
    closing = np.maximum(closing, 0.0)
    drac = np.divide(closing**2, 2 * gap, out=np.full(gap.shape, np.inf), where=gap > 0)
    return np.where(closing > 0, drac, 0.0)


def cut_in_margin(gap: ArrayLike, follower_speed: ArrayLike, leader_speed: ArrayLike) -> Array:
    """Return how much TTC exceeds what UN Regulation 157 lets an automated follower be asked to avoid [s].

    The regulation (paragraph 5.2.5.2) expects a collision with a vehicle that cuts in to be avoided
    when TTC at lane intrusion > v_rel / (2 * 6 m/s2) + 0.35 s. Used inverted: below 0, the vehicle
    behind could not have been expected to avoid it. `inf` when not closing.
    """
    closing = np.maximum(np.asarray(follower_speed, float) - np.asarray(leader_speed, float), 0.0)
    return time_to_collision(gap, follower_speed, leader_speed) - (closing / 12.0 + 0.35)
