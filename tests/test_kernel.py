"""The kernel's functions one by one, against numbers worked by hand and against highway-env's own objects."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from highway_env.vehicle.behavior import IDMVehicle
from highway_env.vehicle.controller import MDPVehicle
from roads import CROSSWALK, MERGE, points_on

from testbed.envs.driving.highway import DrivingRoad, add_vehicles, write_vehicles
from testbed.envs.kernel import bodies, drivers, lanes, motion, step
from testbed.envs.kernel.records import BODY, CONTROLLED, NOBODY, OBJECT, SAMPLE, VEHICLE
from testbed.scenes.registry import get_scene

both = pytest.mark.parametrize("name", [MERGE, CROSSWALK])

close = partial(pytest.approx, rel=0, abs=1e-9)


def _scattered(rng: np.random.Generator, name: str, middle: bool) -> tuple[DrivingRoad, np.ndarray, np.ndarray]:
    """Return highway-env's road and the same records, the vehicles anywhere, several to a lane, the ego among them.

    Lanes are what highway-env finds; half of the target lanes are any lane of the same road.
    """
    scene = get_scene(name).task
    worlds = scene.start([int(rng.integers(1000))], np.full((1, len(scene.context)), -1))
    rows, things = worlds.vehicles[0], worlds.objects[0]
    points = points_on(rng, name, len(rows))
    if middle:  # close to each other, on few lanes
        points = np.stack([rng.uniform(-60, 60, len(rows)), rng.choice([0.0, 4.0, 4.3, 8.0], len(rows))], axis=-1)
    rows["x"], rows["y"] = points.T
    things["x"], things["y"] = points_on(rng, name, len(things)).T
    if rng.random() < 0.5:  # an obstacle just ahead
        things["x"][0], things["y"][0] = rows["x"][1] + rng.uniform(2, 60), rows["y"][1]
    rows["heading"], rows["speed"] = rng.uniform(-0.4, 0.4, len(rows)), rng.uniform(-2, 32, len(rows))
    rows["target_speed"] = rng.uniform(0, 35, len(rows)) * (rng.random(len(rows)) < 0.9)
    rows["timer"], rows["steering"] = rng.uniform(0, 2, len(rows)), rng.uniform(-0.5, 0.5, len(rows))
    for row in rows:
        row["lane"] = row["target_lane"] = lanes.closest_lane(scene.lane_table, row["x"], row["y"], row["heading"])
        if rng.random() < 0.5:
            here = scene.lane_table[row["lane"]]
            row["target_lane"] += rng.integers(here["count"]) - here["number"]
    oracle = DrivingRoad(scene, rng, things)
    add_vehicles(oracle, scene, rows)
    write_vehicles(oracle, rows)
    return oracle, rows, things


def look(table: np.ndarray, rows: np.ndarray, things: np.ndarray) -> np.ndarray:
    """Return what all see of vehicles and objects."""
    seen = np.zeros(len(rows) + len(things), BODY)
    bodies.look(table, rows, things, seen)
    return seen


def _bodies(oracle: DrivingRoad) -> list:
    return [*oracle.vehicles, *oracle.objects]


@both
def test_neighbours_equal_highway_envs(name):
    """Of every vehicle on every lane, over scattered and over crowded placements; all kinds of answers occur."""
    table, rng, found = get_scene(name).task.lane_table, np.random.default_rng(4), set()
    for case in range(60):
        oracle, rows, things = _scattered(rng, name, middle=case % 2 == 1)
        seen = look(table, rows, things)
        for number, vehicle in enumerate(oracle.vehicles):
            for lane, index in enumerate(oracle.lane_indices):
                expected = [
                    NOBODY if other is None else _bodies(oracle).index(other)
                    for other in oracle.neighbour_vehicles(vehicle, index)
                ]
                assert list(drivers.neighbours(table, seen, number, lane)) == expected, (case, number, lane)
                found.update((side, min(max(n, -1), len(rows))) for side, n in zip("fr", expected, strict=True))
    # Nobody, each vehicle, and an object, in front as well as behind.
    assert found == {(side, number) for side in "fr" for number in range(-1, len(rows) + 1)}


def test_neighbours_by_hand():
    """Three cars in a lane, one beside them: the nearest of each side counts, and one's own place is ahead."""
    table = get_scene(CROSSWALK).task.lane_table
    rows, nothing = np.zeros(5, VEHICLE), np.zeros(0, OBJECT)
    rows["x"], rows["y"] = [0, 30, 12, -9, 0], [0, 0, 0.5, 0, 4]
    seen = look(table, rows, nothing)
    assert drivers.neighbours(table, seen, 0, 0) == (2, 3)
    assert drivers.neighbours(table, seen, 1, 0) == (NOBODY, 2)
    assert drivers.neighbours(table, seen, 3, 0) == (0, NOBODY)
    assert drivers.neighbours(table, seen, 0, 1) == (4, NOBODY)
    assert drivers.neighbours(table, seen, 2, 1) == (NOBODY, 4)
    things = np.zeros(1, OBJECT)
    things["x"], things["y"] = 5.0, 3.2  # 0.2 m more to the left than the left lane and its margin of 1 m reach
    assert drivers.neighbours(table, look(table, rows, things), 0, 0) == (2, 3)
    things["y"] = 2.9
    assert drivers.neighbours(table, look(table, rows, things), 0, 0) == (5, 3)


