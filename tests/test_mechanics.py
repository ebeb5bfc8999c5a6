"""Array physics against hand-worked cases, invariances, and second ways of computing the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from testbed.mechanics import conflict, crossing
from testbed.mechanics.contact import clearance, contacts, corners, rectangles_touch

numbers = st.floats(-50.0, 50.0, allow_nan=False)
angles = st.floats(-math.pi, math.pi, allow_nan=False)
gaps = st.floats(0.1, 200.0)
speeds = st.floats(0.0, 40.0).map(lambda speed: round(speed, 6))
rectangles = st.tuples(numbers, numbers, angles, st.floats(0.5, 15.0), st.floats(0.5, 15.0))
quick = settings(deadline=None, max_examples=150)


def _corners(rectangle) -> np.ndarray:
    x, y, heading, length, width = rectangle
    return corners(np.array([x, y]), np.array(heading), np.array([length, width]))


def _moved(points: np.ndarray, angle: float, shift: tuple[float, float]) -> np.ndarray:
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return points @ rotation.T + np.array(shift)


def _clearance(first: np.ndarray, second: np.ndarray) -> float:
    """Return how far from the boundary between touching and apart two rectangles are [m]."""
    margins = []
    for shape in (first, second):
        for start, end in zip(shape[:2], shape[1:3], strict=True):
            normal = np.array([start[1] - end[1], end[0] - start[0]]) / np.linalg.norm(end - start)
            a, b = first @ normal, second @ normal
            margins.append(max(a.min() - b.max(), b.min() - a.max()))
    return abs(max(margins))


def _contains(shape: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return which points, shape (n, 2), lie in a rectangle, by coordinates along its two edges."""
    along, across = shape[1] - shape[0], shape[3] - shape[0]
    u, v = (points - shape[0]) @ along / (along @ along), (points - shape[0]) @ across / (across @ across)
    return (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)


def test_net_gap_by_hand():
    """Centres 30 m apart, a 12 m truck ahead of a 5 m car: 30 - (12 + 5) / 2 = 21.5 m."""
    assert conflict.net_gap(130.0, 12.0, 100.0, 5.0) == 21.5
    # Centres 4 m apart, both 5 m long: 4 - 5 = -1 m, an overlap.
    np.testing.assert_array_equal(conflict.net_gap([130.0, 104.0], [12.0, 5.0], 100.0, 5.0), [21.5, -1.0])


def test_time_headway_by_hand():
    """30 m at 20 m/s last 1.5 s; who stands still has no headway."""
    np.testing.assert_array_equal(conflict.time_headway([30.0, 30.0], [20.0, 0.0]), [1.5, math.inf])


def test_time_to_collision_by_hand():
    """20 m closed at 25 - 20 = 5 m/s take 4 s; opening or equal speeds never collide; overlap is 0."""
    found = conflict.time_to_collision([20.0, 20.0, 20.0, 0.0, -1.0], [25.0, 20.0, 15.0, 25.0, 10.0], 20.0)
    np.testing.assert_array_equal(found, [4.0, math.inf, math.inf, 0.0, 0.0])


def test_drac_by_hand():
    """(25 - 20)^2 / (2 * 10) = 1.25 m/s2; 0 when not closing; infinite when overlapping and closing."""
    found = conflict.deceleration_to_avoid_crash([10.0, 10.0, 0.0, -1.0, -1.0], [25.0, 20.0, 25.0, 25.0, 15.0], 20.0)
    np.testing.assert_array_equal(found, [1.25, 0.0, math.inf, math.inf, 0.0])


def test_cut_in_margin_by_hand():
    """TTC 12 / 6 = 2 s, required 6 / 12 + 0.35 = 0.85 s: a margin of 1.15 s."""
    assert conflict.cut_in_margin(12.0, 26.0, 20.0) == pytest.approx(1.15, abs=1e-12)
    # TTC 3 / 6 = 0.5 s, less than 0.85 s: not avoidable by 0.35 s. Not closing: infinite.
    assert conflict.cut_in_margin(3.0, 26.0, 20.0) == pytest.approx(-0.35, abs=1e-12)
    assert conflict.cut_in_margin(3.0, 20.0, 20.0) == math.inf


