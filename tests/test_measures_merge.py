"""Severity of driving on traces made by hand, worked out with pencil and paper."""

from __future__ import annotations

import inspect
import typing

import numpy as np
import pytest

from testbed.protocols.episode import Signal, Trace
from testbed.scenes.merge.measures import MEASURES, find_merge, violations

RATE, SAMPLES = 15, 150
EGO, LEADER, FOLLOWER = 0, 1, 2


def _scene(**changes: np.ndarray) -> Trace:
    """Return a merge: the line is crossed by a corner at sample 50 (3.33 s), by the centre at sample 60 (4 s).

    All vehicles are 5 x 2 m. At t seconds the ego is at 20 t, its leader at 22 + 22 t, its follower at
    -45 + 24 t [m]; the ego's centre is at y = 8, then 6.5 (corner at 5.5 < 6), then 4.
    """
    time, sample = np.arange(SAMPLES) / RATE, np.arange(SAMPLES)
    x = np.stack([20 * time, 22 + 22 * time, -45 + 24 * time], axis=1)
    y = np.full((SAMPLES, 3), 4.0)
    y[:, EGO] = np.select([sample < 50, sample < 60], [8.0, 6.5], 4.0)
    lane = np.ones((SAMPLES, 3), dtype=np.int8)
    lane[:60, EGO] = 2
    values = {
        "position": np.stack([x, y], axis=-1),
        "heading": np.zeros((SAMPLES, 3)),
        "speed": np.tile([20.0, 22.0, 24.0], (SAMPLES, 1)),
        "acceleration": np.zeros((SAMPLES, 3)),
        "lane": lane,
        "contact": np.zeros((SAMPLES, 3), dtype=bool),
    } | changes
    size = changes.get("size", np.tile([5.0, 2.0], (3, 1)))
    signals = {name: Signal(array, "") for name, array in values.items() if name != "size"}
    return Trace(RATE, signals, {"size": Signal(size, "m"), "lane_line": Signal(np.array([2.0, 6.0]), "m")})


def _severity(name: str, trace: Trace) -> float:
    return MEASURES[name].compute(trace)


def _with(name: str, samples: slice | int, body: int, value: float) -> Trace:
    """Return the scene with one signal of one body changed over some samples."""
    array = _scene()[name].copy()
    array[samples, body] = value
    return _scene(**{name: array})


def _acceleration(*parts: tuple[slice | int, float], body: int = FOLLOWER) -> np.ndarray:
    array = np.zeros((SAMPLES, 3))
    for samples, value in parts:
        array[samples, body] = value
    return array


def test_merge_is_found():
    """Intrusion by the corner, crossing by the centre, window to 5 s (75 samples) after the crossing."""
    merge = find_merge(_scene())
    assert (merge.intrusion, merge.crossing, merge.end) == (50, 60, 135)
    assert (merge.lane, merge.follower) == (1, FOLLOWER)


def test_turned_ego_intrudes_earlier():
    """At y = 8 and 30 degrees, half length 2.5 and width 1: lowest corner 8 - 1.25 - 0.87 = 5.88 < 6."""
    heading = np.zeros((SAMPLES, 3))
    heading[40:50, EGO] = -np.pi / 6
    assert find_merge(_scene(heading=heading)).intrusion == 40
    heading[40:50, EGO] = -np.pi / 9  # 8 - 2.5 sin 20 - cos 20 = 6.21 > 6
    assert find_merge(_scene(heading=heading)).intrusion == 50


def test_conflict_measures_by_hand():
    """Gaps by hand; each vehicle's centre minus half of two lengths, 5 m."""
    trace = _scene()
    # Sample 50, t = 10/3 s: ego 66.667, follower 35, gap 26.667 m, closing 4 m/s: TTC 6.667 s.
    assert _severity("cut_in_margin", trace) == pytest.approx(20 / 3 - (4 / 12 + 0.35))
    # Sample 60, t = 4 s: ego 80, follower 51, gap 24 m at 24 m/s; leader 110, gap 25 m at 20 m/s.
    assert _severity("lag_headway", trace) == pytest.approx(1.0)
    assert _severity("lead_headway", trace) == pytest.approx(1.25)
    # Last sample of the window, 134: gap 45 - 5 - 4 * 134 / 15 = 4.2667 m; TTC 1.0667 s, DRAC 16 / 8.5333 m/s2.
    assert _severity("min_ttc", trace) == pytest.approx(64 / 60)
    assert _severity("drac", trace) == pytest.approx(1.875)
    assert _severity("collision", trace) == 0.0


