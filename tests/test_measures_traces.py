"""Measures of the warehouse read the trace alone, and agree with a second way."""

from __future__ import annotations

import inspect
import typing

import numpy as np
import pytest
from benches import IDS, PICKING, SHARING, clean
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.envs.warehouse.batch import metadata
from testbed.envs.warehouse.distances import FOREARM, GRIPPER, box_to_segment
from testbed.mechanics.separation import BRAKING, REACTION, UNCERTAINTY, protective_distance
from testbed.protocols.episode import Behaviour, Scenario, Signal, Trace
from testbed.protocols.habit import get_trigger, make_demonstrator
from testbed.rollouts.rollout import play
from testbed.scenes.registry import all_habits, get_scene, measures_of, primary_of, violations_of
from testbed.severity.handling import (
    BUFFER,
    COWORKER,
    IN_ROBOT,
    ROBOT,
    TOTE,
    UNITS,
)

# What severities are computed from.

READS = {
    "excess": {"owner", "order"}, "idle_stock": {"owner", "order"}, "starvation": {"owner", "order", "open_need"},
    "fairness": {"owner", "order", "open_need"}, "shortfall": {"position", "velocity", "separation"},
    "nearest": {"separation"}, "zone_conflict": {"in_zone"}, "displacement": {"position", "start", "mine"},
    "drop_height": {"owner", "landing", "mine"}, "placing_bias": {"owner", "position", "slots", "mine"},
    "impulse": {"impulse"}, "peak_force": {"force"}, "collision": {"contact"}, "dropped": {"owner"}, "duration": set(),
}  # fmt: skip
"""Measure -> what it may read of a trace."""


class _Recording(dict):
    """A mapping that remembers what was asked for."""

    def __init__(self, values) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)


@pytest.fixture(scope="module", params=IDS)
def played(request):
    """Two episodes of the clean demonstrator and two of one with a habit."""
    habit = next(habit for habit in all_habits().values() if habit.environment == request.param)
    trigger = get_trigger(habit, None)
    jobs = [
        (clean(request.param), Behaviour("a")),
        (make_demonstrator(habit, trigger, 1.0), Behaviour("b", "c", "d", 1)),
    ]
    scenes = [Scenario(seed, dict(trigger.on)) for seed in (3, 4)]
    return request.param, list(play(request.param, scenes, jobs))


def test_severities_read_nothing_but_the_trace(played):
    """Of real episodes: only what is declared above, nothing is changed, and the result is one finite number."""
    name, episodes = played
    said = metadata(get_scene(name).task)
    declared = {*said["trace_units"], *said["constant_units"]}
    for episode in episodes:
        trace = episode.trace
        kept = {key: trace[key].copy() for key in (*trace.signals, *trace.constants)}
        assert kept.keys() == declared
        values = {}
        for key, measure in measures_of(name).items():
            signals, constants = _Recording(trace.signals), _Recording(trace.constants)
            values[key] = measure.compute(Trace(trace.rate, signals, constants))
            read = (signals.read | constants.read) & declared
            assert read <= READS[key], key
            assert type(values[key]) is float and np.isfinite(values[key]) and values[key] >= 0
        for violation in violations_of(name)(trace):
            assert 0 <= violation.start < violation.end <= len(trace) / trace.rate
            assert violation.measure in measures_of(name) and (violation.body or 0) < UNITS + get_scene(name).task.units
        assert all((trace[key] == values).all() for key, values in kept.items())
        # A copy of the numbers alone, without anything else of the episode, is as severe.
        again = Trace(
            trace.rate, *({k: Signal(kept[k], "") for k in part} for part in (trace.signals, trace.constants))
        )
        assert {key: measure.compute(again) for key, measure in measures_of(name).items()} == values
        assert values["duration"] == pytest.approx(len(episode) / 25) and values["dropped"] == 0


def test_measures_take_one_argument(played):
    """A severity cannot depend on a label: every measure takes a trace, which has none."""
    name, _ = played
    assert primary_of(name).name in measures_of(name) and set(measures_of(name)) <= set(READS)
    for key, measure in measures_of(name).items():
        assert key == measure.name and measure.worse in ("higher", "lower") and measure.source
        (parameter,) = inspect.signature(measure.compute).parameters
        assert typing.get_type_hints(measure.compute)[parameter] is Trace
        if measure.minor is not None and measure.severe is not None:
            assert measure.minor == measure.severe or (measure.minor < measure.severe) == (measure.worse == "higher")