def test_idm_by_hand():
    """IDM (Treiber, Hennecke and Helbing 2000): a = 3, b = 5, s0 = 10 m, T = 1.5 s, delta = 4."""
    table = get_scene(MERGE).task.lane_table
    rows, nothing = np.zeros(2, VEHICLE), np.zeros(0, OBJECT)
    rows["x"], rows["speed"], rows["target_speed"] = [0.0, 50.0], 20.0, 40.0
    rows["lane"] = 2  # the limit of 30 m/s counts, not the 40 m/s it would like
    free, seen = 3 * (1 - (2 / 3) ** 4), look(table, rows, nothing)
    assert drivers.acceleration(table, rows, seen, 0, NOBODY) == close(free) == close(195 / 81)
    assert drivers.desired_gap(*seen) == close(10 + 30)
    assert drivers.acceleration(table, rows, seen, 0, 1) == close(free - 3 * (40 / 50) ** 2)
    wanted = 10 + 30 + 20 * 5 / (2 * math.sqrt(15))
    rows["speed"][1] = 15.0
    seen = look(table, rows, nothing)
    assert drivers.desired_gap(*seen) == close(wanted)
    assert drivers.acceleration(table, rows, seen, 0, 1) == close(free - 3 * (wanted / 50) ** 2)
    # One that comes from the side, at right angles, has no speed along mine.
    rows["heading"][1] = math.pi / 2
    seen = look(table, rows, nothing)
    assert drivers.desired_gap(*seen) == close(10 + 30 + 20 * 20 / (2 * math.sqrt(15)))
    assert drivers.acceleration(table, rows, seen, NOBODY, 0) == 0.0
    rows["speed"][0] = rows["target_speed"][0] = 0.0  # wants to stand and does
    seen = look(table, rows, nothing)
    assert drivers.acceleration(table, rows, seen, 0, NOBODY) == close(3.0)


def _relative(ours: float, theirs: float) -> None:
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@both
def test_drivers_equal_highway_envs(name):
    """IDM, desired gap, MOBIL and steering of every vehicle over random placements; both of MOBIL's answers occur."""
    scene, rng, mobil, obstacles = get_scene(name).task, np.random.default_rng(5), [0, 0], 0
    table = scene.lane_table
    for case in range(150):
        oracle, rows, things = _scattered(rng, name, middle=case % 2 == 1)
        seen = look(table, rows, things)
        judge = next(vehicle for vehicle in oracle.vehicles if isinstance(vehicle, IDMVehicle))
        for number, vehicle in enumerate(oracle.vehicles):
            other = int(rng.integers(len(rows) + len(things)))
            front = _bodies(oracle)[other]
            if other != number:
                _relative(drivers.desired_gap(seen[number], seen[other]), judge.desired_gap(vehicle, front))
                ours = drivers.acceleration(table, rows, seen, number, other)
                _relative(ours, judge.acceleration(vehicle, front))
                obstacles += other >= len(rows)
            _relative(drivers.acceleration(table, rows, seen, number, NOBODY), judge.acceleration(vehicle))
            steering = vehicle.steering_control(vehicle.target_lane_index)
            _relative(drivers.steering_control(table, rows[number]), float(steering))
            if isinstance(vehicle, IDMVehicle):
                lane = int(rng.integers(len(table)))
                expected = bool(vehicle.mobil(oracle.lane_indices[lane]))
                front, _ = drivers.neighbours(table, seen, number, rows[number]["lane"])
                assert drivers.mobil(table, rows, seen, number, lane, front) == expected
                mobil[expected] += 1
    assert min(mobil) > 20 and obstacles > 50


