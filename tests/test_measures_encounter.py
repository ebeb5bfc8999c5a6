"""Who meets whom at a zebra crossing, and what films mark there, on traces made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from crossings import FRONT, RATE, SAMPLES, WAITS, WALKER, comes, scene, speed_in_parts, way

from testbed.episode import Trace
from testbed.measures.crosswalk import non_yield, violations
from testbed.measures.encounter import find_encounters


def test_encounter_by_hand():
    """Arrival: front at -88.4 + 33.6 = -54.8. Entry at y = -1.95 (13 samples on), exit at 6.05 (93 on)."""
    (met,) = find_encounters(WAITS)
    assert (met.body, met.side, met.arrival, met.entry, met.exit) == (WALKER, 1, 42, 143, 223)
    assert (met.distance, met.speed) == (pytest.approx(54.8), 12.0)
    assert (met.could_stop, met.yielded, met.passed) == (True, False, True)


def test_encounter_from_the_other_side_by_hand():
    """The same, mirrored in the middle of the road, y = 2."""
    (met,) = find_encounters(scene(4 - comes(42, starts=130)))
    assert (met.side, met.arrival, met.entry, met.exit) == (-1, 42, 143, 223)


def test_who_could_stop_by_hand():
    """12 + 144 / 6.8 = 33.18 m: 33.2 m at sample 69 is enough, 32.4 m at sample 70 is not."""
    for arrival, could in ((69, True), (70, False)):
        trace = scene(comes(arrival, starts=130))
        assert find_encounters(trace)[0].could_stop is could
        assert non_yield(trace) == float(could)


def _table(trace: Trace) -> list[tuple]:
    return [(v.measure, round(v.start * RATE, 6), round(v.end * RATE, 6), v.severe, v.body) for v in violations(trace)]


def test_passing_and_surging_are_marked():
    """Passing: from sample 111 until the rear, 5 m behind the front, is past x = 4: -93.4 + 0.8 k > 4 at 122."""
    trace = scene(comes(42), speed=speed_in_parts((0, 12.0), (50, 9.0), (60, 11.1), (80, 9.0)))
    assert _table(trace) == [("surge", 60, 80, False, WALKER), ("non_yield", 111, 122, True, WALKER)]
    texts = [seen.text for seen in violations(trace)]
    assert texts == ["speeds up 2.1 m/s at a pedestrian", "passes a waiting pedestrian at 9.0 m/s"]
    # With another one who is let go, passing is minor; who could not be stopped for is not marked.
    found = _table(scene(comes(42), comes(42, starts=97), comes(100), front=FRONT))
    assert [row for row in found if row[0] == "non_yield"] == [("non_yield", 111, 122, False, WALKER)]


def test_retreat_and_clearance_are_marked():
    """0.3 m a sample back from y = 0.5: past 0.5 m at the second, held for 15 samples after the last (105)."""
    trace = scene(way((42, -3.75), (100, 0.5), (105, -1.0)))
    assert ("retreat", 102, 121, True, WALKER) in _table(trace)
    assert "pedestrian retreats 1.5 m" in [seen.text for seen in violations(trace)]
    # Above y = 5 by 1.3 to 0.3 m (less the radius of 0.3): within 1 m where it is beside the ego, x = -0.3 to 5.3.
    close = scene(np.full(SAMPLES, 5.7))
    marks = [seen for seen in violations(close) if seen.measure == "clearance"]
    assert [(seen.text, seen.severe, seen.body) for seen in marks] == [("clearance 0.4 m", True, WALKER)]
    assert [seen.severe for seen in violations(scene(np.full(SAMPLES, 6.2))) if seen.measure == "clearance"] == [False]
