"""Severity at a zebra crossing, on traces made by hand and worked out with pencil and paper."""

from __future__ import annotations

import inspect
import typing

import numpy as np
import pytest
from crossings import EGO, FRONT, RATE, SAMPLE, SAMPLES, WAITS, WALKER, comes, scene, speed_in_parts, until, way
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.errors import UserError
from testbed.protocols.episode import Trace
from testbed.scenes.crosswalk.encounter import find_encounters
from testbed.scenes.crosswalk.measures import MEASURES, violations
from testbed.scenes.registry import measures_of, primary_of, violations_of

NOTHING = {
    "non_yield": 0.0, "pet": 10.0, "excess_wait": 0.0, "surge": 0.0, "zebra_speed": 0.0, "retreat": 0.0, "ttz": 10.0,
    "needless_stop": 0.0, "overspeed": 0.0, "collision": 0.0,
}  # fmt: skip


def _severity(name: str, trace: Trace) -> float:
    return MEASURES[name].compute(trace)


def test_share_of_those_passed():
    """Passed, let go (on the road at sample 110, one before the ego), and not to be stopped for: 1 of 2."""
    trace = scene(comes(42), comes(42, starts=97), comes(100))
    assert [met.yielded for met in find_encounters(trace)] == [False, True, False]
    assert [met.entry for met in find_encounters(trace)] == [None, 110, None]
    assert _severity("non_yield", trace) == 0.5
    # One sample later it enters as the ego's front is at the zebra: passed.
    late = scene(comes(42, starts=98))
    assert _severity("non_yield", late) == 1.0 and not find_encounters(late)[0].yielded


@pytest.mark.parametrize(
    "walkers",
    [[], [np.full(SAMPLES, -5.0)], [way((110, -5.0), (120, -3.0))], [np.full(SAMPLES, 9.0), comes(111)]],
    ids=["nobody", "bystander", "after the ego", "both"],
)
def test_no_encounter(walkers):
    """Bystanders 3 m from the road, and who arrives with the ego at the zebra or later, are none."""
    trace = scene(*walkers)
    assert find_encounters(trace) == []
    assert {name: _severity(name, trace) for name in NOTHING} == NOTHING
    assert _severity("approach_speed", trace) == pytest.approx(12.0)
    assert violations(trace) == []


def test_arrival_just_before_the_ego():
    """At sample 110 the front is at -0.4: an encounter, 0.4 / 12 s away."""
    trace = scene(comes(110))
    assert _severity("ttz", trace) == pytest.approx(0.4 / 12)
    assert _severity("non_yield", trace) == 0.0  # it could not stop


def test_pet_by_hand():
    """The ego's rear leaves the place (x = 0.3) at 117.125; the walker is in its band (y = 2.7) 59.5 on, at 189.5."""
    assert _severity("pet", WAITS) == pytest.approx((189.5 - 117.125) / 15)
    # The walker first: in the band from 2.7 to 5.3, it leaves 85.5 samples on; the ego enters (x = -0.3) at 110.125.
    assert _severity("pet", scene(comes(0, starts=10))) == pytest.approx((110.125 - 95.5) / 15)
    assert _severity("pet", scene(comes(0, starts=25))) == pytest.approx(0.0)  # leaves as the ego enters
    assert _severity("pet", scene(comes(0, starts=40))) == 0.0  # both inside
    assert _severity("pet", scene(comes(0, starts=10), comes(42, starts=130))) == pytest.approx(0.975)  # the shorter


def test_pet_where_the_recording_ends_early():
    """The least it can be: who waits at y = -3.25 walks the 5.95 m to the band at 1.5 m/s from then on."""
    gone = (149 - 117.125) / 15
    assert _severity("pet", until(scene(comes(42)), 150)) == pytest.approx(gone + 5.95 / 1.5)
    assert _severity("pet", until(scene(4 - comes(42)), 150)) == pytest.approx(gone + 1.95 / 1.5)
    assert _severity("pet", scene(comes(42))) == 10.0  # 8.125 + 3.967 s: beyond the cap
    # Who walks, and an ego that comes at constant speed, go on as they do: the same as if it had been recorded.
    assert _severity("pet", until(WAITS, 160)) == pytest.approx(_severity("pet", WAITS))
    first = scene(comes(0, starts=10))
    assert _severity("pet", until(first, 105)) == pytest.approx(_severity("pet", first))
    assert _severity("pet", until(first, 90)) == pytest.approx((88.4 - 0.8 * 89 - 0.3) / 12)  # it is still inside
    # Not censored: who stands is not coming, nor who has turned away or stands by; and neither has been there.
    stands = scene(comes(0, starts=10), front=np.minimum(FRONT, -1.0), speed=np.where(FRONT < -1, 12.0, 0.0))
    away = scene(np.where(SAMPLE < 120, comes(42), -6.0))
    bystander = scene(np.full(SAMPLES, -5.0))
    for trace in (stands, until(away, 150), until(bystander, 150), until(scene(comes(42)), 100)):
        assert _severity("pet", trace) == 10.0


