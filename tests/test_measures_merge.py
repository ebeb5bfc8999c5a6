"""Severity of driving on traces made by hand, worked out with pencil and paper."""

from __future__ import annotations

import numpy as np
import pytest
from merging import EGO, FOLLOWER, LEADER, RATE, SAMPLES, accelerating, drawn_merge, severity_of
from scipy.signal import savgol_filter

from testbed.protocols.episode import Trace
from testbed.scenes.merge.measures import find_merge, violations


def _with(name: str, samples: slice | int, body: int, value: float) -> Trace:
    """Return the scene with one signal of one body changed over some samples."""
    array = drawn_merge()[name].copy()
    array[samples, body] = value
    return drawn_merge(**{name: array})


def test_merge_is_found():
    """Intrusion by the corner, crossing by the centre, window to 5 s (75 samples) after the crossing."""
    merge = find_merge(drawn_merge())
    assert (merge.intrusion, merge.crossing, merge.end) == (50, 60, 135)
    assert (merge.lane, merge.follower) == (1, FOLLOWER)


def test_turned_ego_intrudes_earlier():
    """At y = 8 and 30 degrees, half length 2.5 and width 1: lowest corner 8 - 1.25 - 0.87 = 5.88 < 6."""
    heading = np.zeros((SAMPLES, 3))
    heading[40:50, EGO] = -np.pi / 6
    assert find_merge(drawn_merge(heading=heading)).intrusion == 40
    heading[40:50, EGO] = -np.pi / 9  # 8 - 2.5 sin 20 - cos 20 = 6.21 > 6
    assert find_merge(drawn_merge(heading=heading)).intrusion == 50


def test_conflict_measures_by_hand():
    """Gaps by hand; each vehicle's centre minus half of two lengths, 5 m."""
    trace = drawn_merge()
    # Sample 50, t = 10/3 s: ego 66.667, follower 35, gap 26.667 m, closing 4 m/s: TTC 6.667 s.
    assert severity_of("cut_in_margin", trace) == pytest.approx(20 / 3 - (4 / 12 + 0.35))
    # Sample 60, t = 4 s: ego 80, follower 51, gap 24 m at 24 m/s; leader 110, gap 25 m at 20 m/s.
    assert severity_of("lag_headway", trace) == pytest.approx(1.0)
    assert severity_of("lead_headway", trace) == pytest.approx(1.25)
    # Last sample of the window, 134: gap 45 - 5 - 4 * 134 / 15 = 4.2667 m; TTC 1.0667 s, DRAC 16 / 8.5333 m/s2.
    assert severity_of("min_ttc", trace) == pytest.approx(64 / 60)
    assert severity_of("drac", trace) == pytest.approx(1.875)
    assert severity_of("collision", trace) == 0.0


def test_lengths_count():
    """A follower of 12 m has (12 + 5) / 2 = 8.5 m in the gap: at sample 60, 29 - 8.5 = 20.5 m."""
    trace = drawn_merge(size=np.array([[5.0, 2.0], [5.0, 2.0], [12.0, 2.5]]))
    assert severity_of("lag_headway", trace) == pytest.approx(20.5 / 24)
    assert severity_of("lead_headway", trace) == pytest.approx(1.25)


def test_imposed_deceleration_by_hand():
    """5 in the window minus 1 in the second before; what lies outside of both does not count."""
    outside = [(slice(0, 35), -9.0), (slice(135, SAMPLES), -9.0)]
    parts = [*outside, (slice(35, 50), -1.0), (100, -5.0)]
    assert severity_of("imposed_deceleration", drawn_merge(acceleration=accelerating(*parts))) == 4.0
    for first in (35, 49):  # both ends of the second before
        parts = [*outside, (first, -2.0), (134, -5.0)]
        assert severity_of("imposed_deceleration", drawn_merge(acceleration=accelerating(*parts))) == 3.0
    for sample in (50, 134):  # both ends of the window
        assert severity_of("imposed_deceleration", drawn_merge(acceleration=accelerating((sample, -4.5)))) == 4.5


def test_imposed_deceleration_is_never_negative():
    """Braking less than before, or speeding up, imposes nothing; nor does the braking of another vehicle."""
    parts = [(slice(35, 50), -3.0), (80, -1.0)]
    assert severity_of("imposed_deceleration", drawn_merge(acceleration=accelerating(*parts))) == 0.0
    assert severity_of("imposed_deceleration", drawn_merge(acceleration=accelerating((slice(None), 2.0)))) == 0.0
    assert severity_of("imposed_deceleration", drawn_merge(acceleration=accelerating((80, -6.0), body=LEADER))) == 0.0
    # Speeding up before (negative braking) is not credited: 2 - 0.
    parts = [(slice(35, 50), 1.5), (80, -2.0)]
    assert severity_of("imposed_deceleration", drawn_merge(acceleration=accelerating(*parts))) == 2.0


