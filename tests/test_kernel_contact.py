"""Contact in the kernel: outlines that meet, bodies that touch, bodies that are told apart quickly."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from highway_env import utils
from roads import CROSSWALK

from testbed.envs.kernel import bodies, motion
from testbed.envs.kernel.records import BODY, OBJECT, VEHICLE
from testbed.mechanics.contact import corners, rectangles_touch
from testbed.scenes.registry import get_scene

close = partial(pytest.approx, rel=0, abs=1e-9)


def _rectangle(rng: np.random.Generator) -> np.ndarray:
    """Return the corners of a random rectangle within a few metres of the origin, shape (4, 2)."""
    size = rng.uniform(0.4, 6.0, 2)
    return corners(rng.uniform(-3, 3, 2), np.array(rng.uniform(-4, 4)), size)


def test_polygon_intersection_equals_highway_envs():
    """Random rectangles and displacements: now, soon, and the push apart."""
    rng, seen = np.random.default_rng(8), set()
    for _ in range(4000):
        a, b = _rectangle(rng), _rectangle(rng) + rng.uniform(-4, 4, 2)
        shift = rng.uniform(-3, 3, 2)
        closed = [np.vstack([p, p[:1]]) for p in (a, b)]
        now, soon, push = utils.are_polygons_intersecting(*closed, shift, np.zeros(2))
        ours = motion.are_polygons_intersecting(a, b, *shift)
        assert ours[:2] == (now, soon)
        if soon:
            assert ours[2:] == close(tuple(push))
        seen.add((bool(now), bool(soon)))
    assert seen == {(False, False), (False, True), (True, True)}  # it counts what the way there sweeps over, too


def test_polygon_intersection_by_hand():
    """Two unit squares 0.25 m apart: they meet if the first moves by more, and are pushed apart by the overlap."""
    square = np.array([(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)])
    beside = square + np.array([1.25, 0.1])
    assert motion.are_polygons_intersecting(square, beside, 0.0, 0.0)[:2] == (False, False)
    now, soon, push_x, push_y = motion.are_polygons_intersecting(square, beside, 0.5, 0.0)
    assert (now, soon) == (False, True)
    assert (push_x, push_y) == close((-0.25, 0.0))


def test_touching_equals_contact_by_corners():
    """Random bodies and slacks, against `testbed.mechanics.contact`; the cheap test before it never cuts one off."""
    rng, touched = np.random.default_rng(9), []
    cars, things = np.zeros(1, VEHICLE), np.zeros(1, OBJECT)
    for _ in range(6000):
        within = float(rng.choice([0.0, 0.05, 0.5]))
        for rows in (cars, things):
            rows["x"], rows["y"], rows["heading"] = rng.uniform(-4, 4), rng.uniform(-2, 2), rng.uniform(-4, 4)
            rows["length"], rows["width"] = rng.uniform(0.4, 12), rng.uniform(0.4, 3)
        shapes = [
            corners(np.array([r["x"][0], r["y"][0]]), r["heading"][0], np.array([r["length"][0], r["width"][0]]))
            for r in (cars, things)
        ]
        expected = bool(rectangles_touch(*shapes, within))
        assert motion.touching(cars[0], things[0], within) == expected
        assert not (expected and not motion.may_touch(cars[0], things[0], within))
        touched.append(expected)
    assert 0.2 < np.mean(touched) < 0.95


@pytest.mark.parametrize(("gap", "within", "touches"), [(0.04, 0.05, True), (0.06, 0.05, False), (0.01, 0.0, False)])
def test_touching_by_hand(gap, within, touches):
    """Bumper to bumper, side by side, and one turned by a right angle."""
    cars = np.zeros(2, VEHICLE)
    cars["length"], cars["width"] = [5.0, 12.0], [2.0, 2.5]
    for x, y, heading in ((8.5 + gap, 0.3, 0.0), (1.0, 2.25 + gap, math.pi), (3.75 + gap, -1.0, math.pi / 2)):
        cars["x"][1], cars["y"][1], cars["heading"][1] = x, y, heading
        assert motion.touching(cars[0], cars[1], within) == touches


def test_bodies_that_are_apart_neither_touch_nor_can_collide():
    """Random pairs of vehicles, and of a vehicle and a pedestrian; most of those that are quickly told apart are near.

    What says so quickly must never say more than highway-env's own test, whatever the headings and speeds.
    """
    rng, said = np.random.default_rng(9), [0, 0]
    table = get_scene(CROSSWALK).task.lane_table
    for case in range(6000):
        pair = np.zeros(2, VEHICLE)
        pair["x"], pair["y"] = rng.uniform(-9, 9, 2), rng.uniform(-3, 3, 2)
        pair["heading"], pair["speed"] = rng.uniform(-3.2, 3.2, 2) * rng.choice([0.0, 0.1, 1.0]), rng.uniform(-5, 35, 2)
        pair["length"], pair["width"] = rng.uniform(4, 12, 2), rng.uniform(1.8, 2.5, 2)
        if case % 3 == 0:
            pair["length"][1] = pair["width"][1] = 0.6
        one, other = seen = np.zeros(2, BODY)
        bodies.look(table, pair, np.zeros(0, OBJECT), seen)
        apart = bool(bodies.are_apart(one, other))
        said[apart] += 1
        if apart:
            assert not motion.touching(*pair, motion.TOUCH)
            ways = [(math.cos(row["heading"]) * row["speed"] / 15, math.sin(row["heading"]) * row["speed"] / 15)
                    for row in pair]  # fmt: skip
            for still in (0.0, 1.0):  # an obstacle does not move
                shift = np.subtract(ways[0], np.multiply(still, ways[1]))
                outlines = [motion.polygon(row) for row in pair]
                now, soon, *_ = motion.are_polygons_intersecting(*outlines, *shift)
                assert not now and (not soon or not motion.may_touch(*pair, pair[0]["speed"] / 15))
    assert min(said) > 500