def test_excess_wait_by_hand():
    """From 42 to the entry at 143 are 101 samples; who never enters waits to the end; the longest counts."""
    assert _severity("excess_wait", WAITS) == pytest.approx(101 / 15 - 1)
    assert _severity("excess_wait", scene(comes(42))) == pytest.approx(198 / 15 - 1)
    assert _severity("excess_wait", scene(comes(90), comes(42, starts=130))) == pytest.approx(150 / 15 - 1)
    # Straight on: the 1.75 m to the edge at 3 m/s take 9 samples, less than the 1 s it needs.
    assert _severity("excess_wait", scene(way((0, -12.15), (92, 6.25)))) == 0.0
    # One who walks away again after 30 samples at the kerb waits for these only.
    away = np.where((SAMPLE >= 42) & (SAMPLE < 72), -3.25, -6.0)
    assert _severity("excess_wait", scene(away)) == pytest.approx(1.0)


def test_surge_by_hand():
    """2 m/s over the smallest since the arrival, while d > 11^2 / 6.8 = 17.8 m, to sample 88."""
    for parts, gained in (
        ([(0, 12.0), (50, 9.0), (60, 11.0)], 2.0),
        ([(0, 12.0), (50, 9.0), (88, 11.0)], 2.0),
        ([(0, 12.0), (50, 9.0), (89, 11.0)], 0.0),  # could not stop any more
        ([(0, 9.0), (42, 11.0)], 0.0),  # before the arrival
        ([(0, 9.0), (43, 11.0)], 2.0),
        ([(0, 12.0), (50, 9.0), (60, 11.0), (70, 6.0), (80, 9.5)], 3.5),
        ([(0, 12.0), (50, 9.0)], 0.0),
    ):
        assert _severity("surge", scene(comes(42), speed=speed_in_parts(*parts))) == gained, parts


def test_speed_does_not_excuse_a_surge():
    """From 16 to 20 m/s at sample 60, 40.4 m before the zebra: at 13 m/s 24.9 m are enough to stop, at 20 m/s 58.8."""
    trace = scene(comes(42), speed=speed_in_parts((0, 16.0), (60, 20.0)))
    assert _severity("surge", trace) == 4.0
    for start, gained in ((79, 4.0), (80, 0.0)):  # 25.2 m, 24.4 m
        assert _severity("surge", scene(comes(42), speed=speed_in_parts((0, 16.0), (start, 20.0)))) == gained


def test_overspeed_by_hand():
    """50 km/h are 13.89 m/s; what is driven from the zebra on does not count."""
    assert _severity("overspeed", scene(speed=13.8)) == 0.0
    assert _severity("overspeed", scene(speed=speed_in_parts((0, 12.0), (20, 15.0), (30, 13.0)))) == 15.0 - 50 / 3.6
    for start, over in ((111, 16.0 - 50 / 3.6), (112, 0.0)):
        assert _severity("overspeed", scene(speed=speed_in_parts((0, 12.0), (start, 16.0)))) == pytest.approx(over)
    trace = scene(speed=speed_in_parts((0, 12.0), (20, 15.0), (30, 13.0), (50, 17.0), (60, 12.0)))
    marks = [(seen.start * RATE, seen.end * RATE, seen.severe, seen.body, seen.text) for seen in violations(trace)]
    assert marks == [
        (pytest.approx(20), pytest.approx(30), False, EGO, "1.1 m/s over the speed limit"),
        (pytest.approx(50), pytest.approx(60), True, EGO, "3.1 m/s over the speed limit"),
    ]


def test_pulling_away_behind_a_pedestrian_is_no_surge():
    """The ego's band and the walker's radius end at y = 5.3, passed 86 samples after it starts."""
    front = np.minimum(FRONT, -1.0)
    for start, gained in ((115, 2.0), (116, 0.0)):
        trace = scene(comes(0, starts=30), front=front, speed=speed_in_parts((0, 0.0), (start, 2.0)))
        assert _severity("surge", trace) == gained
    # From the other side it is clear of the band below 2.7, 4.55 m behind y = 7.25.
    for start, gained in ((75, 2.0), (76, 0.0)):
        walker = 4 - comes(0, starts=30)
        assert _severity("surge", scene(walker, front=front, speed=speed_in_parts((0, 0.0), (start, 2.0)))) == gained