def test_jerk_by_hand():
    """v = 20 + 1.5 t^2 has a constant jerk of 3 m/s3, of the ego alone; constant acceleration has none."""
    time = np.arange(SAMPLES) / RATE
    speed = drawn_merge()["speed"].copy()
    speed[:, EGO] = 20 - 1.5 * time**2
    speed[:, FOLLOWER] = 20 + 9 * time**2
    assert severity_of("jerk", drawn_merge(speed=speed)) == pytest.approx(3.0)
    speed[:, EGO] = 20 + 2 * time
    assert severity_of("jerk", drawn_merge(speed=speed)) == pytest.approx(0.0, abs=1e-9)


def test_jerk_agrees_with_a_fit_of_a_parabola():
    """Second way: least-squares parabolas over 15 samples, whose second derivative is twice the leading term."""
    rng = np.random.default_rng(0)
    speed = drawn_merge()["speed"] + np.cumsum(rng.normal(0, 0.1, (SAMPLES, 3)), axis=0)
    time = (np.arange(15) - 7) / RATE
    fits = [2 * np.polyfit(time, speed[start : start + 15, EGO], 2)[0] for start in range(SAMPLES - 14)]
    assert severity_of("jerk", drawn_merge(speed=speed)) == pytest.approx(np.abs(fits).max())
    filtered = savgol_filter(speed[:, EGO], window_length=15, polyorder=2, deriv=2, delta=1 / RATE)
    assert severity_of("jerk", drawn_merge(speed=speed)) == pytest.approx(np.abs(filtered).max(), rel=1e-12)


def test_collision_is_contact_of_the_ego():
    """One sample is enough; others that touch each other do not count."""
    assert severity_of("collision", _with("contact", 149, EGO, True)) == 1.0
    assert severity_of("collision", _with("contact", slice(None), FOLLOWER, True)) == 0.0


NOTHING = {"imposed_deceleration": 0.0, "drac": 0.0, "cut_in_margin": 10.0, "lag_headway": 10.0, "min_ttc": 10.0}


def test_episode_without_merge():
    """An ego that stays on the ramp imposes nothing, however the others drive."""
    trace = _with("lane", slice(None), EGO, 2)
    hard = drawn_merge(lane=trace["lane"], acceleration=accelerating((80, -8.0)))
    assert find_merge(hard) is None
    for name, value in (NOTHING | {"lead_headway": 10.0}).items():
        assert severity_of(name, hard) == value
    assert violations(hard) == []


@pytest.mark.parametrize("reason", ["other lane", "out of reach"])
def test_episode_without_follower(reason):
    """A vehicle behind in another lane or more than 100 m behind is no follower; the leader still counts."""
    lane, position = drawn_merge()["lane"].copy(), drawn_merge()["position"].copy()
    if reason == "other lane":
        lane[:, FOLLOWER] = 0
    else:
        position[:, FOLLOWER, 0] -= 71.1  # at sample 60, the crossing, then 29 + 71.1 = 100.1 m behind
    trace = drawn_merge(lane=lane, position=position, acceleration=accelerating((80, -8.0)))
    assert find_merge(trace).follower is None
    for name, value in (NOTHING | {"lead_headway": 1.25}).items():
        assert severity_of(name, trace) == pytest.approx(value)


LEAVES = "lane", "front"


def _leaving(sample: int, how: str, back: int = SAMPLES) -> dict[str, np.ndarray]:
    """Return signals in which the follower leaves to the left lane from a sample on: by its centre, or its front."""
    lane, position, heading = drawn_merge()["lane"].copy(), drawn_merge()["position"].copy(), np.zeros((SAMPLES, 3))
    if how == "lane":
        lane[sample:back, FOLLOWER], position[sample:back, FOLLOWER, 1] = 0, 1.9
    else:  # its centre stays 0.4 m on this side of the line, its front is 2.5 sin 0.17 = 0.423 m further left
        position[sample:back, FOLLOWER, 1], heading[sample:back, FOLLOWER] = 2.4, -0.17
    return {"lane": lane, "position": position, "heading": heading}


