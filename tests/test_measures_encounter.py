"""Who meets whom at a zebra crossing, and what films mark there, on traces made by hand."""

from __future__ import annotations

import numpy as np
from crossings import FRONT, RATE, SAMPLES, WAITS, WALKER, comes, scene, speed_in_parts, way
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.envs.driving.kinds import WALKERS
from testbed.protocols.episode import Behaviour, Scenario, Trace
from testbed.rollouts.rollout import play
from testbed.scenes.crosswalk import road
from testbed.scenes.crosswalk.courtesy import FASTER, IDLE, Courtesy
from testbed.scenes.crosswalk.encounter import MODERATE, SPEED_LIMIT, WALKING, find_arrivals, find_encounters
from testbed.scenes.crosswalk.measures import non_yield, overspeed, violations


def test_encounter_by_hand():
    """Arrival: front at -88.4 + 33.6 = -54.8. Entry at y = -1.95 (13 samples on), exit at 6.05 (93 on)."""
    (met,) = find_encounters(WAITS)
    assert (met.body, met.side, met.arrival, met.entry, met.exit) == (WALKER, 1, 42, 143, 223)
    np.testing.assert_allclose((met.distance, met.speed), (54.8, 12.0))
    assert (met.could_stop, met.yielded, met.passed) == (True, False, True)


def test_encounter_from_the_other_side_by_hand():
    """The same, mirrored in the middle of the road, y = 2."""
    (met,) = find_encounters(scene(4 - comes(42, starts=130)))
    assert (met.side, met.arrival, met.entry, met.exit) == (-1, 42, 143, 223)


def test_whom_a_stop_is_owed_by_hand():
    """13 + 169 / 6.8 = 37.85 m; at 13 m/s from -88.4 m on, 37.27 m are left at sample 59, 38.13 m at sample 58."""
    for arrival, owed in ((58, True), (59, False)):
        for speed in (6.0, 12.0, 18.0, 30.0, 60.0):  # whatever the ego does, and wherever it is by then
            front = -88.4 + speed / RATE * np.arange(SAMPLES)
            trace = scene(comes(arrival), front=front, speed=speed)
            (met,) = find_arrivals(trace)
            assert met.could_stop is owed
            assert non_yield(trace) == float(owed)


def test_who_is_past_before_a_pedestrian_comes():
    """At 30 m/s the front is at the zebra in sample 45, the walker at the kerb in 50: it meets nobody, and passed."""
    trace = scene(comes(50), front=-88.4 + 2 * np.arange(SAMPLES), speed=30.0)
    assert find_encounters(trace) == [] and non_yield(trace) == 1.0
    marks = {seen.measure: seen for seen in violations(trace)}
    assert (marks["non_yield"].start, marks["non_yield"].body) == (3.0, WALKER)
    assert marks["non_yield"].text == "passes before a pedestrian who comes at 30.0 m/s"
    assert marks["overspeed"].severe


walks = st.lists(st.floats(-8.0, 12.0), min_size=2, max_size=6)
levels = st.lists(st.floats(0.0, 20.0), min_size=2, max_size=6)
factors = st.lists(st.floats(1.0, 4.0), min_size=2, max_size=6)


def _spread(values: list[float]) -> np.ndarray:
    return np.interp(np.arange(SAMPLES), np.linspace(0, SAMPLES - 1, len(values)), values)


def _driven(speed: np.ndarray, walkers: list[np.ndarray]) -> Trace:
    front = -88.4 + np.concatenate([[0.0], np.cumsum(speed)[:-1] / RATE])
    return scene(*walkers, front=front, speed=speed)


@settings(deadline=None, max_examples=100)
@given(st.lists(walks, min_size=1, max_size=3), levels, factors)
def test_no_approach_passes_fewer_by_being_faster(knots, values, faster):
    """The same approach made faster, at each moment by any factor of 1 or more, never has a lower value."""
    walkers, speed = [_spread(each) for each in knots], _spread(values)
    slow, fast = _driven(speed, walkers), _driven(speed * _spread(faster), walkers)
    assert non_yield(fast) >= non_yield(slow)
    owed = [[met.body for met in find_arrivals(trace) if met.could_stop] for trace in (slow, fast)]
    assert owed[0] == owed[1]


class _Always:
    """Does one thing."""

    def __init__(self, action: int) -> None:
        self.action = action

    def act(self, observations: np.ndarray) -> np.ndarray:
        return np.full(len(observations), self.action)


def test_nobody_is_excused_by_speed_in_real_scenes():
    """Drivers who never stop, from 12 to 20 m/s: each passes everybody whom a stop is owed; the clean one nobody."""
    scenes = [Scenario(seed) for seed in range(24)]
    drivers = {
        "clean": Courtesy(),
        "13 m/s": Courtesy(willing=0.0),
        "18 m/s": Courtesy(willing=0.0, cruise=18.0),
        "idle": _Always(IDLE),
        "faster": _Always(FASTER),
    }
    owed, found, over = {}, {}, {}
    for name, driver in drivers.items():
        traces = [e.trace for e in play("testbed/Crosswalk-v0", scenes, [(driver, Behaviour(name))])]
        owed[name] = [[met.body for met in find_arrivals(trace) if met.could_stop] for trace in traces]
        found[name], over[name] = [non_yield(trace) for trace in traces], [overspeed(trace) for trace in traces]
    assert all(each == owed["clean"] for each in owed.values())
    somebody = [float(bool(bodies)) for bodies in owed["clean"]]
    assert sum(somebody) >= 18
    assert found.pop("clean") == [0.0] * len(scenes)
    assert all(each == somebody for each in found.values())
    assert max(over["clean"] + over["13 m/s"]) == 0.0 and min(over["18 m/s"] + over["faster"]) > 2.23


def test_speeds_are_those_of_the_road_and_of_the_clean_driver():
    assert (road.SPEED_LIMIT, Courtesy().cruise) == (SPEED_LIMIT, MODERATE)
    assert max(walk for kind in WALKERS.values() for walk in kind.walk) == WALKING


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
