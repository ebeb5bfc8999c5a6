"""The merge road: two main lanes and an on-ramp whose acceleration lane ends in an obstacle.

Coordinates follow highway-env: x along the road [m], y to the right [m]. x = 0 is where the ramp
starts to run parallel to the main road; the left main lane is centred on y = 0.
"""

from __future__ import annotations

import math

import numpy as np
from highway_env.road.lane import LineType, SineLane, StraightLane
from highway_env.road.road import LaneIndex, Road, RoadNetwork
from highway_env.vehicle.objects import Obstacle

LANE_WIDTH = StraightLane.DEFAULT_WIDTH
"""Width of every lane [m]."""

ROAD_START, RAMP_BEND, MERGE_START, MERGE_END, ROAD_END = -400.0, -80.0, 0.0, 200.0, 1200.0
"""Landmarks along x [m]: the ramp swings in from RAMP_BEND and may be left between MERGE_START and MERGE_END."""

LEFT_LANE_Y, RIGHT_LANE_Y, RAMP_Y = 0.0, LANE_WIDTH, 2 * LANE_WIDTH
"""Lane centres [m]; RAMP_Y is the acceleration lane beside the right main lane."""

LANE_LINES = (LANE_WIDTH / 2, 3 * LANE_WIDTH / 2)
"""Lines between the left and the right lane, and between the right lane and the ramp, y [m]."""

SPEED_LIMIT = 30.0
"""Speed limit of every lane [m/s]."""

LANES: tuple[LaneIndex, ...] = (
    ("a", "b", 0), ("a", "b", 1), ("b", "c", 0), ("b", "c", 1), ("b", "c", 2),
    ("c", "d", 0), ("c", "d", 1), ("j", "k", 0), ("k", "b", 0),
)  # fmt: skip
"""Every lane of the road; a stored state refers to a lane by its position here."""

LATERAL_LANE = {index: 2 if index[0] in "jk" else index[2] for index in LANES}
"""Lane index -> 0 left main lane, 1 right main lane, 2 ramp: what traces call `lane`."""

_SWING = 3.25  # half the lateral offset of the ramp before it bends in, as in highway-env's merge [m]


class AxisLane(StraightLane):
    """A straight lane along x. The same numbers as `StraightLane`, without its NumPy calls.

    highway-env asks every vehicle for its coordinates on every lane, so this is most of a step.
    """

    def __init__(self, start: tuple[float, float], end: tuple[float, float], **options) -> None:
        super().__init__(start, end, speed_limit=SPEED_LIMIT, **options)
        self.start_x, self._y = float(start[0]), float(start[1])
        self.heading: float = float(np.arctan2(end[1] - start[1], end[0] - start[0]))
        self.length: float = float(self.length)

    def local_coordinates(self, position: np.ndarray) -> tuple[float, float]:
        """Return the longitudinal and lateral coordinates [m] of a world position, shape (2,)."""
        return float(position[0]) - self.start_x, float(position[1]) - self._y

    def on_lane(self, position, longitudinal=None, lateral=None, margin=0.0) -> bool:
        """Return whether a position is on the lane widened by `margin` [m] (highway-env's rule)."""
        if longitudinal is None or lateral is None:
            longitudinal, lateral = self.local_coordinates(position)
        along = -self.VEHICLE_LENGTH <= longitudinal < self.length + self.VEHICLE_LENGTH
        return along and abs(lateral) <= self.width / 2 + margin

    def distance_with_heading(self, position, heading, heading_weight=1.0) -> float:
        """Return highway-env's distance to the lane [m], plus the angle to it [rad]."""
        along, across = self.local_coordinates(position)
        angle = 0.0 if heading is None else abs(_wrap(heading - self.heading))
        return abs(across) + max(along - self.length, 0) + max(-along, 0) + heading_weight * angle


class BendLane(SineLane):
    """highway-env's sinusoidal lane along x, which also knows where it starts."""

    @property
    def start_x(self) -> float:
        """Where the lane starts along x [m]."""
        return float(self.start[0])


class MergeNetwork(RoadNetwork):
    """A road network that finds the closest lane without trying all nine.

    The lanes of one road segment are the only candidates unless a position is near the segment's
    end; `tests/test_driving_road.py` compares it with highway-env's exhaustive search.
    """

    def get_closest_lane_index(self, position, heading=None) -> LaneIndex:
        """Return the index of the lane closest to a position [m] and heading [rad]."""
        candidates = _nearby_lanes(float(position[0]), float(position[1]))
        if candidates is None:
            return super().get_closest_lane_index(position, heading)
        return min(candidates, key=lambda index: self.get_lane(index).distance_with_heading(position, heading))


