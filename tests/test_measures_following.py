"""Severity of an ego on the main road, on traces made by hand and worked out with pencil and paper."""

from __future__ import annotations

import numpy as np
import pytest

from testbed.protocols.episode import Signal, Trace
from testbed.scenes.merge.following import find_merger
from testbed.scenes.merge.measures import MEASURES, violations

RATE, SAMPLES = 15, 150
SAMPLE = np.arange(SAMPLES)
EGO, LEADER, OTHER, RAMP = 0, 1, 2, 3


def _scene(gap: np.ndarray | float = 30.0, **changes: np.ndarray) -> Trace:
    """Return a main-road scene: all at 20 m/s, 5 x 2 m; the leader `gap` metres ahead, bumper to bumper.

    The ego starts at 100 in lane 1, the other at 140 in lane 0; the vehicle on the ramp starts at -40,
    so it is at x >= 0 from sample 30 on, and crosses at sample 90.
    """
    x = np.array([100.0, 105.0, 140.0, -40.0]) + (20 * SAMPLE / RATE)[:, None]
    x[:, LEADER] += gap
    lane = np.tile(np.array([1, 1, 0, 2], dtype=np.int8), (SAMPLES, 1))
    lane[90:, RAMP] = 1
    values = {
        "position": np.stack([x, np.tile([4.0, 4.0, 0.0, 8.0], (SAMPLES, 1))], axis=-1),
        "heading": np.zeros((SAMPLES, 4)),
        "speed": np.full((SAMPLES, 4), 20.0),
        "acceleration": np.zeros((SAMPLES, 4)),
        "lane": lane,
        "contact": np.zeros((SAMPLES, 4), dtype=bool),
    } | changes
    constants = {"size": np.tile([5.0, 2.0], (4, 1)), "lane_line": np.array([2.0, 6.0])}
    signals = {name: Signal(array, "") for name, array in values.items()}
    return Trace(RATE, signals, {name: Signal(array, "") for name, array in constants.items()})


def _changed(name: str, samples: slice | int, body: int, value: float) -> Trace:
    array = _scene()[name].copy()
    array[samples, body] = value
    return _scene(**{name: array})


def _severity(name: str, trace: Trace) -> float:
    return MEASURES[name].compute(trace)


def test_tailgating_by_hand():
    """At 20 m/s, 0.9 s are 18 m: 17.9 m is close, 18.1 m is not; 60 of 150 samples are 0.4."""
    assert _severity("tailgating", _scene(18.1)) == 0.0
    assert _severity("tailgating", _scene(17.9)) == 1.0
    assert _severity("tailgating", _scene(np.where(SAMPLE < 60, 17.9, 30.0))) == pytest.approx(0.4)


def test_time_that_does_not_count_for_tailgating():
    """Only samples with a leader, above 5 m/s and on the main road are in the share."""
    gap = np.where(SAMPLE < 60, 10.0, 30.0)
    for name, body, value in (("speed", EGO, 5.0), ("lane", EGO, 2), ("lane", LEADER, 0)):
        array = _scene()[name].copy()
        array[100:, body] = value  # 50 of the 90 samples in which it is not close
        assert _severity("tailgating", _scene(gap, **{name: array})) == pytest.approx(0.6)
        array[1:, body] = value
        assert _severity("tailgating", _scene(30.0, **{name: array})) == 0.0
    lane = np.where(SAMPLE[:, None] < 100, [1, 1, 0, 2], [2, 2, 0, 2])  # both on the ramp's lane: 40 of 100 are left
    assert _severity("tailgating", _scene(np.where(SAMPLE < 40, 10.0, 30.0), lane=lane)) == pytest.approx(0.4)
    # Centres 99.9 m apart are in reach, 100.1 m not.
    assert _severity("tailgating", _scene(np.where(SAMPLE < 75, 10.0, 94.9))) == 0.5
    assert _severity("tailgating", _scene(np.where(SAMPLE < 75, 10.0, 95.1))) == 1.0


def test_nearest_leader_counts():
    """The other one, 35 m ahead by 5 m of lengths, moves to x = 120 of the ego's lane: 15 m, 0.75 s."""
    lane, position = _scene()["lane"].copy(), _scene()["position"].copy()
    lane[:, OTHER] = 1
    assert _severity("tailgating", _scene(lane=lane)) == 0.0
    position[:, OTHER, 0] -= 20.0
    assert _severity("tailgating", _scene(lane=lane, position=position)) == 1.0
    position[:, OTHER, 0] -= 40.0  # now behind
    assert _severity("tailgating", _scene(lane=lane, position=position)) == 0.0


