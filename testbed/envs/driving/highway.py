"""A declared road and its traffic as highway-env's own objects: the oracle of the kernel, and what is rendered."""

from __future__ import annotations

from functools import partial

import numpy as np
from highway_env.road.lane import SineLane, StraightLane
from highway_env.road.road import Road, RoadNetwork
from highway_env.vehicle.behavior import IDMVehicle
from highway_env.vehicle.controller import MDPVehicle
from highway_env.vehicle.kinematics import Vehicle
from highway_env.vehicle.objects import Obstacle

from testbed.envs.driving.kinds import KINDS, WALKERS
from testbed.envs.driving.layout import LANE_WIDTH, Lane
from testbed.envs.driving.scene import Scene
from testbed.envs.kernel import drivers, pedestrians
from testbed.envs.kernel.records import CONTROLLED, OBJECT, TRAFFIC, VEHICLE

_KIND_NAMES, _WALKER_NAMES = tuple(KINDS), tuple(WALKERS)


class TrafficVehicle(IDMVehicle):
    """highway-env's IDM/MOBIL driver in a given kind of vehicle.

    highway-env's IDM measures gaps from centre to centre, so behind a 12 m truck the bumper gap is
    3.5 m shorter than behind a car. Its parameters are held here: highway-env's intersection writes others into
    `IDMVehicle` itself, for every environment of the process.
    """

    ACC_MAX, COMFORT_ACC_MAX, COMFORT_ACC_MIN = drivers.ACC_MAX, drivers.COMFORT_ACC_MAX, drivers.COMFORT_ACC_MIN
    DISTANCE_WANTED, TIME_WANTED = drivers.DISTANCE_WANTED, drivers.TIME_WANTED
    LANE_CHANGE_MIN_ACC_GAIN, LANE_CHANGE_DELAY = drivers.LANE_CHANGE_MIN_ACC_GAIN, drivers.LANE_CHANGE_DELAY
    LANE_CHANGE_MAX_BRAKING_IMPOSED = drivers.LANE_CHANGE_MAX_BRAKING_IMPOSED

    def __init__(self, road: Road, position, kind: str, heading: float, speed: float, target_speed: float) -> None:
        # Set before the base class computes the diagonal from them.
        self.LENGTH, self.WIDTH = KINDS[kind].length, KINDS[kind].width
        self.kind = kind
        super().__init__(road, position, heading=heading, speed=speed, target_speed=target_speed)
        self.color = KINDS[kind].colour


class Barrier(Obstacle):
    """An obstacle that ends a lane."""


class Pedestrian(Obstacle):
    """A pedestrian: not solid, so highway-env only notes that it was hit, and drivers brake for it on their lane.

    It decides and walks by `testbed.envs.kernel.pedestrians`; its row of the road's records says how.
    """

    def __init__(self, road: DrivingRoad, number: int) -> None:
        row = road.records[number]
        self.kind = _WALKER_NAMES[row["kind"]]
        self.LENGTH = self.WIDTH = float(row["length"])
        super().__init__(road, (row["x"], row["y"]), heading=float(row["heading"]), speed=float(row["speed"]))
        self.solid, self.number, self.color = False, number, WALKERS[self.kind].colour

    def read(self) -> None:
        """Take up where the records say the pedestrian is."""
        row = self.road.records[self.number]
        self.position = np.array([row["x"], row["y"]])
        self.heading, self.speed = float(row["heading"]), float(row["speed"])


class DrivingRoad(Road):
    """highway-env's road, which also steps its pedestrians."""

    def __init__(self, scene: Scene, np_random: np.random.Generator, objects: np.ndarray) -> None:
        super().__init__(build_network(scene.lanes), np_random=np_random, neighbour_vehicles_connected_lanes=True)
        self.records, self.edges = objects.copy(), scene.zebra[1]
        self.lane_indices = lane_indices(scene.lanes)
        for number, row in enumerate(objects):
            walks = number < scene.walkers
            self.objects.append(Pedestrian(self, number) if walks else Barrier(self, (row["x"], row["y"])))

    def act(self) -> None:
        """Let vehicles decide, in order, then pedestrians."""
        super().act()
        pedestrians.decide(self.records, read_vehicles(self), self.edges)

    def step(self, dt: float) -> None:
        """Move pedestrians, then vehicles by `dt` [s], and let bodies collide."""
        pedestrians.walk(self.records, self.edges)
        self.show_pedestrians()
        super().step(dt)

    def show_pedestrians(self) -> None:
        """Bring highway-env's pedestrians where the records say they are."""
        for thing in self.objects:
            if isinstance(thing, Pedestrian):
                thing.read()