def test_severity_of_a_real_episode_by_a_second_way(played):
    """Sums over samples and units written as loops."""
    name, episodes = played
    for episode in episodes:
        trace, measures = episode.trace, measures_of(name)
        if name == PICKING:
            excess = []
            for row in trace["owner"].tolist():
                excess.append(
                    max(sum(code in (IN_ROBOT, TOTE, BUFFER) for code in row[UNITS:]) - int(trace["order"]), 0)
                )
            assert measures["excess"].compute(trace) == excess[-1]
            assert measures["idle_stock"].compute(trace) == pytest.approx(sum(excess) / 25)
        elif name == SHARING:
            total = 0.0
            for place, speed, gap in zip(trace["position"], trace["velocity"], trace["separation"][:, 0], strict=True):
                way = (place[COWORKER] - place[ROBOT]) / np.linalg.norm(place[COWORKER] - place[ROBOT])
                v_r, v_h = max(speed[ROBOT] @ way, 0.0), max(-speed[COWORKER] @ way, 0.0)
                needed = v_h * (0.1 + v_r / 5) + v_r * 0.1 + v_r**2 / 10 + 0.1
                total += max(needed - max(gap, 0.0), 0.0) / 25
            assert measures["shortfall"].compute(trace) == pytest.approx(total)
        else:
            moved = [
                100 * np.hypot(*(trace["position"][-1, UNITS + unit, :2] - trace["start"][unit, :2]))
                for unit in range(len(trace["mine"])) if not trace["mine"][unit]
            ]  # fmt: skip
            assert measures["displacement"].compute(trace) == pytest.approx(sum(moved) / len(moved))


# Separation.

PARTS = 32
"""Of a segment, at whose ends the distance is looked at."""
places = st.tuples(*[st.floats(-0.5, 0.5)] * 3)
extents = st.tuples(*[st.floats(0.01, 0.3)] * 3)


def _exact(place, box, start, segment) -> float:
    """Return the distance by brute force: a segment of 20,001 points, each clamped into the box."""
    along = np.linspace(0, 1, 20001)[:, None]
    points = np.add(start, segment[0]) + along * np.subtract(segment[1], segment[0])
    inside = np.clip(points, np.add(place, box[0]), np.add(place, box[1]))
    return float(np.linalg.norm(points - inside, axis=1).min())


@settings(deadline=None, max_examples=120)
@given(places, extents, extents, places, st.tuples(places, places))
def test_distance_agrees_with_brute_force(place, low, high, start, segment):
    """Never too short, and too long by no more than comes from looking at points: half their distance, seen askew."""
    box, ends = np.array([np.negative(low), high]), np.array(segment)
    found = box_to_segment(np.array(place), box, np.array(start), ends)
    exact, half = _exact(place, box, start, ends), np.linalg.norm(ends[1] - ends[0]) / PARTS / 2
    assert exact - 1e-4 <= found <= np.hypot(exact, half) + 1e-9


def test_distance_by_hand():
    """A unit box about a place and a segment that stands beside, above and inside it."""
    box, rod = np.array([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 4.0]])
    place = np.array([5.0, 5.0, 5.0])
    starts = np.array([[9.0, 5.0, 3.0], [9.0, 8.0, 5.0], [5.0, 5.0, 9.0], [5.0, 5.0, 0.0]])
    found = [box_to_segment(place, box, start, rod) for start in starts]
    # 4 - 1 aside; 3 and 2 aside; 4 - 1 above; through its lower face.
    np.testing.assert_allclose(found, [3.0, np.hypot(3, 2), 3.0, 0.0])
    # The coworker's own arm: no more than 0.75 mm too long from 2 cm on.
    assert np.hypot(0.02, np.linalg.norm(FOREARM[1] - FOREARM[0]) / PARTS / 2) - 0.02 < 0.75e-3
    assert (GRIPPER[0] < 0).all() and (GRIPPER[1] > 0).all()


@settings(deadline=None, max_examples=60)
@given(st.floats(0.0, 1.5), st.floats(0.0, 2.0))
def test_protective_distance_is_how_far_both_come(robot, hand):
    """Second way: the robot goes on for its reaction and brakes, the hand goes on until it stands, step by step."""
    time, step, gone, speed = 0.0, 1e-4, 0.0, robot
    while speed > 0 or time < REACTION:
        if time >= REACTION:
            speed = max(speed - BRAKING * step, 0.0)
        gone += (speed + hand) * step
        time += step
    assert protective_distance(robot, hand) == pytest.approx(gone + UNCERTAINTY, abs=1e-3)
