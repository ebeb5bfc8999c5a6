"""What a policy sees of a crosswalk scene: a flat float32 vector, and the way back to physical units.

Layout (`NAMES` has one entry a component): the ego's own state, the pedestrians from those on the road
to those farthest from it, the nearest vehicles, the context. Scaled, clipped and rounded as in the merge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.kernel.observing import finish, write_context
from testbed.scenes.crosswalk.road import RIGHT_LANE_Y, ZEBRA
from testbed.scenes.crosswalk.traffic import CONTEXT, PEDESTRIANS

OWN = ("speed", "to_zebra", "target_speed", "past")
WALKER_VALUES = ("dx", "dy", "vx", "vy", "at_kerb", "on_road")
VEHICLE_SLOTS = ("behind", "left_ahead", "left_behind")
VEHICLE_VALUES = ("present", "dx", "dv")

NAMES = (
    *OWN,
    *(f"pedestrian{rank}.{value}" for rank in range(1, PEDESTRIANS + 1) for value in WALKER_VALUES),
    *(f"{slot}.{value}" for slot in VEHICLE_SLOTS for value in VEHICLE_VALUES),
    *(f"{factor}={value}" for factor, values in CONTEXT.items() for value in values),
)
"""Name of every component of the observation, in order."""

SIZE = len(NAMES)
SPEED_SCALE, ZEBRA_SCALE, DX_SCALE, DY_SCALE, WALK_SCALE, DV_SCALE = 15.0, 50.0, 50.0, 5.0, 1.5, 10.0
KERB = 1.8
"""A pedestrian that is no farther outside an edge of the road is at the kerb [m]."""
SIGHT = 100.0
"""A vehicle farther away than this is not seen [m]."""

_WALKERS_START = len(OWN)
_VEHICLES_START = _WALKERS_START + PEDESTRIANS * len(WALKER_VALUES)
_CONTEXT_START = _VEHICLES_START + len(VEHICLE_SLOTS) * len(VEHICLE_VALUES)
_FACTOR_SIZES = tuple(len(values) for values in CONTEXT.values())
_X0, _X1, _Y0, _Y1 = (float(value) for value in ZEBRA.reshape(-1))
_WALKER_SIZE, _VEHICLE_SIZE = len(WALKER_VALUES), len(VEHICLE_VALUES)


@compiled
def observe_world(world, vehicles, walkers, out):
    """Write the observation of the ego, the first of `vehicles`, into `out`, shape (SIZE,)."""
    ego = vehicles[0]
    out[:] = 0.0
    out[0] = ego.speed / SPEED_SCALE
    out[1] = (_X0 - ego.x - ego.length / 2) / ZEBRA_SCALE
    out[2] = ego.target_speed / SPEED_SCALE
    out[3] = ego.x - ego.length / 2 > _X1
    for number in range(len(walkers)):
        rank = 0
        for other in range(len(walkers)):
            rank += other != number and comes_first(walkers, other, number)
        write_walker(ego, walkers[number], out, _WALKERS_START + rank * _WALKER_SIZE)
    for slot in range(3):
        write_nearest(vehicles, slot, out, _VEHICLES_START + slot * _VEHICLE_SIZE)
    write_context(world, _FACTOR_SIZES, out, _CONTEXT_START)
    finish(out)


@compiled
def comes_first(walkers, one, other):
    """Return whether a pedestrian concerns the ego more: on the road, then at the kerb, then nearer to the road."""
    first, second = outside(walkers[one].y), outside(walkers[other].y)
    if first == second or (max(first, second) <= KERB and min(first, second) > 0):
        return one < other  # both wait: which is nearer by a centimetre must not swap them
    return first < second


@compiled
def outside(y):
    """Return how far a point is outside the road [m], 0 on it."""
    return max(_Y0 - y, y - _Y1, 0.0)


@compiled
def write_walker(ego, you, out, start):
    """Write where a pedestrian is and how it moves."""
    out[start] = (you.x - ego.x) / DX_SCALE
    out[start + 1] = (you.y - RIGHT_LANE_Y) / DY_SCALE
    out[start + 2] = you.vx / WALK_SCALE
    out[start + 3] = you.vy / WALK_SCALE
    out[start + 4] = _Y0 - KERB <= you.y < _Y0 or _Y1 < you.y <= _Y1 + KERB
    out[start + 5] = _Y0 <= you.y <= _Y1


@compiled
def write_nearest(vehicles, slot, out, start):
    """Write the nearest vehicle behind the ego (0), or ahead (1) or behind (2) on the left lane."""
    ego, nearest, found = vehicles[0], SIGHT, 0
    for number in range(1, len(vehicles)):
        dx = vehicles[number].x - ego.x
        left = vehicles[number].y < (_Y0 + _Y1) / 2
        if left == (slot > 0) and (dx >= 0) == (slot == 1) and abs(dx) <= nearest:
            nearest, found = abs(dx), number
    if found:
        out[start] = 1.0
        out[start + 1] = (vehicles[found].x - ego.x) / DX_SCALE
        out[start + 2] = (vehicles[found].speed - ego.speed) / DV_SCALE


@dataclass(frozen=True)
class CrosswalkView:
    """A batch of n observations in physical units, for experts that reason about them."""

    speed: np.ndarray
    """Own speed, shape (n,) [m/s]."""
    to_zebra: np.ndarray
    """Distance from the front bumper to the zebra, shape (n,) [m]; negative once over its edge."""
    target_speed: np.ndarray
    """Set speed of the ego, shape (n,) [m/s]."""
    lateral: np.ndarray
    """How far right of the ego's lane's centre each pedestrian is, shape (n, PEDESTRIANS) [m]."""
    across: np.ndarray
    """Speed of each pedestrian across the road, to the right, shape (n, PEDESTRIANS) [m/s]."""
    at_kerb: np.ndarray
    """Whether each pedestrian is just outside the road, shape (n, PEDESTRIANS) bool."""
    on_road: np.ndarray
    """Whether each pedestrian is on the road, shape (n, PEDESTRIANS) bool."""


def view(observations: np.ndarray) -> CrosswalkView:
    """Return observations, shape (n, SIZE), in physical units."""
    batch = np.asarray(observations, dtype=np.float64)
    walkers = batch[:, _WALKERS_START:_VEHICLES_START].reshape(len(batch), PEDESTRIANS, _WALKER_SIZE)
    return CrosswalkView(
        speed=batch[:, 0] * SPEED_SCALE,
        to_zebra=batch[:, 1] * ZEBRA_SCALE,
        target_speed=batch[:, 2] * SPEED_SCALE,
        lateral=walkers[..., 1] * DY_SCALE,
        across=walkers[..., 3] * WALK_SCALE,
        at_kerb=walkers[..., 4] > 0.5,
        on_road=walkers[..., 5] > 0.5,
    )