@pytest.mark.parametrize("how", LEAVES)
def test_conflict_ends_when_the_follower_has_left(how):
    """At sample 100 it is on the new lane for the last time: gap 45 - 5 - 4 * 100 / 15 = 13.333 m, closing 4 m/s."""
    braking = accelerating((100, -3.0), (101, -7.0))
    trace = drawn_merge(**_leaving(101, how), acceleration=braking)
    assert severity_of("min_ttc", trace) == pytest.approx(13.3333333 / 4)
    assert severity_of("drac", trace) == pytest.approx(16 / 26.6666667)
    assert severity_of("imposed_deceleration", trace) == 3.0
    assert [(seen.measure, seen.start * RATE) for seen in violations(trace)] == [("imposed_deceleration", 100.0)]
    # It slows down to a standstill behind nobody's back: whatever it does, and however near, counts no more.
    speed = drawn_merge()["speed"].copy()
    speed[101:, EGO] = 0.0
    slowed = drawn_merge(**_leaving(101, how), acceleration=braking, speed=speed)
    for name in ("min_ttc", "drac", "imposed_deceleration"):
        assert severity_of(name, slowed) == severity_of(name, trace)


def test_a_front_that_is_not_over_the_line_has_not_left():
    """0.4 m from the line, 2.5 sin 0.16 = 0.398 m: it follows to the end of the window, as in the scene unchanged."""
    signals = _leaving(101, "front")
    signals["heading"][101:, FOLLOWER] = -0.16
    assert severity_of("drac", drawn_merge(**signals)) == pytest.approx(1.875)


@pytest.mark.parametrize("how", LEAVES)
def test_conflict_goes_on_when_the_follower_comes_back(how):
    """Gone from 101 to 120 and back behind: as if it had stayed; back in front of the ego it follows no more."""
    assert severity_of("drac", drawn_merge(**_leaving(101, how, back=120))) == pytest.approx(1.875)
    signals = _leaving(101, how, back=120)
    signals["position"][101:, FOLLOWER, 0] = signals["position"][101:, EGO, 0] + 3.0
    passed = drawn_merge(**signals, acceleration=accelerating((125, -6.0)))
    assert severity_of("min_ttc", passed) == pytest.approx(13.3333333 / 4)
    assert severity_of("imposed_deceleration", passed) == 0.0


def test_conflict_ends_when_the_ego_has_left():
    """On to the left lane at sample 101: what the follower of the new lane does is not the ego's any more."""
    lane, position = drawn_merge()["lane"].copy(), drawn_merge()["position"].copy()
    lane[101:, EGO], position[101:, EGO, 1] = 0, 0.0
    trace = drawn_merge(lane=lane, position=position, acceleration=accelerating((101, -6.0)))
    assert severity_of("min_ttc", trace) == pytest.approx(13.3333333 / 4)
    assert severity_of("imposed_deceleration", trace) == 0.0


def test_no_follower_is_one_that_is_already_leaving():
    """Its front is over the line as the ego intrudes; the headway as the ego crosses is to nobody either."""
    trace = drawn_merge(**_leaving(45, "front"))
    assert find_merge(trace).follower is None
    assert [severity_of(name, trace) for name in ("min_ttc", "drac", "cut_in_margin", "lag_headway")] == [10, 0, 10, 10]
    between = drawn_merge(**_leaving(55, "lane"))  # it leaves between intrusion and crossing
    assert find_merge(between).follower == FOLLOWER
    assert severity_of("lag_headway", between) == 10.0 and severity_of("cut_in_margin", between) < 10.0


def test_headways_are_of_the_neighbours_at_the_crossing():
    """A leader 1 m ahead at the intrusion whom the ego passes until the crossing is behind it then: 3 m - 5 m."""
    position = drawn_merge()["position"].copy()
    position[:, LEADER, 0] = position[:, EGO, 0] + np.where(np.arange(SAMPLES) < 55, 1.0, -8.0)
    trace = drawn_merge(position=position)
    assert severity_of("lead_headway", trace) == 10.0
    assert severity_of("lag_headway", trace) == pytest.approx(3.0 / 22)


def test_follower_just_in_reach_and_episode_without_leader():
    """99.97 m behind is a follower; with nobody ahead, the lead headway is at its cap."""
    position, lane = drawn_merge()["position"].copy(), drawn_merge()["lane"].copy()
    position[:, FOLLOWER, 0] -= 68.3
    assert find_merge(drawn_merge(position=position)).follower == FOLLOWER
    lane[:, LEADER] = 0
    assert severity_of("lead_headway", drawn_merge(lane=lane)) == 10.0