@both
def test_everybody_acts_as_in_highway_env(name):
    """One decision of all vehicles in order, and each action of the ego: same lanes, controls and timers."""
    scene, rng, changes = get_scene(name).task, np.random.default_rng(6), 0
    for case in range(200):
        oracle, rows, things = _scattered(rng, name, middle=case % 2 == 1)
        before, action = rows["target_lane"].copy(), case % 5
        oracle.vehicles[0].act(("LANE_LEFT", "IDLE", "LANE_RIGHT", "FASTER", "SLOWER")[action])
        drivers.act_controlled(scene.lane_table, scene.target_speeds, rows[0], action)
        for vehicle in oracle.vehicles:
            vehicle.act()
        seen = look(scene.lane_table, rows, things)
        drivers.act(scene.lane_table, scene.target_speeds, rows, seen, drivers.IDLE)
        for row, vehicle in zip(rows, oracle.vehicles, strict=True):
            assert oracle.lane_indices[row["target_lane"]] == vehicle.target_lane_index
            _relative(row["steering"], float(vehicle.action["steering"]))
            _relative(row["acceleration"], float(vehicle.action["acceleration"]))
            assert row["target_speed"] == vehicle.target_speed
            if isinstance(vehicle, IDMVehicle):
                assert row["timer"] == vehicle.timer
        changes += int((rows["target_lane"] != before).sum())
    assert changes > 10  # at the crosswalk nobody may begin a change, but some give one up


@both
def test_bodies_move_and_collide_as_in_highway_env(name):
    """Two simulation steps of crowded placements: poses, crashes and pushes; crashes occur and do not always."""
    scene, rng, crashed = get_scene(name).task, np.random.default_rng(7), []
    pushed = 0
    for _ in range(60):
        oracle, rows, things = _scattered(rng, name, middle=True)
        rows["acceleration"] = rng.uniform(-6, 6, len(rows))
        write_vehicles(oracle, rows)
        for _ in range(2):
            super(DrivingRoad, oracle).step(1 / 15)
            for row in rows:
                motion.move(row)
                bodies.follow(scene.lane_table, row, np.zeros(1, BODY)[0])
            step.meet(rows, things, look(scene.lane_table, rows, things), np.zeros(len(rows), SAMPLE))
        for row, vehicle in zip(rows, oracle.vehicles, strict=True):
            assert (row["x"], row["y"]) == close(tuple(vehicle.position))
            assert (row["heading"], row["speed"]) == close((vehicle.heading, vehicle.speed))
            assert bool(row["crashed"]) == vehicle.crashed
            # One that was pushed until it just touches is pushed again by nothing, or not at all.
            push = (0.0, 0.0) if vehicle.impact is None else tuple(vehicle.impact)
            assert (row["impact_x"], row["impact_y"]) == close(push)
            assert oracle.lane_indices[row["lane"]] == vehicle.lane_index
            crashed.append(vehicle.crashed)
            pushed += push != (0.0, 0.0)
    assert 0.05 < np.mean(crashed) < 0.95 and pushed > 20


def test_ego_is_highway_envs_controlled_vehicle():
    """The first vehicle is driven by a policy and only that one; its set speed starts as highway-env's does."""
    for name in (MERGE, CROSSWALK):
        scene = get_scene(name).task
        worlds = scene.start(np.arange(20), np.full((20, len(scene.context)), -1))
        for rows, things in zip(worlds.vehicles, worlds.objects, strict=True):
            assert (rows["driver"] == CONTROLLED).tolist() == [True] + [False] * (len(rows) - 1)
            ego = add_vehicles(DrivingRoad(scene, np.random.default_rng(0), things), scene, rows)
            assert isinstance(ego, MDPVehicle) and ego.target_speed == rows["target_speed"][0]
