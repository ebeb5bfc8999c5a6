"""The shortened road against highway-env's own: the same answers everywhere."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from highway_env.road.lane import StraightLane
from highway_env.road.road import Road, RoadNetwork

from testbed.envs.driving.merge import MergeEnv
from testbed.envs.driving.road import LANES, AxisLane, MergeRoad, build_road
from testbed.envs.driving.state import read_state

SCENES = 5


def _positions(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return random positions: over the whole road, off it, and on the lane centres and lines."""
    x = rng.choice([rng.uniform(-450, 1250, count), rng.uniform(-120, 260, count)], axis=0)
    y = np.where(rng.random(count) < 0.7, rng.uniform(-6, 18, count), rng.choice([0.0, 2.0, 4.0, 6.0, 8.0], count))
    return np.stack([x, y], axis=-1)


@pytest.fixture(scope="module")
def road() -> MergeRoad:
    """The empty merge road."""
    return build_road(np.random.default_rng(0))


def _axis_lanes(road: MergeRoad) -> list[AxisLane]:
    return [lane for lane in map(road.network.get_lane, LANES) if isinstance(lane, AxisLane)]


def test_straight_lanes_are_axis_lanes(road):
    """Only the bend of the ramp is not a lane along x."""
    assert len(_axis_lanes(road)) == len(LANES) - 1


@pytest.mark.parametrize("method", ["on_lane", "local_coordinates", "distance_with_heading", "distance"])
def test_axis_lane_equals_straight_lane(road, method):
    """Every lane along x gives StraightLane's numbers, bit for bit, over random positions."""
    rng = np.random.default_rng(1)
    for lane in _axis_lanes(road):
        plain = StraightLane(lane.start, lane.end, speed_limit=lane.speed_limit)
        for position in _positions(rng, 300):
            args = (position, rng.uniform(-7, 7)) if method == "distance_with_heading" else (position,)
            assert tuple(np.atleast_1d(getattr(lane, method)(*args))) == tuple(
                np.atleast_1d(getattr(plain, method)(*args))
            )


def test_axis_lane_margin_heading_and_length_equal_straight_lane(road):
    """The optional arguments and attributes behave as in highway-env."""
    rng = np.random.default_rng(2)
    for lane in _axis_lanes(road):
        plain = StraightLane(lane.start, lane.end, speed_limit=lane.speed_limit)
        assert (lane.length, lane.heading, lane.width) == (plain.length, plain.heading, plain.width)
        for position in _positions(rng, 200):
            assert lane.on_lane(position, margin=1.0) == plain.on_lane(position, margin=1.0)
            assert lane.on_lane(position, 3.0, 2.0) == plain.on_lane(position, 3.0, 2.0)
            assert lane.distance_with_heading(position, None) == plain.distance_with_heading(position, None)
            assert lane.distance_with_heading(position, 0.7, 3.0) == plain.distance_with_heading(position, 0.7, 3.0)


def test_closest_lane_equals_exhaustive_search(road):
    """Random positions, with the small headings of driving: the same lane as trying all nine."""
    rng = np.random.default_rng(3)
    found = set()
    for position in _positions(rng, 6000):
        heading = rng.uniform(-0.6, 0.6)
        for angle in (heading, None):
            expected = RoadNetwork.get_closest_lane_index(road.network, position, angle)
            assert road.network.get_closest_lane_index(position, angle) == expected, (position, angle)
        found.add(expected)
    assert found == set(LANES)


def _neighbours_agree(road: MergeRoad) -> int:
    """Compare every vehicle's neighbours on every lane with highway-env's; return how many exist."""
    existing = 0
    for vehicle in road.vehicles:
        for index in (None, *LANES):
            ours = road.neighbour_vehicles(vehicle, index)
            theirs = Road.neighbour_vehicles(road, vehicle, index)
            assert ours[0] is theirs[0] and ours[1] is theirs[1], (vehicle.position, index)
            existing += sum(other is not None for other in ours)
    return existing


def test_neighbours_equal_highway_env_for_random_positions():
    """Vehicles scattered over the road, on any lane, in any order."""
    rng = np.random.default_rng(4)
    env = MergeEnv()
    env.reset(seed=0)
    existing = 0
    for _ in range(60):
        for vehicle, position in zip(env.road.vehicles, _positions(rng, len(env.road.vehicles)), strict=True):
            vehicle.position, vehicle.heading = position, rng.uniform(-0.3, 0.3)
            vehicle.lane_index = env.road.network.get_closest_lane_index(position, vehicle.heading)
            vehicle.lane = env.road.network.get_lane(vehicle.lane_index)
        existing += _neighbours_agree(env.road)
    assert existing > 1000


def _state(road: MergeRoad) -> np.ndarray:
    return read_state(road.vehicles)


@pytest.mark.parametrize("seed", range(SCENES))
def test_scenes_evolve_as_in_highway_env(seed):
    """At each decision of a random driver: same closest lanes, neighbours and, after a step, states."""
    env, rng = MergeEnv(), np.random.default_rng(seed)
    env.reset(seed=seed)
    for _ in range(60):
        *_, terminated, truncated, _ = env.step(int(rng.choice([0, 1, 3, 4], p=[0.1, 0.4, 0.3, 0.2])))
        assert _neighbours_agree(env.road) > 0
        for vehicle in env.road.vehicles:
            expected = RoadNetwork.get_closest_lane_index(env.road.network, vehicle.position, vehicle.heading)
            assert env.road.network.get_closest_lane_index(vehicle.position, vehicle.heading) == expected
        ours, theirs = copy.deepcopy(env.road), copy.deepcopy(env.road)
        MergeRoad.step(ours, 1 / 15)
        Road.step(theirs, 1 / 15)
        np.testing.assert_array_equal(_state(ours), _state(theirs))
        if terminated or truncated:
            return


def test_collisions_equal_highway_env():
    """Vehicles thrown close together collide with the same crashes and impacts under both steps."""
    rng = np.random.default_rng(5)
    env = MergeEnv()
    crashes = 0
    for seed in range(25):
        env.reset(seed=seed)
        for vehicle in env.road.vehicles:
            vehicle.position = np.array([rng.uniform(160, 215), rng.uniform(-2, 10)])
            vehicle.heading = rng.uniform(-0.5, 0.5)
        ours, theirs = copy.deepcopy(env.road), copy.deepcopy(env.road)
        for _ in range(2):
            MergeRoad.step(ours, 1 / 15)
            Road.step(theirs, 1 / 15)
        np.testing.assert_array_equal(_state(ours), _state(theirs))
        assert [o.hit for o in ours.objects] == [o.hit for o in theirs.objects]
        crashes += sum(vehicle.crashed for vehicle in ours.vehicles)
    assert crashes > 50
