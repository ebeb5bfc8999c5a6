"""Lanes of the kernel are those of highway-env."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from roads import CROSSWALK, MERGE, points_on

from testbed.envs.driving.highway import build_network, lane_indices
from testbed.envs.driving.layout import Lane, lane_table
from testbed.envs.kernel import lanes
from testbed.envs.kernel.records import NOBODY
from testbed.scenes.registry import get_scene

close = partial(pytest.approx, rel=0, abs=1e-9)


@pytest.fixture(params=[MERGE, CROSSWALK], scope="module")
def road(request):
    """An environment's id, its lanes as records, highway-env's network of the same, and its lane indices."""
    scene = get_scene(request.param).task
    return request.param, scene.lane_table, build_network(scene.lanes), lane_indices(scene.lanes)


def test_lanes_are_those_of_highway_env(road):
    """Length, width, limit, number and connections of every lane."""
    _, table, network, indices = road
    assert len(table) == len(indices) == sum(len(n) for to in network.graph.values() for n in to.values())
    for row, index in zip(table, indices, strict=True):
        lane = network.get_lane(index)
        assert row["length"] == close(lane.length) and row["width"] == lane.width
        assert row["speed_limit"] == lane.speed_limit and bool(row["forbidden"]) == lane.forbidden
        assert (row["number"], row["count"]) == (index[2], len(network.graph[index[0]][index[1]]))


def test_coordinates_headings_and_distances_equal_highway_envs(road):
    """Local coordinates, heading, distance, the end, reach and `on_lane` of every lane at random points."""
    name, table, network, indices = road
    rng = np.random.default_rng(1)
    seen = {"on": set(), "end": set(), "reach": set()}
    for row, index in zip(table, indices, strict=True):
        lane = network.get_lane(index)
        for point in points_on(rng, name, 400):
            along, across = lane.local_coordinates(point)
            assert lanes.local_coordinates(row, *point) == close((along, across))
            assert lanes.heading_at(row, along) == close(lane.heading_at(along))
            assert lanes.distance(row, *point) == close(lane.distance(point))
            for margin in (0.0, 1.0):
                on = bool(lane.on_lane(point, margin=margin))
                assert lanes.on_lane(row, *point, margin) == on
                seen["on"].add(on)
            end, reach = bool(lane.after_end(point)), bool(lane.is_reachable_from(point))
            assert (lanes.after_end(row, point[0]), lanes.is_reachable_from(row, *point)) == (end, reach)
            seen["end"].add(end)
            seen["reach"].add(reach)
    assert seen["on"] == seen["end"] == {False, True}
    # Nobody may change lanes at the crosswalk; at the merge one may, to the main lanes.
    assert seen["reach"] == ({False, True} if name == MERGE else {False})


def test_sine_lane_by_hand():
    """Half-way along the bend of the ramp it is on its axis, y = 11.25, and heads down the steepest."""
    table = get_scene(MERGE).task.lane_table
    (bend,) = table[table["amplitude"] != 0]
    assert lanes.local_coordinates(bend, -40.0, 12.0) == close((40.0, 0.75))
    assert lanes.local_coordinates(bend, -80.0, 14.5) == close((0.0, 0.0))
    assert lanes.local_coordinates(bend, 0.0, 8.0) == close((80.0, 0.0))
    assert lanes.heading_at(bend, 40.0) == close(-math.atan(3.25 * math.pi / 80))
    assert lanes.heading_at(bend, 0.0) == close(0.0)


def test_closest_lane_equals_highway_envs(road):
    """Any heading, not only those of driving; every lane is found somewhere."""
    name, table, network, indices = road
    rng = np.random.default_rng(2)
    found = set()
    for point in points_on(rng, name, 3000):
        heading = float(rng.choice([rng.uniform(-0.6, 0.6), rng.uniform(-7, 7), 0.0]))
        expected = indices.index(network.get_closest_lane_index(point, heading))
        assert lanes.closest_lane(table, *point, heading) == expected, (point, heading)
        found.add(expected)
    assert found == set(range(len(table)))


def test_next_lane_equals_highway_envs(road):
    """Also off the lane; the ramp's last lane goes on as the lane closest to it, the road's last one as itself."""
    name, table, network, indices = road
    rng = np.random.default_rng(3)
    kept, left = 0, 0
    for number, index in enumerate(indices):
        for x, y in points_on(rng, name, 100):
            expected = indices.index(network.next_lane(index, None, np.array([x, y]), rng))
            assert lanes.next_lane(table, number, x) == expected
            kept, left = kept + (expected == number), left + (expected != number)
    assert kept and (left or name == CROSSWALK)


def _lane(start: str, end: str, x: float = 0.0) -> Lane:
    return Lane((start, end), x, x + 100, 0.0, 30.0, 0, (0, 0))


def test_lane_table_refuses_a_node_with_too_many_roads():
    """Two roads into a node and one out are followed; two out, or three in, are not."""
    fork = _lane("a", "b"), _lane("b", "c", 100), _lane("b", "d", 100)
    merge = _lane("a", "b"), _lane("k", "b"), _lane("b", "c", 100)
    table = lane_table(merge)
    assert table["searched"][2].tolist() == [2, 0, 1, NOBODY]
    assert table["offset"][2].tolist() == [0.0, -100.0, -100.0, 0.0]
    assert table["searched"][0].tolist() == [0, 2, NOBODY, NOBODY]
    with pytest.raises(ValueError, match="one road out of a node"):
        lane_table(fork)
    with pytest.raises(ValueError, match="two into it"):
        lane_table((*merge[:2], _lane("l", "b"), _lane("m", "b"), merge[2]))