@quick
@given(gaps, speeds, speeds)
def test_bodies_meet_exactly_after_the_time_to_collision(gap, follower, leader):
    """Driven on for TTC at constant speed, the gap is closed; a closing pair always has a finite TTC."""
    ttc = float(conflict.time_to_collision(gap, follower, leader))
    assert math.isinf(ttc) == (follower <= leader)
    if math.isfinite(ttc) and follower - leader > 1e-6:
        assert gap + (leader - follower) * ttc == pytest.approx(0.0, abs=1e-6)


def _smallest_gap(gap: float, follower: float, leader: float, braking: float) -> float:
    """Return the smallest gap [m] while the follower brakes constantly until it is as slow as the leader."""
    end = (follower - leader) / braking
    time = np.linspace(0.0, end, 2001)
    return float((gap + leader * time - (follower * time - braking * time**2 / 2)).min())


@quick
@given(gaps, st.floats(1.0, 40.0), st.floats(0.1, 1.0))
def test_braking_at_drac_just_avoids_contact(gap, follower, share):
    """Second way: simulated braking at DRAC ends at a gap of 0; 1 % less touches, 1 % more does not."""
    leader = follower * (1 - share)
    need = float(conflict.deceleration_to_avoid_crash(gap, follower, leader))
    assert _smallest_gap(gap, follower, leader, need) == pytest.approx(0.0, abs=1e-5 * gap)
    assert _smallest_gap(gap, follower, leader, 0.99 * need) < 0 < _smallest_gap(gap, follower, leader, 1.01 * need)


@quick
@given(gaps, speeds, speeds)
def test_regulation_margin_is_the_distance_form_of_the_rule(gap, follower, leader):
    """Second way: the margin is positive exactly if v_rel * 0.35 + v_rel^2 / 12 is less than the gap."""
    closing = follower - leader
    assume(closing > 1e-3)
    stopping = closing * 0.35 + closing**2 / 12.0
    assume(abs(stopping - gap) > 1e-6)
    assert (float(conflict.cut_in_margin(gap, follower, leader)) > 0) == (stopping < gap)


def test_corners_by_hand():
    """4 x 2 m at (10, 5), turned a quarter: half length along y, half width along x."""
    found = {tuple(np.round(point, 12)) for point in corners(np.array([10.0, 5.0]), np.pi / 2, np.array([4.0, 2.0]))}
    assert found == {(9.0, 7.0), (11.0, 7.0), (9.0, 3.0), (11.0, 3.0)}


@pytest.mark.parametrize(
    ("x", "y", "heading", "touch"),
    [
        (4.9, 0.0, 0.0, True),  # half lengths 2.5 + 2.5 = 5 > 4.9
        (5.0, 0.0, 0.0, True),  # edges shared: touching counts
        (5.1, 0.0, 0.0, False),
        (4.9, 2.1, 0.0, False),  # half widths 1 + 1 = 2 < 2.1
        (3.6, 0.0, np.pi / 2, False),  # 2.5 + half width 1 = 3.5 < 3.6
        (3.4, 0.0, np.pi / 2, True),
        (4.6, 3.1, np.pi / 4, False),  # bounding boxes overlap, but the corner (2.5, 1) is off the turned edge:
        # ((4.6 - 2.5) + (3.1 - 1)) / sqrt 2 = 2.97 > 2.5
        (4.0, 2.9, np.pi / 4, True),  # ((4 - 2.5) + (2.9 - 1)) / sqrt 2 = 2.40 < 2.5
    ],
)
def test_rectangles_by_hand(x, y, heading, touch):
    """A 5 x 2 m car at the origin and another one."""
    assert bool(rectangles_touch(_corners((0, 0, 0, 5, 2)), _corners((x, y, heading, 5, 2)))) is touch


@quick
@given(rectangles, rectangles, angles, numbers, numbers)
def test_touch_is_symmetric_and_does_not_depend_on_the_frame(first, second, angle, dx, dy):
    """Swapping the two, or turning and shifting both, changes nothing."""
    a, b = _corners(first), _corners(second)
    assume(_clearance(a, b) > 1e-6)
    touch = bool(rectangles_touch(a, b))
    assert bool(rectangles_touch(b, a)) is touch
    assert bool(rectangles_touch(_moved(a, angle, (dx, dy)), _moved(b, angle, (dx, dy)))) is touch