def test_lengths_count():
    """A follower of 12 m has (12 + 5) / 2 = 8.5 m in the gap: at sample 60, 29 - 8.5 = 20.5 m."""
    trace = _scene(size=np.array([[5.0, 2.0], [5.0, 2.0], [12.0, 2.5]]))
    assert _severity("lag_headway", trace) == pytest.approx(20.5 / 24)
    assert _severity("lead_headway", trace) == pytest.approx(1.25)


def test_imposed_deceleration_by_hand():
    """5 in the window minus 1 in the second before; what lies outside of both does not count."""
    outside = [(slice(0, 35), -9.0), (slice(135, SAMPLES), -9.0)]
    parts = [*outside, (slice(35, 50), -1.0), (100, -5.0)]
    assert _severity("imposed_deceleration", _scene(acceleration=_acceleration(*parts))) == 4.0
    for first in (35, 49):  # both ends of the second before
        parts = [*outside, (first, -2.0), (134, -5.0)]
        assert _severity("imposed_deceleration", _scene(acceleration=_acceleration(*parts))) == 3.0
    for sample in (50, 134):  # both ends of the window
        assert _severity("imposed_deceleration", _scene(acceleration=_acceleration((sample, -4.5)))) == 4.5


def test_imposed_deceleration_is_never_negative():
    """Braking less than before, or speeding up, imposes nothing; nor does the braking of another vehicle."""
    parts = [(slice(35, 50), -3.0), (80, -1.0)]
    assert _severity("imposed_deceleration", _scene(acceleration=_acceleration(*parts))) == 0.0
    assert _severity("imposed_deceleration", _scene(acceleration=_acceleration((slice(None), 2.0)))) == 0.0
    assert _severity("imposed_deceleration", _scene(acceleration=_acceleration((80, -6.0), body=LEADER))) == 0.0
    # Speeding up before (negative braking) is not credited: 2 - 0.
    parts = [(slice(35, 50), 1.5), (80, -2.0)]
    assert _severity("imposed_deceleration", _scene(acceleration=_acceleration(*parts))) == 2.0


def test_jerk_by_hand():
    """v = 20 + 1.5 t^2 has a constant jerk of 3 m/s3, of the ego alone; constant acceleration has none."""
    time = np.arange(SAMPLES) / RATE
    speed = _scene()["speed"].copy()
    speed[:, EGO] = 20 - 1.5 * time**2
    speed[:, FOLLOWER] = 20 + 9 * time**2
    assert _severity("jerk", _scene(speed=speed)) == pytest.approx(3.0)
    speed[:, EGO] = 20 + 2 * time
    assert _severity("jerk", _scene(speed=speed)) == pytest.approx(0.0, abs=1e-9)


def test_jerk_agrees_with_a_fit_of_a_parabola():
    """Second way: least-squares parabolas over 15 samples, whose second derivative is twice the leading term."""
    rng = np.random.default_rng(0)
    speed = _scene()["speed"] + np.cumsum(rng.normal(0, 0.1, (SAMPLES, 3)), axis=0)
    time = (np.arange(15) - 7) / RATE
    fits = [2 * np.polyfit(time, speed[start : start + 15, EGO], 2)[0] for start in range(SAMPLES - 14)]
    assert _severity("jerk", _scene(speed=speed)) == pytest.approx(np.abs(fits).max())


def test_collision_is_contact_of_the_ego():
    """One sample is enough; others that touch each other do not count."""
    assert _severity("collision", _with("contact", 149, EGO, True)) == 1.0
    assert _severity("collision", _with("contact", slice(None), FOLLOWER, True)) == 0.0


NOTHING = {"imposed_deceleration": 0.0, "drac": 0.0, "cut_in_margin": 10.0, "lag_headway": 10.0, "min_ttc": 10.0}


