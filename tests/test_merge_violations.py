"""Violations at the merge, their caps, and that measures see the trace alone."""

from __future__ import annotations

import inspect
import typing

import pytest
from merging import EGO, FOLLOWER, RATE, accelerating, drawn_merge, severity_of

from testbed.protocols.episode import Trace
from testbed.scenes.merge.measures import MEASURES, violations


def test_caps():
    """A follower that opens has no TTC (10 s) and no DRAC; one that overlaps while closing has 0 s and 20 m/s2."""
    speed = drawn_merge()["speed"].copy()
    speed[:, FOLLOWER] = 18.0
    opening = drawn_merge(speed=speed)
    assert [severity_of(name, opening) for name in ("min_ttc", "drac", "cut_in_margin")] == [10.0, 0.0, 10.0]
    position = drawn_merge()["position"].copy()
    position[120, FOLLOWER, 0] = position[120, EGO, 0] - 4.9
    overlapping = drawn_merge(position=position)
    assert [severity_of(name, overlapping) for name in ("min_ttc", "drac")] == [0.0, 20.0]


def test_violations_by_hand():
    """Stretches, their times and flags: 2.5 over what was before is minor, 5 severe, contact severe, in order."""
    parts = [(slice(35, 50), -1.0), (slice(60, 70), -2.9), (slice(100, 105), -3.5), (slice(110, 112), -6.0)]
    parts += [(140, -9.0)]
    contact = drawn_merge()["contact"].copy()
    contact[90:93, EGO] = True
    found = violations(drawn_merge(acceleration=accelerating(*parts), contact=contact))
    table = [(v.measure, round(v.start * RATE, 6), round(v.end * RATE, 6), v.severe) for v in found]
    assert table == [
        ("collision", 90, 93, True),
        ("imposed_deceleration", 100, 105, False),
        ("imposed_deceleration", 110, 112, True),
    ]
    assert found[1].text == "follower brakes 2.5 m/s²" and found[0].text == "contact"
    assert [v.body for v in found] == [EGO, FOLLOWER, FOLLOWER]


def test_drac_violation_by_hand():
    """16 / (2 gap) >= 3.4 means a gap of at most 2.353 m, >= 5 at most 1.6 m."""
    for gap, severe in ((2.3, False), (2.4, None), (1.7, False), (1.5, True)):
        position = drawn_merge()["position"].copy()
        position[120:123, FOLLOWER, 0] = position[120:123, EGO, 0] - 5 - gap
        found = [(v.start, v.end, v.severe) for v in violations(drawn_merge(position=position)) if v.measure == "drac"]
        assert found == ([] if severe is None else [(8.0, pytest.approx(8.2), severe)])


def test_measures_see_nothing_but_a_trace():
    """A severity cannot depend on a label: every measure takes one argument, a trace, which has none."""
    for name, measure in MEASURES.items():
        assert name == measure.name and measure.worse in ("higher", "lower")
        (parameter,) = inspect.signature(measure.compute).parameters
        assert typing.get_type_hints(measure.compute)[parameter] is Trace
    assert set(inspect.signature(Trace).parameters) == {"rate", "signals", "constants"}