def test_touch_agrees_with_dense_samples():
    """Second way: 41 x 41 points of one rectangle, tested for lying in the other; near misses are left out."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 41), np.linspace(0, 1, 41)), -1).reshape(-1, 2)
    seen = {True: 0, False: 0}
    for _ in range(400):
        a = _corners((0, 0, rng.uniform(-4, 4), rng.uniform(1, 12), rng.uniform(1, 3)))
        b = _corners((*rng.uniform(-8, 8, 2), rng.uniform(-4, 4), rng.uniform(1, 12), rng.uniform(1, 3)))
        points = a[0] + grid[:, :1] * (a[1] - a[0]) + grid[:, 1:] * (a[3] - a[0])
        if _clearance(a, b) > 0.35:  # more than the spacing of the points, 12 m / 40
            sampled = bool(_contains(b, points).any())
            assert bool(rectangles_touch(a, b)) is sampled
            seen[sampled] += 1
    assert min(seen.values()) > 50


def test_contacts_agree_with_every_pair():
    """Second way: among n bodies, a body is in contact if any other one touches it, pair by pair."""
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(60):
        position, heading = rng.uniform(-15, 15, (7, 2)), rng.uniform(-4, 4, 7)
        size = rng.uniform((3, 1), (12, 3), (7, 2))
        shapes = [corners(*row) for row in zip(position, heading, size, strict=True)]
        pairs = [[i != j and bool(rectangles_touch(shapes[i], shapes[j])) for j in range(7)] for i in range(7)]
        expected = np.array(pairs).any(axis=1)
        np.testing.assert_array_equal(contacts(position, heading, size), expected)
        hits += expected.sum()
    assert 50 < hits < 400


@pytest.mark.parametrize(
    ("x", "y", "heading", "away"),
    [
        (5.0, 0.0, 0.0, 2.2),  # 5 - 2.5 - 0.3
        (0.0, -3.0, 0.0, 1.7),  # 3 - 1 - 0.3
        (5.5, 5.0, 0.0, 4.7),  # 3 along, 4 across from the corner: 5 - 0.3
        (2.7, 0.0, 0.0, 0.0),  # 0.2 from the front
        (1.0, 0.5, 0.0, 0.0),  # inside
        (0.0, 4.0, np.pi / 2, 1.2),  # turned a quarter: 4 - 2.5 - 0.3
    ],
)
def test_clearance_by_hand(x, y, heading, away):
    """A 5 x 2 m car at the origin and a circle of 0.3 m radius."""
    found = clearance(np.zeros(2), np.array(heading), np.array([5.0, 2.0]), np.array([x, y]), np.array(0.3))
    assert found == pytest.approx(away)


@quick
@given(rectangles, numbers, numbers, st.floats(0.0, 1.0))
def test_clearance_agrees_with_dense_samples(rectangle, x, y, radius):
    """Second way: the nearest of 1000 points of each edge, 15 mm apart or less; 0 inside."""
    shape, point = _corners(rectangle), np.array([[x, y]])
    steps = np.linspace(0, 1, 1000)[:, None]
    edges = [start + steps * (end - start) for start, end in zip(shape, np.roll(shape, -1, axis=0), strict=True)]
    nearest = np.linalg.norm(np.concatenate(edges) - point, axis=1).min()
    expected = 0.0 if _contains(shape, point)[0] else max(nearest - radius, 0.0)
    middle, heading, size = np.array(rectangle[:2]), np.array(rectangle[2]), np.array(rectangle[3:])
    assert clearance(middle, heading, size, point[0], np.array(radius)) == pytest.approx(expected, abs=0.02)


def test_clearance_of_many_at_once():
    """Shapes broadcast: one car at three places, two circles each."""
    position, centre = np.array([[[0.0, 0.0]], [[1.0, 0.0]], [[2.0, 0.0]]]), np.array([[5.0, 0.0], [6.0, 0.0]])
    found = clearance(position, np.zeros((3, 1)), np.array([4.0, 2.0]), centre, np.array([0.5, 1.0]))
    np.testing.assert_allclose(found, [[2.5, 3.0], [1.5, 2.0], [0.5, 1.0]])


def test_stopping_distance_by_hand():
    """13.6 m/s: 13.6 m in a second, then 184.96 / 6.8 = 27.2 m; AASHTO designs for 2.5 s, at 50 km/h for 65 m."""
    assert crossing.stopping_distance(13.6, 1.0, 3.4) == pytest.approx(40.8)
    assert crossing.stopping_distance(50 / 3.6, 2.5, 3.4) == pytest.approx(65.0, abs=2.5)  # rounded up to 5 m
    np.testing.assert_array_equal(crossing.stopping_distance([0.0, 3.4], 0.0, 3.4), [0.0, 1.7])


def test_proportion_of_stopping_distance_by_hand():
    """10 m at 6.8 m/s, which needs 6.8: 1.47; past the place it is below 0; who stands can always stop."""
    found = crossing.proportion_of_stopping_distance([10.0, 3.4, -6.8, 10.0], [6.8, 6.8, 6.8, 0.0], 3.4)
    np.testing.assert_allclose(found, [10 / 6.8, 0.5, -1.0, math.inf])


@quick
@given(gaps, st.floats(0.5, 40.0), st.floats(0.5, 9.0))
def test_proportion_tells_who_can_stop(distance, speed, braking):
    """Second way: braking from here at constant deceleration, in small steps of time."""
    proportion = float(crossing.proportion_of_stopping_distance(distance, speed, braking))
    assume(abs(proportion - 1) > 0.01)
    time = np.linspace(0.0, speed / braking, 2001)
    assert (proportion > 1) == bool((speed * time - braking * time**2 / 2).max() < distance)


def test_time_to_reach_by_hand():
    """20 m at 8 m/s are 2.5 s; never for who stands before it; 0 at the place and past it."""
    found = crossing.time_to_reach([20.0, 20.0, 0.0, 0.0, -1.0, -1.0], [8.0, 0.0, 8.0, 0.0, 8.0, 0.0])
    np.testing.assert_array_equal(found, [2.5, math.inf, 0.0, 0.0, 0.0, 0.0])


def test_post_encroachment_time_by_hand():
    """1 m deep in samples 2 and 3, 1 m outside in 4, so out at 3.5; the other is in from 6.5 on: 3 samples of 0.1 s."""
    first, second = np.full(10, -1.0), np.full(10, -1.0)
    first[2:4], second[7:9] = 1.0, 1.0
    assert crossing.post_encroachment_time(first, second, 10.0) == pytest.approx(0.3)
    second[7] = 3.0  # from 1 m outside to 3 m inside: in at 6.25
    assert crossing.post_encroachment_time(first, second, 10.0) == pytest.approx(0.275)
    second[4] = 1.0  # enters as the first leaves
    assert crossing.post_encroachment_time(first, second, 10.0) == 0.0
    second[3] = 1.0
    assert crossing.post_encroachment_time(first, second, 10.0) == 0.0
    assert crossing.post_encroachment_time(first, np.full(10, -1.0), 10.0) == math.inf


def test_time_since_inside_by_hand():
    """Out at 3.5, the last sample is 9: 5.5 samples; who is inside at the end has just been there."""
    depth = np.full(10, -1.0)
    assert crossing.time_since_inside(depth, 10.0) == math.inf
    depth[2:4] = 1.0
    assert crossing.time_since_inside(depth, 10.0) == pytest.approx(0.55)
    depth[9] = 0.0
    assert crossing.time_since_inside(depth, 10.0) == 0.0


@quick
@given(st.integers(1, 40).flatmap(lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 2)))
def test_post_encroachment_time_agrees_with_a_walk_through_the_samples(pair):
    """Second way: a clock since each was last inside; neither their order nor time's direction matters.

    As deep inside as outside, an edge is halfway between two samples.
    """
    expected, left = math.inf, {0: None, 1: None}
    for sample, inside in enumerate(zip(*pair, strict=True)):
        for who in (0, 1):
            if inside[who] and left[1 - who] is not None:
                expected = min(expected, sample - left[1 - who])
        if all(inside):
            expected = 0
        for who in (0, 1):
            if inside[who]:
                left[who] = sample + 1  # out half a sample later, and the other in half a sample before
    first, second = (np.where(mask, 0.3, -0.3) for mask in pair)
    assert crossing.post_encroachment_time(first, second, 1.0) == expected
    assert crossing.post_encroachment_time(second, first, 1.0) == expected
    assert crossing.post_encroachment_time(first[::-1], second[::-1], 1.0) == expected