def build_network(lanes: tuple[Lane, ...]) -> RoadNetwork:
    """Return the lanes as highway-env's network."""
    network = RoadNetwork()
    for lane in lanes:
        start, end = (lane.start, lane.y), (lane.end, lane.y)
        options = {
            "width": LANE_WIDTH, "line_types": lane.lines, "forbidden": lane.forbidden, "speed_limit": lane.speed_limit,
        }  # fmt: skip
        sine = (lane.amplitude, lane.pulsation, lane.phase)
        made = SineLane(start, end, *sine, **options) if lane.amplitude else StraightLane(start, end, **options)
        network.add_lane(*lane.road, made)
    return network


def lane_indices(lanes: tuple[Lane, ...]) -> list[tuple[str, str, int]]:
    """Return highway-env's index of every lane."""
    roads = [lane.road for lane in lanes]
    return [(*road, roads[:number].count(road)) for number, road in enumerate(roads)]


def add_vehicles(road: DrivingRoad, scene: Scene, rows: np.ndarray) -> MDPVehicle:
    """Put the vehicles of records VEHICLE, shape (V,), on the road and return the ego.

    Only pose, speeds and kind are read: lanes, timers and the ego's set speed are highway-env's own work.
    """
    for row in rows:
        position, heading, speed = (row["x"], row["y"]), float(row["heading"]), float(row["speed"])
        if row["driver"] == CONTROLLED:
            make = partial(MDPVehicle, target_speeds=scene.target_speeds)
            vehicle = make(road, position, heading=heading, speed=speed)
        else:
            kind = _KIND_NAMES[row["kind"]]
            vehicle = TrafficVehicle(road, position, kind, heading, speed, float(row["target_speed"]))
        road.vehicles.append(vehicle)
    return road.vehicles[0]


def read_vehicles(road: DrivingRoad) -> np.ndarray:
    """Return the road's vehicles as records VEHICLE, shape (V,)."""
    rows = np.zeros(len(road.vehicles), VEHICLE)
    for row, vehicle in zip(rows, road.vehicles, strict=True):
        impact = vehicle.impact
        row["x"], row["y"] = vehicle.position
        row["heading"], row["speed"], row["target_speed"] = vehicle.heading, vehicle.speed, vehicle.target_speed
        row["lane"] = road.lane_indices.index(vehicle.lane_index)
        row["target_lane"] = road.lane_indices.index(vehicle.target_lane_index)
        row["timer"] = getattr(vehicle, "timer", 0.0)
        row["steering"], row["acceleration"] = vehicle.action["steering"], vehicle.action["acceleration"]
        row["crashed"], row["has_impact"] = vehicle.crashed, impact is not None
        row["impact_x"], row["impact_y"] = (0.0, 0.0) if impact is None else impact
        row["length"], row["width"] = vehicle.LENGTH, vehicle.WIDTH
        row["driver"] = TRAFFIC if isinstance(vehicle, IDMVehicle) else CONTROLLED
        row["kind"] = _KIND_NAMES.index(getattr(vehicle, "kind", "car"))
    return rows


def write_vehicles(road: DrivingRoad, rows: np.ndarray) -> None:
    """Bring the road's vehicles, which must be of the rows' kinds, into the state of records VEHICLE, shape (V,)."""
    for row, vehicle in zip(rows, road.vehicles, strict=True):
        _write_vehicle(road, vehicle, row)


def _write_vehicle(road: DrivingRoad, vehicle: Vehicle, row: np.ndarray) -> None:
    vehicle.position = np.array([row["x"], row["y"]])
    vehicle.heading, vehicle.speed = float(row["heading"]), float(row["speed"])
    vehicle.target_speed = float(row["target_speed"])
    vehicle.lane_index = road.lane_indices[row["lane"]]
    vehicle.lane = road.network.get_lane(vehicle.lane_index)
    vehicle.target_lane_index = road.lane_indices[row["target_lane"]]
    vehicle.timer = float(row["timer"])
    vehicle.action = {"steering": float(row["steering"]), "acceleration": float(row["acceleration"])}
    vehicle.crashed = bool(row["crashed"])
    vehicle.impact = np.array([row["impact_x"], row["impact_y"]]) if row["has_impact"] else None
    if isinstance(vehicle, MDPVehicle):
        vehicle.speed_index = vehicle.speed_to_index(vehicle.target_speed)


def read_objects(road: DrivingRoad) -> np.ndarray:
    """Return the road's obstacles and pedestrians as records OBJECT, shape (O,)."""
    rows = road.records.copy()
    assert rows.dtype == OBJECT
    return rows
