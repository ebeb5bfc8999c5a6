"""What every warehouse policy sees of its own hand, of what it may grasp and of where that may go.

Distances are seen twice: as they are, and magnified (`fine`) and cut off, because millimetres decide about a grasp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.labels import CHANNELS, FLICKER, LABELS, seen_label
from testbed.envs.warehouse.scene import LIMIT

AXES = ("x", "y", "z")
OWN = (
    *(f"grip.{a}" for a in AXES), *(f"speed.{a}" for a in AXES), *(f"lead.{a}" for a in AXES),
    "width", "touch.left", "touch.right", "holding",
)  # fmt: skip
"""The robot's own hand."""
THING = tuple(f"{scale}.{a}" for scale in ("far", "fine") for a in AXES)
"""Where something is, from the grip."""
HAND = (*(f"hand.far.{a}" for a in AXES), *(f"hand.speed.{a}" for a in AXES), "hand.near")
"""The coworker's hand, and how near it is."""
FAR, FINE, SPEED, LEAD, WIDTH, TOUCH, NEAR = 0.3, 0.02, 1.0, 0.06, 0.08, 100.0, 0.3
"""Scales [m, m, m/s, m, m, N, m]."""
_GRID = 2.0**-14


def robot_names(*things: str) -> tuple[str, ...]:
    """Return the names of the components for some things: OWN, THING of each, HAND."""
    return (*OWN, *(f"{thing}.{name}" for thing in things for name in THING), *HAND)


@compiled
def write_own(now, home, row):
    """Write the columns OWN of a world into its row; return the column after them."""
    for axis in range(3):
        row[axis] = (now.grip[axis] - home[axis]) / FAR
        row[3 + axis] = now.speed[axis] / SPEED
        row[6 + axis] = now.lead[axis] / LEAD
    row[9] = now.width / WIDTH
    row[10], row[11] = now.touch[0] / TOUCH, now.touch[1] / TOUCH
    row[12] = now.held.any()
    return len(OWN)


@compiled
def write_first(now, home, unit, there, row):
    """Write the columns OWN, and THING of a unit, or of the hand's home, shape (3,) [m], where there is none.

    Return the column after them.
    """
    return write_thing(now, now.units[unit] if there else home, row, write_own(now, home, row))


@compiled
def write_thing(now, place, row, column):
    """Write the columns THING of what is at a place, shape (3,) [m]; return the column after them."""
    for axis in range(3):
        way = place[axis] - now.grip[axis]
        row[column + axis] = way / FAR
        row[column + 3 + axis] = min(max(way / FINE, -1.0), 1.0)
    return column + len(THING)


@compiled
def write_hand(now, row, column):
    """Write the columns HAND, the coworker's; return the column after them."""
    for axis in range(3):
        row[column + axis] = (now.hand[axis] - now.grip[axis]) / FAR
        row[column + 3 + axis] = now.hand_speed[axis] / SPEED
    row[column + 6] = min(max(1 - now.separation / NEAR, 0.0), 1.0)
    return column + len(HAND)


@compiled
def write_labels(world, row, column):
    """Write what the labels of all factors of the context look like now, from about -1 to 1, from a column on."""
    light = np.uint64(world.light + world.steps)
    for channel in range(len(world.context) * len(CHANNELS)):
        value = world.context[channel // len(CHANNELS)]
        row[column + channel] = 2 * seen_label(value, light, channel) - 1


@compiled
def finish(row, observation):
    """Write a row of columns as an observation, both of shape (SIZE,): within LIMIT, rounded, 0 for NaN."""
    for column in range(len(row)):
        value = 0.0 if np.isnan(row[column]) else min(max(row[column], -LIMIT), LIMIT)
        observation[column] = np.rint(value / _GRID) * _GRID


def label_names(context: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names of the columns of `write_labels`."""
    return tuple(f"{factor}.{channel}" for factor in context for channel in CHANNELS)


def shows_label(observations: np.ndarray, names: tuple[str, ...], factor: str, value: int) -> np.ndarray:
    """Return where the label of a factor has the colour of one of its values, by position, shape (n,) bool."""
    start = names.index(f"{factor}.{CHANNELS[0]}")
    seen = (np.asarray(observations)[:, start : start + 3] + 1) / 2
    return (np.abs(seen - LABELS[value]) < FLICKER + 0.01).all(axis=1)


@dataclass(frozen=True)
class HandView:
    """The robot's hand in n observations, in physical units, for experts that reason about it."""

    height: np.ndarray
    """Of the grip over its home, shape (n,) [m]."""
    home: np.ndarray
    """Where home is from the grip, shape (n, 3) [m]."""
    speed: np.ndarray
    """Velocity of the grip, shape (n, 3) [m/s]."""
    lead: np.ndarray
    """Where the hand is led to, from the grip, shape (n, 3) [m]."""
    width: np.ndarray
    """Distance between the fingers' faces, shape (n,) [m]."""
    holding: np.ndarray
    """Whether a unit is between closed fingers, shape (n,) bool."""
    hand: np.ndarray
    """The coworker's hand from the grip, shape (n, 3) [m]."""
    hand_speed: np.ndarray
    """Its velocity, shape (n, 3) [m/s]."""
    separation: np.ndarray
    """Distance to the coworker, at most NEAR, shape (n,) [m]."""


def hand_view(batch: np.ndarray, names: tuple[str, ...]) -> HandView:
    """Return what observations, shape (n, SIZE), say of both hands."""
    first, hand = np.asarray(batch, np.float64), names.index(HAND[0])
    return HandView(
        height=first[:, 2] * FAR,
        home=-first[:, 0:3] * FAR,
        speed=first[:, 3:6] * SPEED,
        lead=first[:, 6:9] * LEAD,
        width=first[:, 9] * WIDTH,
        holding=first[:, 12] > 0.5,
        hand=first[:, hand : hand + 3] * FAR,
        hand_speed=first[:, hand + 3 : hand + 6] * SPEED,
        separation=(1 - first[:, hand + 6]) * NEAR,
    )


def thing_view(batch: np.ndarray, names: tuple[str, ...], thing: str) -> np.ndarray:
    """Return where a thing is from the grip, shape (n, 3) [m]; the magnified columns where they are not cut off."""
    start = names.index(f"{thing}.{THING[0]}")
    rough, fine = (np.asarray(batch[:, start + k : start + k + 3], np.float64) for k in (0, 3))
    return np.where(np.abs(fine) < 1.0, fine * FINE, rough * FAR)
