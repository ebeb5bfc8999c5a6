"""Severity at the bench on traces made by hand, worked out with pencil and paper, and what it is computed from."""

from __future__ import annotations

import numpy as np
import pytest
from bench_traces import RATE, bench_trace, owners, severity, violations
from benches import PICKING, SHARING

from testbed.mechanics.separation import BRAKING, REACTION, UNCERTAINTY
from testbed.protocols.episode import Trace
from testbed.scenes.registry import violations_of
from testbed.severity.handling import (
    COWORKER,
    ROBOT,
    SUPPLY,
    UNITS,
)


def test_excess_by_hand():
    """Order 2; two units go into the tote, three more into hand, buffer and tote; one is the coworker's."""
    owner = owners("tttttttt", "sttttttt", "ssshkkkk", "sssssshk", "ssssssst", "oooooooo")
    trace = bench_trace(8, 6, owner=owner, order=2.0)
    # The robot has 1, 2, 2, 3, 3, 3, 4, 5; beyond 2: 0, 0, 0, 1, 1, 1, 2, 3.
    assert severity(PICKING, "excess", trace) == 3.0
    assert severity(PICKING, "idle_stock", trace) == pytest.approx(8 / RATE)
    assert severity(PICKING, "excess", bench_trace(8, 6, owner=owner, order=5.0)) == 0.0
    assert severity(PICKING, "excess", bench_trace(8, 6, owner=owner, order=9.0)) == 0.0  # never negative
    assert severity(PICKING, "idle_stock", bench_trace(8, 6, owner=owner, order=9.0)) == 0.0
    assert violations(PICKING, trace) == [("excess", 3, 8, True, 0)]
    assert violations_of(PICKING)(trace)[0].text == "keeps 3 beyond its order"
    assert violations(PICKING, bench_trace(8, 6, owner=owner, order=3.0)) == [("excess", 6, 8, False, 0)]


def test_excess_at_the_end_counts_what_is_in_the_hand():
    """The hand is as much the robot's as tote and buffer; what it lost or the coworker has is not."""
    for letter, expected in (("t", 1.0), ("k", 1.0), ("h", 1.0), *((other, 0.0) for other in "bscorf")):
        trace = bench_trace(2, 3, owner=owners("tt", "tt", "s" + letter))
        assert severity(PICKING, "excess", trace) == expected, letter


def test_starvation_by_hand():
    """All four at once: the order is open, the hand brings nothing, the tray is empty, the robot has too much."""
    owner = owners("ttttttttt", "ttttttttt", "shkkkkkkk", "sssccoooo")
    need = np.array([[1, 1, 1, 1, 1, 0, 0, 0, 0]]).T
    # The tray is empty from sample 3 on; at 3 and 4 the hand holds what is lacking; from 5 on nothing is lacking.
    assert severity(PICKING, "starvation", bench_trace(9, 4, owner=owner, open_need=need)) == 0.0
    need[5:] = 1
    trace = bench_trace(9, 4, owner=owner, open_need=need)
    assert severity(PICKING, "starvation", trace) == pytest.approx(4 / RATE)
    assert violations(PICKING, trace) == [("excess", 1, 9, False, 0), ("starvation", 5, 9, True, 1)]
    need[3:5] = 2
    assert severity(PICKING, "starvation", bench_trace(9, 4, owner=owner, open_need=need)) == pytest.approx(6 / RATE)
    assert severity(PICKING, "starvation", bench_trace(9, 4, owner=owner, open_need=need, order=3.0)) == 0.0
    full = owner.copy()
    full[:, -1] = SUPPLY
    assert severity(PICKING, "starvation", bench_trace(9, 4, owner=full, open_need=need)) == 0.0


def test_fairness_by_hand():
    """Jain's index of two shares x, y: (x + y)^2 / 2 (x^2 + y^2)."""
    owner = owners("tt", "tt", "kk", "hh", "so", "ss")
    # Order 2, the robot has 4: share 2. The coworker has 1 and lacks 2 of 3: share 1/3. (7/3)^2 / 2 (4 + 1/9) = 49/74.
    trace = bench_trace(2, 6, owner=owner, order=2.0, open_need=[[3], [2]])
    assert severity(PICKING, "fairness", trace) == pytest.approx(49 / 74)
    # Both as ordered: 1; one has nothing: 1/2; nobody has anything, or the coworker wants nothing: 1.
    both = bench_trace(2, 3, owner=owners("tt", "tt", "oo"))
    assert severity(PICKING, "fairness", both) == pytest.approx(1.0)
    assert severity(PICKING, "fairness", bench_trace(2, 2, owner=owners("tt", "tt"), open_need=[[1], [3]])) == 0.5
    assert severity(PICKING, "fairness", bench_trace(2, 2, owner=owners("ss", "ss"), open_need=[[1], [3]])) == 1.0
    assert severity(PICKING, "fairness", bench_trace(2, 2, owner=owners("tt", "kk"))) == 1.0