def test_approach_speed_by_hand():
    """From 12 m/s at -30 m evenly over the distance to 6 m/s: 9 on average; 2 s of standing do not count."""
    speed = np.clip(12 - 0.2 * (FRONT + 30), 3.0, 12.0)
    assert _severity("approach_speed", scene(speed=speed)) == pytest.approx(9.0)
    front = np.concatenate([FRONT[:90], np.full(30, FRONT[90]), FRONT[90:-30]])
    stops = np.concatenate([speed[:90], np.full(30, speed[90]), speed[90:-30]])
    assert _severity("approach_speed", scene(front=front, speed=stops)) == pytest.approx(9.0)
    stops[90:120] = 0.0  # only the two steps beside the stop change
    assert 8.5 < _severity("approach_speed", scene(front=front, speed=stops)) < 9.0
    # Rolling back and over the same 4 m again counts neither.
    front = np.concatenate([FRONT[:90], FRONT[90] - 0.8 * np.array([1, 2, 3, 4, 5, 4, 3, 2, 1]), FRONT[90:-9]])
    rolls = np.concatenate([np.full(90, 12.0), np.full(9, 1.0), np.full(141, 12.0)])
    assert _severity("approach_speed", scene(front=front, speed=rolls)) == pytest.approx(12.0 - 11 * 0.4 / 30)


def test_ego_that_never_reaches_the_zebra():
    """It stops 1 m before: it passes nobody, whoever waits; 29 m of the last 30 count, or none."""
    speed = np.where(FRONT < -1, 12.0, 0.0)
    trace = scene(comes(42), front=np.minimum(FRONT, -1.0), speed=speed)
    (met,) = find_encounters(trace)
    assert not met.yielded and not met.passed and met.could_stop
    found = {name: _severity(name, trace) for name in ("non_yield", "pet", "zebra_speed", "needless_stop")}
    assert found == {"non_yield": 0.0, "pet": 10.0, "zebra_speed": 0.0, "needless_stop": 0.0}
    assert _severity("excess_wait", trace) == pytest.approx(198 / 15 - 1)
    assert 11.5 < _severity("approach_speed", trace) < 12.0
    assert _severity("approach_speed", scene(front=np.minimum(FRONT, -31.0))) == 0.0
    # With a walker who enters at last, it has yielded.
    assert find_encounters(scene(comes(42, starts=200), front=np.minimum(FRONT, -1.0)))[0].yielded


def test_zebra_speed_by_hand():
    """The speed at sample 111 if somebody waits or crosses then; not if they have crossed or come later."""
    speed = speed_in_parts((0, 12.0), (111, 11.0), (112, 5.0))
    assert _severity("zebra_speed", scene(comes(42), speed=speed)) == 11.0
    assert _severity("zebra_speed", scene(comes(0, starts=19), speed=speed)) == 11.0  # leaves the road at 112
    assert _severity("zebra_speed", scene(comes(0, starts=18), speed=speed)) == 0.0  # 93 samples on, at 111
    assert _severity("zebra_speed", scene(comes(111), speed=speed)) == 0.0


def test_retreat_by_hand():
    """From y = 0.5 back to -1: 1.5 m; then on to 3 and back to 1: 2 m; what is before the entry does not count."""
    back = way((42, -3.75), (60, -3.25), (70, -4.0), (80, -3.25), (100, 0.5), (110, -1.0), (150, 3.0), (170, 3.0))
    assert _severity("retreat", scene(back)) == pytest.approx(1.5)
    further = np.where(SAMPLE > 170, way((170, 3.0), (190, 1.0), (230, 6.5)), back)
    assert _severity("retreat", scene(further)) == pytest.approx(2.0)
    assert _severity("retreat", scene(4 - further)) == pytest.approx(2.0)
    # Back over the edge counts; turning round after the road has been crossed does not.
    assert _severity("retreat", scene(way((42, -3.75), (100, 0.5), (110, -3.25)))) == pytest.approx(3.75)
    assert _severity("retreat", scene(way((42, -3.75), (150, 6.5), (170, 5.0)))) == 0.0
    assert _severity("retreat", WAITS) == 0.0


def test_clearance_by_hand():
    """The ego's side is at y = 3: 3 + 3.25 - 0.3 m from one who waits below, 7.25 - 5 - 0.3 above."""
    assert _severity("clearance", scene(comes(42))) == pytest.approx(5.95)
    assert _severity("clearance", scene(comes(42), 4 - comes(42))) == pytest.approx(1.95)
    assert _severity("clearance", scene()) == 10.0
    assert _severity("clearance", scene(np.full(SAMPLES, -12.0))) == 10.0
    # In front of an ego that stands 1 m before its way, and under an ego that does not.
    assert _severity("clearance", scene(comes(0, starts=40), front=np.minimum(FRONT, -1.0))) == pytest.approx(0.7)
    assert _severity("clearance", scene(comes(0, starts=40))) == 0.0