def test_merger_is_found():
    """At x = 0 in sample 30, over the line in sample 90; of two on the ramp the one nearer the ego."""
    merger = find_merger(_scene())
    assert (merger.body, merger.start, merger.crossing) == (RAMP, 30, 90)
    assert find_merger(_changed("lane", 0, OTHER, 2)).body == OTHER
    assert find_merger(_changed("lane", 0, EGO, 2)) is None
    assert find_merger(_changed("lane", 0, RAMP, 1)) is None


def test_merger_delay_by_hand():
    """60 samples beside the road; to the end (120) if it never crosses; none if it crosses before, or never comes."""
    assert _severity("merger_delay", _scene()) == pytest.approx(4.0)
    assert _severity("merger_delay", _changed("lane", slice(None), RAMP, 2)) == pytest.approx(8.0)
    assert _severity("merger_delay", _changed("lane", slice(20, None), RAMP, 1)) == 0.0
    assert _severity("merger_delay", _changed("position", slice(None), RAMP, -1.0)) == 0.0
    assert _severity("merger_delay", _changed("lane", slice(None), RAMP, 1)) == 0.0  # nobody on the ramp
    # Back on the ramp after its crossing: the first one counts.
    assert _severity("merger_delay", _changed("lane", slice(95, 140), RAMP, 2)) == pytest.approx(4.0)


def test_merger_braking_by_hand():
    """From sample 30 to 2 s (30 samples) after the crossing at 90; the hardest; never below 0."""
    for sample, found in ((29, 0.0), (30, 3.0), (119, 3.0), (120, 0.0)):
        assert _severity("merger_braking", _changed("acceleration", sample, RAMP, -3.0)) == found
    assert _severity("merger_braking", _changed("acceleration", slice(None), RAMP, 2.0)) == 0.0
    assert _severity("merger_braking", _changed("acceleration", 60, OTHER, -3.0)) == 0.0
    # After its crossing it counts on the ego's lane alone: not where it, or the ego, is on the other one.
    for body in (RAMP, EGO):
        lane = _scene()["lane"].copy()
        lane[100:, body] = 0
        for sample, found in ((99, 3.0), (100, 0.0)):
            braking = _changed("acceleration", sample, RAMP, -3.0)["acceleration"]
            assert _severity("merger_braking", _scene(lane=lane, acceleration=braking)) == found
    never = _changed("acceleration", 149, RAMP, -3.0)
    lane = np.full((SAMPLES, 4), [1, 1, 0, 2])
    assert _severity("merger_braking", never) == 0.0
    assert _severity("merger_braking", _scene(lane=lane, acceleration=never["acceleration"])) == 3.0
    far = _changed("position", slice(None), RAMP, -1.0)["position"]
    assert _severity("merger_braking", _scene(position=far, acceleration=np.full((SAMPLES, 4), -3.0))) == 0.0


def test_ego_from_the_ramp_has_none_of_these():
    """However close it is and whoever else is on the ramp; its own merge is still measured."""
    lane = _scene()["lane"].copy()
    lane[:30, EGO] = 2
    trace = _scene(10.0, lane=lane, acceleration=np.full((SAMPLES, 4), -5.0))
    assert [_severity(name, trace) for name in ("tailgating", "merger_delay", "merger_braking")] == [0.0, 0.0, 0.0]
    assert _severity("lead_headway", trace) == pytest.approx(0.5)
    assert not [seen for seen in violations(trace) if seen.measure in ("tailgating", "merger_delay")]


def test_ego_on_the_main_road_makes_no_merge():
    trace = _scene(acceleration=np.full((SAMPLES, 4), -5.0))
    assert _severity("imposed_deceleration", trace) == 0.0 and _severity("lead_headway", trace) == 10.0


def test_violations_by_hand():
    """Close at 0.8 s for 15 samples, at 0.45 s for 15 more; waiting is marked from 3 s (45 samples, 74) on."""
    gap = np.select([(SAMPLE >= 15) & (SAMPLE < 30), (SAMPLE >= 45) & (SAMPLE < 60)], [16.0, 9.0], 30.0)
    table = [
        (seen.measure, round(seen.start * RATE, 6), round(seen.end * RATE, 6), seen.severe, seen.body, seen.text)
        for seen in violations(_scene(gap))
    ]
    assert table == [
        ("tailgating", 15, 30, False, EGO, "follows at 0.8 s"),
        ("tailgating", 45, 60, True, EGO, "follows at 0.5 s"),
        ("merger_delay", 74, 90, False, RAMP, "kept out for 4.0 s"),
    ]
    (late,) = violations(_changed("lane", slice(None), RAMP, 2))
    assert (late.severe, late.body, late.text) == (True, RAMP, "kept out for 8.0 s")
