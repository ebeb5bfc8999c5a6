"""What a policy sees of a merge scene: a flat float32 vector, and the way back to physical units.

Layout (`NAMES` has one entry a component): the ego's own state, eight neighbours, the context.
Every component is scaled to about [-1, 1], clipped to [-4, 4] and rounded to GRAIN, so that the last
digits, in which two simulators or two machines differ, do not reach a policy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.kernel.observing import finish, write_context
from testbed.scenes.merge.road import MERGE_END, MERGE_START, RAMP, RAMP_Y, RIGHT_LANE_Y
from testbed.scenes.merge.traffic import CONTEXT

OWN = ("speed", "to_ramp_end", "lateral", "heading", "may_merge", "merging", "target_speed")
SLOTS = ("ahead1", "ahead2", "ahead3", "behind1", "behind2", "behind3", "left_ahead", "left_behind")
SLOT_VALUES = ("present", "dx", "dv", "length", "on_ramp")

NAMES = (
    *OWN,
    *(f"{slot}.{value}" for slot in SLOTS for value in SLOT_VALUES),
    *(f"{factor}={value}" for factor, values in CONTEXT.items() for value in values),
)
"""Name of every component of the observation, in order."""

SIZE = len(NAMES)
SPEED_SCALE, RAMP_SCALE, LATERAL_SCALE, DX_SCALE, DV_SCALE, LENGTH_SCALE = 30.0, 200.0, 8.0, 100.0, 10.0, 10.0
SIGHT = 150.0
"""A neighbour farther away than this is not seen [m]."""

GROUPS = ((0, 3), (3, 3), (6, 1), (7, 1))
"""Vehicles ahead and behind on the right lane or the ramp, ahead and behind on the left lane: first slot, slots."""
UNSEEN = -1
"""Stands for the group of a vehicle that is not seen."""

_SLOTS_START = len(OWN)
_VALUES = len(SLOT_VALUES)
_CONTEXT_START = len(OWN) + len(SLOTS) * len(SLOT_VALUES)
_FACTOR_SIZES = tuple(len(values) for values in CONTEXT.values())


@compiled
def observe_world(lanes, world, vehicles, out):
    """Write the observation of the ego, the first of `vehicles`, into `out`, shape (SIZE,)."""
    ego = vehicles[0]
    out[:] = 0.0
    out[0] = ego.speed / SPEED_SCALE
    out[1] = (MERGE_END - ego.x) / RAMP_SCALE
    out[2] = (ego.y - RIGHT_LANE_Y) / LATERAL_SCALE
    out[3] = ego.heading
    out[4] = MERGE_START <= ego.x < MERGE_END and ego.y > (RIGHT_LANE_Y + RAMP_Y) / 2
    out[5] = lanes[ego.target_lane].lateral != RAMP
    out[6] = ego.target_speed / SPEED_SCALE
    for number in range(1, len(vehicles)):
        fill_slot(vehicles, out, number)
    write_context(world, _FACTOR_SIZES, out, _CONTEXT_START)
    finish(out)


@compiled
def fill_slot(vehicles, out, number):
    """Write a vehicle into its slot: the three nearest ahead and behind on the right lane and the ramp have one, and
    the nearest ones on the left lane. A slot of nobody stays zero."""
    ego, you = vehicles[0], vehicles[number]
    group = group_of(ego, you)
    if group == UNSEEN:
        return
    away, rank = abs(you.x - ego.x), 0
    for other in range(1, len(vehicles)):
        if other != number and group_of(ego, vehicles[other]) == group:
            distance = abs(vehicles[other].x - ego.x)
            rank += distance < away or (distance == away and other < number)
    if rank < GROUPS[group][1]:
        start = _SLOTS_START + (GROUPS[group][0] + rank) * _VALUES
        out[start] = 1.0
        out[start + 1] = (you.x - ego.x) / DX_SCALE
        out[start + 2] = (you.speed - ego.speed) / DV_SCALE
        out[start + 3] = you.length / LENGTH_SCALE
        out[start + 4] = you.y > (RIGHT_LANE_Y + RAMP_Y) / 2


@compiled
def group_of(ego, you):
    """Return the group of a vehicle, a position in GROUPS, or UNSEEN if it is out of sight."""
    dx = you.x - ego.x
    if not abs(dx) <= SIGHT:
        return UNSEEN
    return 2 * (you.y < RIGHT_LANE_Y / 2) + (dx < 0)


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
    on_ramp: np.ndarray
    """Whether the neighbour is on the ramp, shape (n, 8) bool."""
    main: np.ndarray
    """Whether the ego started on the main road, shape (n,) bool."""


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
        on_ramp=slots[..., 4] > 0.5,
        main=batch[:, NAMES.index("ego=main")] > 0.5,
    )
