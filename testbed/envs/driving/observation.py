"""What a policy sees of a merge scene: a flat float32 vector, and the way back to physical units.

Layout (`NAMES` has one entry a component): the ego's own state, eight neighbours, the context.
Every component is scaled to about [-1, 1] and clipped to [-4, 4].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from highway_env.vehicle.kinematics import Vehicle

from testbed.envs.driving.road import (
    LATERAL_LANE,
    MERGE_END,
    MERGE_START,
    RAMP_Y,
    RIGHT_LANE_Y,
)
from testbed.envs.driving.traffic import CONTEXT

OWN = ("speed", "to_ramp_end", "lateral", "heading", "may_merge", "merging", "target_speed")
SLOTS = ("ahead1", "ahead2", "ahead3", "behind1", "behind2", "behind3", "left_ahead", "left_behind")
SLOT_VALUES = ("present", "dx", "dv", "length")

NAMES = (
    *OWN,
    *(f"{slot}.{value}" for slot in SLOTS for value in SLOT_VALUES),
    *(f"{factor}={value}" for factor, values in CONTEXT.items() for value in values),
)
"""Name of every component of the observation, in order."""

SIZE = len(NAMES)
LIMIT = 4.0
SPEED_SCALE, RAMP_SCALE, LATERAL_SCALE, DX_SCALE, DV_SCALE, LENGTH_SCALE = 30.0, 200.0, 8.0, 100.0, 10.0, 10.0
SIGHT = 150.0
"""A neighbour farther away than this is not seen [m]."""

_CONTEXT_START = len(OWN) + len(SLOTS) * len(SLOT_VALUES)


def observe(vehicles: list[Vehicle], context: np.ndarray) -> np.ndarray:
    """Return the observation of the ego, the first of `vehicles`, shape (SIZE,), float32."""
    ego = vehicles[0]
    observation = np.zeros(SIZE)
    x, y = float(ego.position[0]), float(ego.position[1])
    observation[: len(OWN)] = (
        ego.speed / SPEED_SCALE,
        (MERGE_END - x) / RAMP_SCALE,
        (y - RIGHT_LANE_Y) / LATERAL_SCALE,
        ego.heading,
        MERGE_START <= x < MERGE_END and y > (RIGHT_LANE_Y + RAMP_Y) / 2,
        LATERAL_LANE[ego.target_lane_index] < 2,
        ego.target_speed / SPEED_SCALE,
    )
    _fill_slots(observation[len(OWN) : _CONTEXT_START].reshape(len(SLOTS), -1), vehicles, x, ego.speed)
    offset = _CONTEXT_START
    for values, index in zip(CONTEXT.values(), context, strict=True):
        observation[offset + index] = 1.0
        offset += len(values)
    return np.clip(observation, -LIMIT, LIMIT).astype(np.float32)


def _fill_slots(slots: np.ndarray, vehicles: list[Vehicle], x: float, speed: float) -> None:
    """Fill the neighbour slots, shape (8, 4), nearest first; an empty slot stays zero."""
    lanes: tuple[list, list] = ([], [])
    for vehicle in vehicles[1:]:
        dx = float(vehicle.position[0]) - x
        if abs(dx) <= SIGHT:
            left = vehicle.position[1] < RIGHT_LANE_Y / 2
            lanes[0 if left else 1].append((dx, vehicle.speed - speed, vehicle.LENGTH))
    for first, count, lane in ((0, 3, 1), (6, 1, 0)):
        ahead = sorted(row for row in lanes[lane] if row[0] >= 0)[:count]
        behind = sorted((row for row in lanes[lane] if row[0] < 0), reverse=True)[:count]
        for offset, rows in ((first, ahead), (first + count, behind)):
            for number, (dx, dv, length) in enumerate(rows):
                slots[offset + number] = 1.0, dx / DX_SCALE, dv / DV_SCALE, length / LENGTH_SCALE


@dataclass(frozen=True)
class MergeView:
    """A batch of n observations in physical units, for experts that reason about them."""

    speed: np.ndarray
    """Own speed, shape (n,) [m/s]."""
    to_ramp_end: np.ndarray
    """Distance to the end of the ramp, shape (n,) [m]."""
    lateral: np.ndarray
    """Distance to the right of the right lane's centre, shape (n,) [m]."""
    may_merge: np.ndarray
    """Whether the ego is on the ramp where it may leave it, shape (n,) bool."""
    merging: np.ndarray
    """Whether the ego steers to the main road or is on it, shape (n,) bool."""
    target_speed: np.ndarray
    """Set speed of the ego, shape (n,) [m/s]."""
    present: np.ndarray
    """Whether there is a neighbour in each of `SLOTS`, shape (n, 8) bool."""
    dx: np.ndarray
    """Position relative to the ego, shape (n, 8) [m]."""
    dv: np.ndarray
    """Speed relative to the ego, shape (n, 8) [m/s]."""
    length: np.ndarray
    """Length of the neighbour, shape (n, 8) [m]."""


def view(observations: np.ndarray) -> MergeView:
    """Return observations, shape (n, SIZE), in physical units."""
    batch = np.asarray(observations, dtype=np.float64)
    own = dict(zip(OWN, batch.T[: len(OWN)], strict=True))
    slots = batch[:, len(OWN) : _CONTEXT_START].reshape(len(batch), len(SLOTS), len(SLOT_VALUES))
    return MergeView(
        speed=own["speed"] * SPEED_SCALE,
        to_ramp_end=own["to_ramp_end"] * RAMP_SCALE,
        lateral=own["lateral"] * LATERAL_SCALE,
        may_merge=own["may_merge"] > 0.5,
        merging=own["merging"] > 0.5,
        target_speed=own["target_speed"] * SPEED_SCALE,
        present=slots[..., 0] > 0.5,
        dx=slots[..., 1] * DX_SCALE,
        dv=slots[..., 2] * DV_SCALE,
        length=slots[..., 3] * LENGTH_SCALE,
    )


def context_holds(observations: np.ndarray, factor: str, values: tuple[str, ...]) -> np.ndarray:
    """Return where a context factor has one of the given values, shape (n,) bool, from (n, SIZE)."""
    columns = [NAMES.index(f"{factor}={value}") for value in values]
    return np.any(np.asarray(observations)[:, columns] > 0.5, axis=1)
