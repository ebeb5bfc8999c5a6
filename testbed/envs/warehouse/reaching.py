"""Reaching, grasping and placing as pure functions of what is seen: what all scripted experts are made of.

Heights follow from distances and speeds from heights, so there are no phases to remember: an expert goes on from any
state, which is what makes it a labeller for DAgger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.warehouse.leading import REACH

OPEN, CLOSED = 1.0, -1.0
HOVER = 0.085
"""Height over things at which the hand travels [m]."""
NEAR = 0.010
"""From this lateral distance on the hand goes all the way down [m]."""
SLOPE = 3.0
"""How much higher the hand stays for every metre that it is farther away than NEAR."""
CLEAR = 0.035
"""Lower than this over a thing that is farther away than CLEAR, the hand goes up before it goes anywhere [m]."""
BELOW_HOME = 0.09
"""Lower than this under its home the hand goes up before it goes anywhere [m]."""
ROOM, TIGHT = 0.08, 0.025
"""Separation from the coworker's arm below which the hand makes room, and at which it does nothing else [m]."""
BACK = (-0.05, 0.0, 0.01)
"""The way it backs off [m]."""
EXACT = 0.006
"""A hand this near is there [m]."""


@dataclass(frozen=True)
class Wish:
    """Where n hands want to be led to, and what their fingers do."""

    way: np.ndarray
    """From the grip, shape (n, 3) [m]."""
    fingers: np.ndarray
    """OPEN or CLOSED, shape (n,)."""


def approach(target: np.ndarray, hover: float | np.ndarray = HOVER, down: float | np.ndarray = 0.0) -> np.ndarray:
    """Return the way of n hands that come from above, shape (n, 3) [m].

    Args:
        target: Where to, from the grip, shape (n, 3) [m].
        hover: Height over the target on the way there [m].
        down: Height over the target at which the hand arrives [m].
    """
    lateral = np.linalg.norm(target[:, :2], axis=1)
    height = np.clip(SLOPE * (lateral - NEAR), down, hover)
    over = -target[:, 2]
    free = np.clip((over - CLEAR) / 0.03, 0.0, 1.0)
    pace = np.where(lateral < CLEAR, 1.0, free)
    return np.column_stack([target[:, :2] * pace[:, None], target[:, 2] + height])


def retreat(home: np.ndarray) -> Wish:
    """Return the wish to go home, which is at a place from the grip, shape (n, 3) [m]: up first, fingers open."""
    free = np.clip((BELOW_HOME - home[:, 2]) / 0.03, 0.0, 1.0)
    return Wish(np.column_stack([home[:, :2] * free[:, None], home[:, 2]]), np.full(len(home), OPEN))


def arrived(target: np.ndarray, exact: float | np.ndarray = EXACT) -> np.ndarray:
    """Return which hands are where they want to be, shape (n,) bool."""
    return (np.linalg.norm(target[:, :2], axis=1) < exact) & (np.abs(target[:, 2]) < exact)


def grasp(thing: np.ndarray) -> Wish:
    """Return the wish to grasp a thing that is at a place from the grip, shape (n, 3) [m]."""
    return Wish(approach(thing), np.where(arrived(thing), CLOSED, OPEN))


def place(slot: np.ndarray, drop: float | np.ndarray = 0.0, exact: float | np.ndarray = EXACT) -> Wish:
    """Return the wish to put what is held into a slot at a place from the grip, letting go `drop` [m] over it."""
    lateral = np.linalg.norm(slot[:, :2], axis=1)
    let_go = (lateral < exact) & (-slot[:, 2] < drop + 0.004)
    return Wish(approach(slot, down=drop), np.where(let_go, OPEN, CLOSED))


def either(first: np.ndarray, one: Wish, other: Wish) -> Wish:
    """Return the first wish where `first`, shape (n,) bool, is true, and the other one elsewhere."""
    return Wish(np.where(first[:, None], one.way, other.way), np.where(first, one.fingers, other.fingers))


def give_way(wish: Wish, separation: np.ndarray) -> Wish:
    """Return a wish that makes room: the nearer the coworker's arm, shape (n,) [m], the more the hand backs off."""
    near = np.clip((ROOM - separation) / (ROOM - TIGHT), 0.0, 1.0)[:, None]
    return Wish((1 - near) * wish.way + near * np.array(BACK), wish.fingers)


def act(wish: Wish, lead: np.ndarray, pace: float | np.ndarray = 1.0) -> np.ndarray:
    """Return actions, shape (n, 4), that lead hands where they wish to be.

    Args:
        wish: Ways and fingers.
        lead: Where the hands are led to already, from the grip, shape (n, 3) [m].
        pace: Share of the full speed, shape (n,) or a number.
    """
    reach = np.broadcast_to(np.asarray(pace, float), wish.fingers.shape)[:, None]
    # At full pace the hand is led as far ahead as its leash allows; slower, only as far as gives that speed.
    way = np.clip(wish.way, -0.06 * reach, 0.06 * reach)
    move = np.clip((way - lead) / REACH, -1.0, 1.0)
    return np.column_stack([move, wish.fingers]).astype(np.float32)