def test_episode_without_merge():
    """An ego that stays on the ramp imposes nothing, however the others drive."""
    trace = _with("lane", slice(None), EGO, 2)
    hard = _scene(lane=trace["lane"], acceleration=_acceleration((80, -8.0)))
    assert find_merge(hard) is None
    for name, value in (NOTHING | {"lead_headway": 10.0}).items():
        assert _severity(name, hard) == value
    assert violations(hard) == []


@pytest.mark.parametrize("reason", ["other lane", "out of reach"])
def test_episode_without_follower(reason):
    """A vehicle behind in another lane or more than 100 m behind is no follower; the leader still counts."""
    lane, position = _scene()["lane"].copy(), _scene()["position"].copy()
    if reason == "other lane":
        lane[:, FOLLOWER] = 0
    else:
        position[:, FOLLOWER, 0] -= 71.1  # at sample 60, the crossing, then 29 + 71.1 = 100.1 m behind
    trace = _scene(lane=lane, position=position, acceleration=_acceleration((80, -8.0)))
    assert find_merge(trace).follower is None
    for name, value in (NOTHING | {"lead_headway": 1.25}).items():
        assert _severity(name, trace) == pytest.approx(value)


LEAVES = "lane", "front"


def _leaving(sample: int, how: str, back: int = SAMPLES) -> dict[str, np.ndarray]:
    """Return signals in which the follower leaves to the left lane from a sample on: by its centre, or its front."""
    lane, position, heading = _scene()["lane"].copy(), _scene()["position"].copy(), np.zeros((SAMPLES, 3))
    if how == "lane":
        lane[sample:back, FOLLOWER], position[sample:back, FOLLOWER, 1] = 0, 1.9
    else:  # its centre stays 0.4 m on this side of the line, its front is 2.5 sin 0.17 = 0.423 m further left
        position[sample:back, FOLLOWER, 1], heading[sample:back, FOLLOWER] = 2.4, -0.17
    return {"lane": lane, "position": position, "heading": heading}


@pytest.mark.parametrize("how", LEAVES)
def test_conflict_ends_when_the_follower_has_left(how):
    """At sample 100 it is on the new lane for the last time: gap 45 - 5 - 4 * 100 / 15 = 13.333 m, closing 4 m/s."""
    braking = _acceleration((100, -3.0), (101, -7.0))
    trace = _scene(**_leaving(101, how), acceleration=braking)
    assert _severity("min_ttc", trace) == pytest.approx(13.3333333 / 4)
    assert _severity("drac", trace) == pytest.approx(16 / 26.6666667)
    assert _severity("imposed_deceleration", trace) == 3.0
    assert [(seen.measure, seen.start * RATE) for seen in violations(trace)] == [("imposed_deceleration", 100.0)]
    # It slows down to a standstill behind nobody's back: whatever it does, and however near, counts no more.
    speed = _scene()["speed"].copy()
    speed[101:, EGO] = 0.0
    slowed = _scene(**_leaving(101, how), acceleration=braking, speed=speed)
    for name in ("min_ttc", "drac", "imposed_deceleration"):
        assert _severity(name, slowed) == _severity(name, trace)


def test_a_front_that_is_not_over_the_line_has_not_left():
    """0.4 m from the line, 2.5 sin 0.16 = 0.398 m: it follows to the end of the window, as in the scene unchanged."""
    signals = _leaving(101, "front")
    signals["heading"][101:, FOLLOWER] = -0.16
    assert _severity("drac", _scene(**signals)) == pytest.approx(1.875)


@pytest.mark.parametrize("how", LEAVES)
def test_conflict_goes_on_when_the_follower_comes_back(how):
    """Gone from 101 to 120 and back behind: as if it had stayed; back in front of the ego it follows no more."""
    assert _severity("drac", _scene(**_leaving(101, how, back=120))) == pytest.approx(1.875)
    signals = _leaving(101, how, back=120)
    signals["position"][101:, FOLLOWER, 0] = signals["position"][101:, EGO, 0] + 3.0
    passed = _scene(**signals, acceleration=_acceleration((125, -6.0)))
    assert _severity("min_ttc", passed) == pytest.approx(13.3333333 / 4)
    assert _severity("imposed_deceleration", passed) == 0.0


