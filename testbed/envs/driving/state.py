"""The whole state of a merge scene as an array: read it, store it, put it back.

One row a vehicle, the ego first; `COLUMNS` names the columns. A restored scene goes on exactly as
the original would have.
"""

from __future__ import annotations

import numpy as np
from highway_env.road.road import Road
from highway_env.vehicle.controller import MDPVehicle
from highway_env.vehicle.kinematics import Vehicle

from testbed.envs.driving.road import LANES
from testbed.envs.driving.traffic import KINDS, VEHICLES, TrafficVehicle

COLUMNS = (
    "x", "y", "heading", "speed", "target_speed", "lane", "target_lane", "timer",
    "steering", "acceleration", "crashed", "has_impact", "impact_x", "impact_y", "kind",
)  # fmt: skip
"""Columns of a stored state, in SI units; lanes and kinds are positions in `LANES` and `KINDS`."""

_LANE_NUMBER = {index: number for number, index in enumerate(LANES)}
_KINDS = tuple(KINDS)


def read_state(vehicles: list[Vehicle]) -> np.ndarray:
    """Return the state of the vehicles, shape (VEHICLES, len(COLUMNS)), float64."""
    return np.array([_row(vehicle) for vehicle in vehicles], dtype=np.float64)


def _row(vehicle: Vehicle) -> tuple[float, ...]:
    impact = vehicle.impact
    return (
        *vehicle.position, vehicle.heading, vehicle.speed, vehicle.target_speed,
        _LANE_NUMBER[vehicle.lane_index], _LANE_NUMBER[vehicle.target_lane_index],
        getattr(vehicle, "timer", 0.0), vehicle.action["steering"], vehicle.action["acceleration"],
        vehicle.crashed, impact is not None, *(impact if impact is not None else (0.0, 0.0)),
        _KINDS.index(getattr(vehicle, "kind", "car")),
    )  # fmt: skip


def write_state(road: Road, ego: MDPVehicle, state: np.ndarray) -> None:
    """Replace the road's vehicles by the ego and new traffic in the given state.

    Args:
        road: The road to fill.
        ego: The controlled vehicle, kept as it is but for its state.
        state: As `read_state` returns it.

    Raises:
        ValueError: for another shape.
    """
    if state.shape != (VEHICLES, len(COLUMNS)):
        raise ValueError(f"a merge state has shape {(VEHICLES, len(COLUMNS))}, not {state.shape}")
    road.vehicles = [ego]
    for row in state[1:]:
        kind = _KINDS[int(row[COLUMNS.index("kind")])]
        road.vehicles.append(TrafficVehicle(road, row[:2].copy(), kind, speed=0.0, target_speed=1.0))
    for vehicle, row in zip(road.vehicles, state, strict=True):
        _set_row(road, vehicle, row)
    ego.speed_index = ego.speed_to_index(ego.target_speed)


def _set_row(road: Road, vehicle: Vehicle, row: np.ndarray) -> None:
    values = dict(zip(COLUMNS, row.tolist(), strict=True))
    vehicle.position = row[:2].copy()
    vehicle.heading, vehicle.speed = values["heading"], values["speed"]
    vehicle.target_speed = values["target_speed"]
    vehicle.lane_index = LANES[int(values["lane"])]
    vehicle.lane = road.network.get_lane(vehicle.lane_index)
    vehicle.target_lane_index = LANES[int(values["target_lane"])]
    vehicle.timer = values["timer"]
    vehicle.action = {"steering": values["steering"], "acceleration": values["acceleration"]}
    vehicle.crashed = bool(values["crashed"])
    vehicle.impact = np.array([values["impact_x"], values["impact_y"]]) if values["has_impact"] else None