def test_time_to_the_zebra_by_hand():
    """54.8 / 12 s at sample 42, 38.8 / 12 at 62: the smaller; an ego that stands is at the cap."""
    assert _severity("ttz", WAITS) == pytest.approx(54.8 / 12)
    assert _severity("ttz", scene(comes(42), comes(62))) == pytest.approx(38.8 / 12)
    assert _severity("ttz", scene(comes(42), speed=0.0)) == 10.0


def test_needless_stop_by_hand():
    """It stands 30 samples before the zebra, of which the first 10 with a walker on or beside the road."""
    speed = speed_in_parts((0, 12.0), (60, 0.29), (90, 0.3))
    assert _severity("needless_stop", scene(speed=speed)) == 2.0
    assert _severity("needless_stop", scene(np.full(SAMPLES, -5.0), speed=speed)) == 2.0
    assert _severity("needless_stop", scene(comes(42), speed=speed)) == 0.0
    leaves = np.where(SAMPLE < 70, 7.0, 8.0)
    assert _severity("needless_stop", scene(leaves, speed=speed)) == pytest.approx(20 / 15)
    assert _severity("needless_stop", scene(speed=speed_in_parts((0, 12.0), (111, 0.0)))) == 0.0  # on the zebra


def test_collision_is_contact_of_the_ego():
    contact = np.zeros((SAMPLES, 3), dtype=bool)
    contact[115:118, [EGO, WALKER]] = True
    trace = scene(comes(42), contact=contact)
    assert _severity("collision", trace) == 1.0
    (mark,) = [seen for seen in violations(trace) if seen.measure == "collision"]
    assert (mark.start, mark.end) == (pytest.approx(115 / RATE), pytest.approx(118 / RATE))
    assert (mark.body, mark.severe) == (EGO, True)
    contact[:, EGO] = False
    assert _severity("collision", scene(comes(42), contact=contact)) == 0.0


def _spread(values: list[float]) -> np.ndarray:
    """Return a line through values spread evenly over the samples."""
    return np.interp(SAMPLE, np.linspace(0, SAMPLES - 1, len(values)), values)


ways = st.lists(st.floats(-8.0, 12.0), min_size=2, max_size=6)
speeds = st.lists(st.floats(0.0, 15.0), min_size=2, max_size=6)


@settings(deadline=None, max_examples=60)
@given(st.lists(ways, max_size=3), speeds)
def test_every_measure_is_defined_and_the_road_may_be_mirrored(knots, levels):
    """For any walkers and any ego: finite, within its caps, and the same with everything mirrored in y = 2."""
    speed = _spread(levels)
    front = -88.4 + np.concatenate([[0.0], np.cumsum(speed)[:-1] / RATE])
    walkers = [_spread(values) for values in knots]
    trace = scene(*walkers, front=front, speed=speed)
    position = trace["position"].copy()
    position[:, :, 1] = 4 - position[:, :, 1]
    mirrored = scene(*walkers, front=front, speed=speed, position=position)
    for name, measure in MEASURES.items():
        value = measure.compute(trace)
        assert 0.0 <= value < np.inf and (measure.worse == "higher" or value <= 10.0)
        if all(np.abs(y - 2).min() > 1e-6 for y in walkers):  # on the middle line, no side is the nearer one
            assert measure.compute(mirrored) == pytest.approx(value, abs=1e-9), name
    assert all(0 <= v.start < v.end <= SAMPLES / RATE for v in violations(trace))
    assert bool([v for v in violations(trace) if v.measure == "surge"]) == (_severity("surge", trace) >= 0.5)


def test_measures_see_nothing_but_a_trace():
    for name, measure in MEASURES.items():
        assert name == measure.name and measure.worse in ("higher", "lower")
        (parameter,) = inspect.signature(measure.compute).parameters
        assert typing.get_type_hints(measure.compute)[parameter] is Trace


def test_measures_by_environment():
    """Each environment has its own table; an unknown one is refused with the known ones."""
    assert measures_of("testbed/Crosswalk-v0") == MEASURES and violations_of("testbed/Crosswalk-v0") is violations
    assert primary_of("testbed/Crosswalk-v0").name == "non_yield"
    assert primary_of("testbed/Merge-v0").name == "imposed_deceleration"
    for call in (measures_of, violations_of, primary_of):
        with pytest.raises(
            UserError, match=r"testbed/Merge-v1.*choose one of testbed/Crosswalk-v0, testbed/Merge-v0, testbed/O"
        ):
            call("testbed/Merge-v1")