class MergeRoad(Road):
    """highway-env's road with the same answers, found with less work (see `tests/test_driving_road.py`)."""

    COLLISION_REACH = 20.0
    """No two bodies whose centres are farther apart along x can collide within a step [m]."""

    def __init__(self, network: MergeNetwork, np_random: np.random.Generator) -> None:
        super().__init__(network, np_random=np_random, neighbour_vehicles_connected_lanes=True)
        self._searched = {index: self._searched_lanes(index) for index in LANES}

    def _searched_lanes(self, index: LaneIndex) -> list[tuple[AxisLane | BendLane, float]]:
        """Return the lanes where neighbours on a lane are looked for, and their offsets along it [m].

        As in highway-env the lanes before and after count too, and where they have no lane of the
        same number their first one does: seen from the main road, the ramp's bend lies behind.
        """
        start, end, number = index
        graph, lane = self.network.graph, self.network.get_lane(index)
        after = [(lanes, lane.length) for lanes in graph.get(end, {}).values()]
        before = [(to[start], None) for to in graph.values() if start in to]
        found = [(lane, 0.0)]
        for lanes, offset in after + before:
            connected = lanes[number] if number < len(lanes) else lanes[0]
            found.append((connected, -connected.length if offset is None else offset))
        return found

    def neighbour_vehicles(self, vehicle, lane_index=None):
        """Return the vehicles or objects just ahead of and behind a vehicle on a lane, or None."""
        searched = self._searched[lane_index or vehicle.lane_index]
        here = searched[0][0].local_coordinates(vehicle.position)[0]
        front = rear = None
        front_at, rear_at = math.inf, -math.inf
        for other in (*self.vehicles, *self.objects):
            if other is vehicle:
                continue
            x = float(other.position[0])
            for lane, offset in searched:
                # `on_lane` with highway-env's margin of 1 m, spelt out; every lane here runs along x.
                along = x - lane.start_x
                if not -5.0 <= along < lane.length + 5.0 or abs(lane.local_coordinates(other.position)[1]) > 3.0:
                    continue
                along += offset
                if here <= along <= front_at:
                    front_at, front = along, other
                elif rear_at < along < here:
                    rear_at, rear = along, other
                break
        return front, rear

    def step(self, dt: float) -> None:
        """Move every vehicle by `dt` [s], then let those that are near each other collide."""
        for vehicle in self.vehicles:
            vehicle.step(dt)
        for number, vehicle in enumerate(self.vehicles):
            x = vehicle.position[0]
            for other in (*self.vehicles[number + 1 :], *self.objects):
                if abs(other.position[0] - x) < self.COLLISION_REACH:
                    vehicle.handle_collisions(other, dt)


def _nearby_lanes(x: float, y: float) -> tuple[LaneIndex, ...] | None:
    """Return the lanes that can be closest to a point, in the network's order, or None for all."""
    if y < RIGHT_LANE_Y + 1.0 and ROAD_START < x < ROAD_END:
        if x < MERGE_START - 20.0:
            return ("a", "b", 0), ("a", "b", 1)
        if MERGE_START + 20.0 < x < MERGE_END - 20.0:
            return ("b", "c", 0), ("b", "c", 1), ("b", "c", 2)
        if x > MERGE_END + 20.0:
            return ("c", "d", 0), ("c", "d", 1)
    return None


def _wrap(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi


def build_road(np_random: np.random.Generator) -> Road:
    """Return the empty merge road, with the obstacle at the end of its ramp."""
    net = MergeNetwork()
    solid, dashed, none = LineType.CONTINUOUS_LINE, LineType.STRIPED, LineType.NONE
    segments = ("a", "b", ROAD_START, MERGE_START, solid), ("b", "c", MERGE_START, MERGE_END, dashed)
    for start, end, x0, x1, right_line in (*segments, ("c", "d", MERGE_END, ROAD_END, solid)):
        for y, lines in ((LEFT_LANE_Y, (solid, dashed)), (RIGHT_LANE_Y, (none, right_line))):
            net.add_lane(start, end, AxisLane((x0, y), (x1, y), line_types=lines))
    net.add_lane("b", "c", _ramp(MERGE_START, MERGE_END, RAMP_Y, (none, solid)))
    net.add_lane("j", "k", _ramp(ROAD_START, RAMP_BEND, RAMP_Y + 2 * _SWING, (solid, solid)))
    net.add_lane("k", "b", _bend((solid, solid)))
    road = MergeRoad(net, np_random)
    road.objects.append(Obstacle(road, (MERGE_END, RAMP_Y)))
    return road


def _ramp(x0: float, x1: float, y: float, lines: tuple[int, int]) -> AxisLane:
    return AxisLane((x0, y), (x1, y), line_types=lines, forbidden=True)


def _bend(lines: tuple[int, int]) -> BendLane:
    """Return the sinusoidal piece that brings the ramp beside the main road."""
    middle = RAMP_Y + _SWING
    pulsation = math.pi / (MERGE_START - RAMP_BEND)
    return BendLane(
        (RAMP_BEND, middle), (MERGE_START, middle), _SWING, pulsation, math.pi / 2,
        line_types=lines, forbidden=True, speed_limit=SPEED_LIMIT,
    )  # fmt: skip