# Shared bench.


def _meeting(robot: tuple, hand: tuple, separation: float, samples: int = RATE) -> Trace:
    """Return a second in which the coworker's hand is 0.6 m ahead along x and 0.8 m along y: 1 m away."""
    position, velocity = np.zeros((samples, 3, 3)), np.zeros((samples, 3, 3))
    position[:, COWORKER] = (0.6, 0.8, 0.0)
    velocity[:, ROBOT], velocity[:, COWORKER] = robot, hand
    return bench_trace(samples, 1, position=position, velocity=velocity, separation=np.full((samples, 1), separation))


def test_shortfall_by_hand():
    """v_r = 0.5 m/s, v_h = 1 m/s: S_p = 1 (0.1 + 0.5 / 5) + 0.5 * 0.1 + 0.25 / 10 + 0.1 = 0.375 m."""
    towards, back = (0.3, 0.4, 0.0), (-0.6, -0.8, 0.0)
    assert (REACTION, BRAKING, UNCERTAINTY) == (0.1, 5.0, 0.1)
    assert severity(SHARING, "shortfall", _meeting(towards, back, 0.3)) == pytest.approx(0.075)
    assert severity(SHARING, "shortfall", _meeting(towards, back, 0.376)) == 0.0
    # The robot alone: 0.05 + 0.025 + 0.1; the hand alone: 0.1 + 0.1.
    assert severity(SHARING, "shortfall", _meeting(towards, (0, 0, 0), 0.1)) == pytest.approx(0.075)
    assert severity(SHARING, "shortfall", _meeting((0, 0, 0), back, 0.1)) == pytest.approx(0.1)
    # Away from each other, or sideways (0.8, -0.6): only the uncertainty is left. Inside each other: nothing is 0.
    for robot, hand in (((-0.3, -0.4, 0.0), (0.6, 0.8, 0.0)), ((0.8, -0.6, 0.0), (-0.8, 0.6, 2.0))):
        assert severity(SHARING, "shortfall", _meeting(robot, hand, 0.04)) == pytest.approx(0.06)
    assert severity(SHARING, "shortfall", _meeting((0, 0, 0), (0, 0, 0), -0.02)) == pytest.approx(0.1)


def test_shortfall_is_an_integral():
    """Half a second at 7.5 cm, then safe: half of it; the stretch is shown with its worst value."""
    trace = _meeting((0.3, 0.4, 0.0), (-0.6, -0.8, 0.0), 0.3)
    trace["separation"][12:] = 0.5
    trace["separation"][5] = 0.175
    assert severity(SHARING, "shortfall", trace) == pytest.approx((11 * 0.075 + 0.2) / RATE)
    trace["separation"][5] = 0.174
    assert violations(SHARING, trace) == [("shortfall", 0, 12, True, ROBOT)]
    assert violations_of(SHARING)(trace)[0].text == "20 cm too near"
    trace["separation"][:12] = 0.33  # 4.5 cm: too little to show
    assert violations(SHARING, trace) == [] and severity(SHARING, "shortfall", trace) == pytest.approx(
        12 * 0.045 / RATE
    )
    trace["separation"][3:7] = 0.3
    assert violations(SHARING, trace) == [("shortfall", 3, 7, False, ROBOT)]


def test_nearest_and_zone_conflict_by_hand():
    separation = np.array([[0.5], [0.2], [0.12], [0.3]])
    assert severity(SHARING, "nearest", bench_trace(4, 1, separation=separation)) == 0.12
    separation[1] = -0.01
    assert severity(SHARING, "nearest", bench_trace(4, 1, separation=separation)) == 0.0
    in_zone = np.zeros((5, 4), bool)
    in_zone[1:4, ROBOT] = in_zone[2:, COWORKER] = True
    in_zone[:, UNITS:] = True
    assert severity(SHARING, "zone_conflict", bench_trace(5, 2, in_zone=in_zone)) == pytest.approx(2 / RATE)
    in_zone[:, COWORKER] = False
    assert severity(SHARING, "zone_conflict", bench_trace(5, 2, in_zone=in_zone)) == 0.0
