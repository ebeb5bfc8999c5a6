"""What highway-env's constructors work out when a vehicle is put on the road, for many worlds at once."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.driving.kinds import KINDS
from testbed.envs.driving.layout import Lane, lane_table
from testbed.envs.kernel.drivers import LANE_CHANGE_DELAY
from testbed.envs.kernel.lanes import closest_lane
from testbed.envs.kernel.records import TRAFFIC

_SIZES = np.array([(kind.length, kind.width) for kind in KINDS.values()])


def place(lanes: tuple[Lane, ...], vehicles: np.ndarray) -> None:
    """Fill in size, lane, target lane and lane-change timer of vehicles that have a pose, a kind and a driver.

    Args:
        lanes: The road.
        vehicles: Records VEHICLE, shape (n, V); changed in place.
    """
    vehicles["length"], vehicles["width"] = np.moveaxis(_SIZES[vehicles["kind"]], -1, 0)
    _find_lanes(lane_table(lanes), vehicles.reshape(-1))
    start = ((vehicles["x"] + vehicles["y"]) * np.pi) % LANE_CHANGE_DELAY
    vehicles["timer"] = np.where(vehicles["driver"] == TRAFFIC, start, 0.0)


def ego_target(target_speeds: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Return the set speed nearest to a speed, shapes (n,) [m/s], as `MDPVehicle` starts with."""
    last = len(target_speeds) - 1
    share = (speed - target_speeds[0]) / (target_speeds[-1] - target_speeds[0])
    return target_speeds[np.clip(np.round(share * last), 0, last).astype(int)]


@compiled
def _find_lanes(lanes, vehicles):
    for me in vehicles:
        me.lane = me.target_lane = closest_lane(lanes, me.x, me.y, me.heading)