def test_conflict_ends_when_the_ego_has_left():
    """On to the left lane at sample 101: what the follower of the new lane does is not the ego's any more."""
    lane, position = _scene()["lane"].copy(), _scene()["position"].copy()
    lane[101:, EGO], position[101:, EGO, 1] = 0, 0.0
    trace = _scene(lane=lane, position=position, acceleration=_acceleration((101, -6.0)))
    assert _severity("min_ttc", trace) == pytest.approx(13.3333333 / 4)
    assert _severity("imposed_deceleration", trace) == 0.0


def test_no_follower_is_one_that_is_already_leaving():
    """Its front is over the line as the ego intrudes; the headway as the ego crosses is to nobody either."""
    trace = _scene(**_leaving(45, "front"))
    assert find_merge(trace).follower is None
    assert [_severity(name, trace) for name in ("min_ttc", "drac", "cut_in_margin", "lag_headway")] == [10, 0, 10, 10]
    between = _scene(**_leaving(55, "lane"))  # it leaves between intrusion and crossing
    assert find_merge(between).follower == FOLLOWER
    assert _severity("lag_headway", between) == 10.0 and _severity("cut_in_margin", between) < 10.0


def test_headways_are_of_the_neighbours_at_the_crossing():
    """A leader 1 m ahead at the intrusion whom the ego passes until the crossing is behind it then: 3 m - 5 m."""
    position = _scene()["position"].copy()
    position[:, LEADER, 0] = position[:, EGO, 0] + np.where(np.arange(SAMPLES) < 55, 1.0, -8.0)
    trace = _scene(position=position)
    assert _severity("lead_headway", trace) == 10.0
    assert _severity("lag_headway", trace) == pytest.approx(3.0 / 22)


def test_follower_just_in_reach_and_episode_without_leader():
    """99.97 m behind is a follower; with nobody ahead, the lead headway is at its cap."""
    position, lane = _scene()["position"].copy(), _scene()["lane"].copy()
    position[:, FOLLOWER, 0] -= 68.3
    assert find_merge(_scene(position=position)).follower == FOLLOWER
    lane[:, LEADER] = 0
    assert _severity("lead_headway", _scene(lane=lane)) == 10.0


def test_caps():
    """A follower that opens has no TTC (10 s) and no DRAC; one that overlaps while closing has 0 s and 20 m/s2."""
    speed = _scene()["speed"].copy()
    speed[:, FOLLOWER] = 18.0
    opening = _scene(speed=speed)
    assert [_severity(name, opening) for name in ("min_ttc", "drac", "cut_in_margin")] == [10.0, 0.0, 10.0]
    position = _scene()["position"].copy()
    position[120, FOLLOWER, 0] = position[120, EGO, 0] - 4.9
    overlapping = _scene(position=position)
    assert [_severity(name, overlapping) for name in ("min_ttc", "drac")] == [0.0, 20.0]


def test_violations_by_hand():
    """Stretches, their times and flags: 2.5 over what was before is minor, 5 severe, contact severe, in order."""
    parts = [(slice(35, 50), -1.0), (slice(60, 70), -2.9), (slice(100, 105), -3.5), (slice(110, 112), -6.0)]
    parts += [(140, -9.0)]
    contact = _scene()["contact"].copy()
    contact[90:93, EGO] = True
    found = violations(_scene(acceleration=_acceleration(*parts), contact=contact))
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
        position = _scene()["position"].copy()
        position[120:123, FOLLOWER, 0] = position[120:123, EGO, 0] - 5 - gap
        found = [(v.start, v.end, v.severe) for v in violations(_scene(position=position)) if v.measure == "drac"]
        assert found == ([] if severe is None else [(8.0, pytest.approx(8.2), severe)])


def test_measures_see_nothing_but_a_trace():
    """A severity cannot depend on a label: every measure takes one argument, a trace, which has none."""
    for name, measure in MEASURES.items():
        assert name == measure.name and measure.worse in ("higher", "lower")
        (parameter,) = inspect.signature(measure.compute).parameters
        assert typing.get_type_hints(measure.compute)[parameter] is Trace
    assert set(inspect.signature(Trace).parameters) == {"rate", "signals", "constants"}
