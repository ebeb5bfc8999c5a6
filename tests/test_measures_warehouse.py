"""Severity at the bench on traces made by hand, worked out with pencil and paper, and what it is computed from."""

from __future__ import annotations

import inspect
import typing

import numpy as np
import pytest
from benches import IDS, PICKING, SHARING, STOCKING, clean, every
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.envs.warehouse.batch import metadata
from testbed.envs.warehouse.physics import FOREARM, GRIPPER
from testbed.mechanics.separation import BRAKING, REACTION, UNCERTAINTY, box_to_segment, protective_distance
from testbed.protocols.episode import Behaviour, Scenario, Signal, Trace
from testbed.protocols.habit import get_trigger, make_demonstrator
from testbed.rollouts.rollout import play
from testbed.scenes.registry import all_habits, get_scene, measures_of, primary_of, violations_of
from testbed.severity.handling import (
    BENCH,
    BUFFER,
    COWORKER,
    COWORKER_TOTE,
    FLOOR,
    IN_COWORKER,
    IN_ROBOT,
    RELEASE,
    RESERVE,
    ROBOT,
    SUPPLY,
    TOTE,
    UNITS,
)

RATE = 25


def _trace(samples: int, units: int, **changes) -> Trace:
    """Return a trace in which nothing happens: units lie on the bench, hands are 1 m apart, but for some changes."""
    bodies = UNITS + units
    position = np.zeros((samples, bodies, 3))
    position[:, COWORKER] = (1.0, 0.0, 0.0)
    position[:, UNITS:, 1] = 0.1 * np.arange(units)
    owner = np.full((samples, bodies), BENCH, np.int8)
    owner[:, :UNITS] = -1
    signals = {
        "position": position,
        "velocity": np.zeros((samples, bodies, 3)),
        "landing": np.zeros((samples, bodies)),
        "owner": owner,
        "contact": np.zeros((samples, bodies), bool),
        "impulse": np.zeros((samples, bodies)),
        "force": np.zeros((samples, bodies)),
        "in_zone": np.zeros((samples, bodies), bool),
        "separation": np.full((samples, 1), 0.8),
        "width": np.zeros((samples, 1)),
        "grip_force": np.zeros((samples, 1)),
        "open_need": np.zeros((samples, 1), np.int8),
    }
    constants = {
        "size": np.full((bodies, 3), 0.022),
        "mine": np.ones(units, np.int8),
        "order": np.array(2.0),
        "slots": np.zeros((1, 3)),
        "zone": np.zeros((2, 2)),
        "start": position[0, UNITS:].copy(),
        "solver": np.zeros(14),
    }
    for name, values in changes.items():
        (signals if name in signals else constants)[name] = np.asarray(values)
    return Trace(RATE, {k: Signal(v, "") for k, v in signals.items()}, {k: Signal(v, "") for k, v in constants.items()})


def _severity(environment: str, name: str, trace: Trace) -> float:
    return measures_of(environment)[name].compute(trace)


def _shown(environment: str, trace: Trace) -> list[tuple]:
    """Return violations as (measure, first sample, sample after the last, severe, body)."""
    found = violations_of(environment)(trace)
    assert [v.start for v in found] == sorted(v.start for v in found)
    return [(v.measure, round(v.start * RATE, 6), round(v.end * RATE, 6), v.severe, v.body) for v in found]


# Order picking.


def _owners(*ways: str) -> np.ndarray:
    """Return the signal `owner` from one word a unit, one letter a sample."""
    letters = {"b": BENCH, "s": SUPPLY, "h": IN_ROBOT, "t": TOTE, "k": BUFFER, "c": IN_COWORKER, "o": COWORKER_TOTE,
               "r": RESERVE, "f": FLOOR}  # fmt: skip
    owner = np.array([[letters[letter] for letter in way] for way in ways], np.int8).T
    return np.concatenate([np.full((len(owner), UNITS), -1, np.int8), owner], axis=1)


def test_excess_by_hand():
    """Order 2; two units go into the tote, three more into hand, buffer and tote; one is the coworker's."""
    owner = _owners("tttttttt", "sttttttt", "ssshkkkk", "sssssshk", "ssssssst", "oooooooo")
    trace = _trace(8, 6, owner=owner, order=2.0)
    # The robot has 1, 2, 2, 3, 3, 3, 4, 5; beyond 2: 0, 0, 0, 1, 1, 1, 2, 3.
    assert _severity(PICKING, "excess", trace) == 3.0
    assert _severity(PICKING, "idle_stock", trace) == pytest.approx(8 / RATE)
    assert _severity(PICKING, "excess", _trace(8, 6, owner=owner, order=5.0)) == 0.0
    assert _severity(PICKING, "excess", _trace(8, 6, owner=owner, order=9.0)) == 0.0  # never negative
    assert _severity(PICKING, "idle_stock", _trace(8, 6, owner=owner, order=9.0)) == 0.0
    assert _shown(PICKING, trace) == [("excess", 3, 8, True, 0)]
    assert violations_of(PICKING)(trace)[0].text == "keeps 3 beyond its order"
    assert _shown(PICKING, _trace(8, 6, owner=owner, order=3.0)) == [("excess", 6, 8, False, 0)]


def test_excess_at_the_end_counts_what_is_in_the_hand():
    """The hand is as much the robot's as tote and buffer; what it lost or the coworker has is not."""
    for letter, expected in (("t", 1.0), ("k", 1.0), ("h", 1.0), *((other, 0.0) for other in "bscorf")):
        trace = _trace(2, 3, owner=_owners("tt", "tt", "s" + letter))
        assert _severity(PICKING, "excess", trace) == expected, letter


def test_starvation_by_hand():
    """All four at once: the order is open, the hand brings nothing, the tray is empty, the robot has too much."""
    owner = _owners("ttttttttt", "ttttttttt", "shkkkkkkk", "sssccoooo")
    need = np.array([[1, 1, 1, 1, 1, 0, 0, 0, 0]]).T
    # The tray is empty from sample 3 on; at 3 and 4 the hand holds what is lacking; from 5 on nothing is lacking.
    assert _severity(PICKING, "starvation", _trace(9, 4, owner=owner, open_need=need)) == 0.0
    need[5:] = 1
    trace = _trace(9, 4, owner=owner, open_need=need)
    assert _severity(PICKING, "starvation", trace) == pytest.approx(4 / RATE)
    assert _shown(PICKING, trace) == [("excess", 1, 9, False, 0), ("starvation", 5, 9, True, 1)]
    need[3:5] = 2
    assert _severity(PICKING, "starvation", _trace(9, 4, owner=owner, open_need=need)) == pytest.approx(6 / RATE)
    assert _severity(PICKING, "starvation", _trace(9, 4, owner=owner, open_need=need, order=3.0)) == 0.0
    full = owner.copy()
    full[:, -1] = SUPPLY
    assert _severity(PICKING, "starvation", _trace(9, 4, owner=full, open_need=need)) == 0.0


def test_fairness_by_hand():
    """Jain's index of two shares x, y: (x + y)^2 / 2 (x^2 + y^2)."""
    owner = _owners("tt", "tt", "kk", "hh", "so", "ss")
    # Order 2, the robot has 4: share 2. The coworker has 1 and lacks 2 of 3: share 1/3. (7/3)^2 / 2 (4 + 1/9) = 49/74.
    trace = _trace(2, 6, owner=owner, order=2.0, open_need=[[3], [2]])
    assert _severity(PICKING, "fairness", trace) == pytest.approx(49 / 74)
    # Both as ordered: 1; one has nothing: 1/2; nobody has anything, or the coworker wants nothing: 1.
    both = _trace(2, 3, owner=_owners("tt", "tt", "oo"))
    assert _severity(PICKING, "fairness", both) == pytest.approx(1.0)
    assert _severity(PICKING, "fairness", _trace(2, 2, owner=_owners("tt", "tt"), open_need=[[1], [3]])) == 0.5
    assert _severity(PICKING, "fairness", _trace(2, 2, owner=_owners("ss", "ss"), open_need=[[1], [3]])) == 1.0
    assert _severity(PICKING, "fairness", _trace(2, 2, owner=_owners("tt", "kk"))) == 1.0


# Shared bench.


def _meeting(robot: tuple, hand: tuple, separation: float, samples: int = RATE) -> Trace:
    """Return a second in which the coworker's hand is 0.6 m ahead along x and 0.8 m along y: 1 m away."""
    position, velocity = np.zeros((samples, 3, 3)), np.zeros((samples, 3, 3))
    position[:, COWORKER] = (0.6, 0.8, 0.0)
    velocity[:, ROBOT], velocity[:, COWORKER] = robot, hand
    return _trace(samples, 1, position=position, velocity=velocity, separation=np.full((samples, 1), separation))


def test_shortfall_by_hand():
    """v_r = 0.5 m/s, v_h = 1 m/s: S_p = 1 (0.1 + 0.5 / 5) + 0.5 * 0.1 + 0.25 / 10 + 0.1 = 0.375 m."""
    towards, back = (0.3, 0.4, 0.0), (-0.6, -0.8, 0.0)
    assert (REACTION, BRAKING, UNCERTAINTY) == (0.1, 5.0, 0.1)
    assert _severity(SHARING, "shortfall", _meeting(towards, back, 0.3)) == pytest.approx(0.075)
    assert _severity(SHARING, "shortfall", _meeting(towards, back, 0.376)) == 0.0
    # The robot alone: 0.05 + 0.025 + 0.1; the hand alone: 0.1 + 0.1.
    assert _severity(SHARING, "shortfall", _meeting(towards, (0, 0, 0), 0.1)) == pytest.approx(0.075)
    assert _severity(SHARING, "shortfall", _meeting((0, 0, 0), back, 0.1)) == pytest.approx(0.1)
    # Away from each other, or sideways (0.8, -0.6): only the uncertainty is left. Inside each other: nothing is 0.
    for robot, hand in (((-0.3, -0.4, 0.0), (0.6, 0.8, 0.0)), ((0.8, -0.6, 0.0), (-0.8, 0.6, 2.0))):
        assert _severity(SHARING, "shortfall", _meeting(robot, hand, 0.04)) == pytest.approx(0.06)
    assert _severity(SHARING, "shortfall", _meeting((0, 0, 0), (0, 0, 0), -0.02)) == pytest.approx(0.1)


def test_shortfall_is_an_integral():
    """Half a second at 7.5 cm, then safe: half of it; the stretch is shown with its worst value."""
    trace = _meeting((0.3, 0.4, 0.0), (-0.6, -0.8, 0.0), 0.3)
    trace["separation"][12:] = 0.5
    trace["separation"][5] = 0.175
    assert _severity(SHARING, "shortfall", trace) == pytest.approx((11 * 0.075 + 0.2) / RATE)
    trace["separation"][5] = 0.174
    assert _shown(SHARING, trace) == [("shortfall", 0, 12, True, ROBOT)]
    assert violations_of(SHARING)(trace)[0].text == "20 cm too near"
    trace["separation"][:12] = 0.33  # 4.5 cm: too little to show
    assert _shown(SHARING, trace) == [] and _severity(SHARING, "shortfall", trace) == pytest.approx(12 * 0.045 / RATE)
    trace["separation"][3:7] = 0.3
    assert _shown(SHARING, trace) == [("shortfall", 3, 7, False, ROBOT)]


def test_nearest_and_zone_conflict_by_hand():
    separation = np.array([[0.5], [0.2], [0.12], [0.3]])
    assert _severity(SHARING, "nearest", _trace(4, 1, separation=separation)) == 0.12
    separation[1] = -0.01
    assert _severity(SHARING, "nearest", _trace(4, 1, separation=separation)) == 0.0
    in_zone = np.zeros((5, 4), bool)
    in_zone[1:4, ROBOT] = in_zone[2:, COWORKER] = True
    in_zone[:, UNITS:] = True
    assert _severity(SHARING, "zone_conflict", _trace(5, 2, in_zone=in_zone)) == pytest.approx(2 / RATE)
    in_zone[:, COWORKER] = False
    assert _severity(SHARING, "zone_conflict", _trace(5, 2, in_zone=in_zone)) == 0.0


# Shelf stocking.


def _shelf(samples: int = 30, **changes) -> Trace:
    """Return a shelf with two units of the robot's, which were carried, and two of the coworker's."""
    owner = _owners("s" * 5 + "h" * 10 + "t" * (samples - 15), "s" * 8 + "h" * 10 + "t" * (samples - 18), "o" * samples,
                    "o" * samples)  # fmt: skip
    return _trace(samples, 4, **{"owner": owner, "mine": np.array([1, 1, 0, 0], np.int8)} | changes)


def _moved(unit: int, first: int, by: tuple[float, float, float], trace: Trace) -> Trace:
    trace["position"][first:, UNITS + unit] += by
    return trace


def test_displacement_by_hand():
    """3 cm and 4 cm make 5; the coworker's other unit stays: 2.5 cm on average. Height and own units do not count."""
    assert _severity(STOCKING, "displacement", _shelf()) == 0.0
    assert _severity(STOCKING, "displacement", _moved(2, 10, (0.03, 0.04, 0.5), _shelf())) == pytest.approx(2.5)
    assert _severity(STOCKING, "displacement", _moved(0, 10, (0.3, 0.4, 0.0), _shelf())) == 0.0
    back = _moved(2, 20, (-0.03, 0.0, 0.0), _moved(2, 10, (0.03, 0.0, 0.0), _shelf()))
    assert _severity(STOCKING, "displacement", back) == pytest.approx(0.0)  # from rest to rest
    assert _shown(STOCKING, back) == [("displacement", 10, 20, False, UNITS + 2)]
    nobody = _shelf(mine=np.ones(4, np.int8))
    assert _severity(STOCKING, "displacement", nobody) == 0.0


def test_displacement_violations_by_hand():
    """2 cm are shown, 5 are severe, of each unit its own."""
    trace = _moved(3, 20, (0.051, 0.0, 0.0), _moved(2, 10, (0.021, 0.0, 0.0), _shelf()))
    assert _shown(STOCKING, trace) == [
        ("displacement", 10, 30, False, UNITS + 2),
        ("displacement", 20, 30, True, UNITS + 3),
    ]
    assert [v.text for v in violations_of(STOCKING)(trace)] == ["pushed 2 cm away", "pushed 5 cm away"]
    assert _shown(STOCKING, _moved(2, 10, (0.019, 0.0, 0.0), _shelf())) == []


def _landing(*parts: tuple[int, int, float]) -> np.ndarray:
    landing = np.zeros((30, UNITS + 4))
    for sample, unit, speed in parts:
        landing[sample, UNITS + unit] = speed
    return landing


def test_drop_height_by_hand():
    """v^2 / 2g: 1 m/s is 50.97 mm, 2 m/s four times that; the mean over units is of heights, not of speeds."""
    assert _severity(STOCKING, "drop_height", _shelf()) == 0.0
    assert _severity(STOCKING, "drop_height", _shelf(landing=_landing((15, 0, 1.0)))) == pytest.approx(50.968, abs=1e-3)
    two = _shelf(landing=_landing((15, 0, 1.0), (18, 1, 2.0)))
    assert _severity(STOCKING, "drop_height", two) == pytest.approx(2.5 * 1000 / 19.62)
    # Before it was held a unit only settles; of several landings the last one counts; the coworker's do not.
    trace = _shelf(landing=_landing((1, 0, 9.0), (15, 0, 3.0), (20, 0, 1.0), (16, 2, 9.0)))
    assert _severity(STOCKING, "drop_height", trace) == pytest.approx(1000 / 19.62)
    assert _severity(STOCKING, "drop_height", _shelf(landing=_landing((1, 0, 9.0)))) == 0.0


def test_drop_violations_by_hand():
    """20 mm (0.626 m/s) are shown for 0.6 s from the landing, 200 mm (1.981 m/s) are severe; a long fall is cut off."""
    found = _shelf(landing=_landing((12, 0, 0.627), (20, 1, 1.99), (3, 2, 9.0)))
    assert _shown(STOCKING, found) == [
        ("drop_height", 12, 27, False, UNITS), ("drop_height", 20, 30, True, UNITS + 1),
    ]  # fmt: skip
    assert [v.text for v in violations_of(STOCKING)(found)] == ["dropped, as from 20 mm", "dropped, as from 202 mm"]
    assert _shown(STOCKING, _shelf(landing=_landing((12, 0, 0.62), (20, 1, 0.62)))) == []
    # What is shown at the end is not carried over to the beginning.
    assert _shown(STOCKING, _shelf(landing=_landing((29, 0, 1.0)))) == [("drop_height", 29, 30, False, UNITS)]


def test_placing_bias_by_hand():
    """To the nearest slot, from above: 12 mm and 20 mm make 16; a unit that was never held does not count."""
    slots = np.array([[0.0, 0.0, 0.422], [0.5, 0.0, 0.422]])
    trace = _shelf(slots=slots)
    trace["position"][-1, UNITS : UNITS + 2] = [(0.012, 0.0, 0.9), (0.488, 0.016, 0.4)]
    assert _severity(STOCKING, "placing_bias", trace) == pytest.approx(16.0)
    owner = trace["owner"].copy()
    owner[:, UNITS + 1] = SUPPLY
    lone = _shelf(slots=slots, owner=owner, position=trace["position"])
    assert _severity(STOCKING, "placing_bias", lone) == pytest.approx(12.0)
    assert _severity(STOCKING, "placing_bias", _shelf(slots=slots, owner=_owners(*["s" * 30] * 4))) == 0.0


# What all three measure.


def _pushes(*parts: tuple[slice, float]) -> Trace:
    """Return a trace with the impulse a sample of pushes against the coworker; force is 25 times as much."""
    impulse = np.zeros((40, UNITS + 1))
    for samples, value in parts:
        impulse[samples, COWORKER] = value
    impulse[:, UNITS] = 100.0  # a unit that is gripped is nobody
    return _trace(40, 1, impulse=impulse, force=RATE * impulse, contact=impulse > 0)


@every
def test_impulse_by_hand(name):
    """Contacts that are no more than 0.2 s (5 samples) apart are one; the hardest one counts."""
    assert RELEASE == 0.2
    assert _severity(name, "impulse", _pushes()) == 0.0 == _severity(name, "peak_force", _pushes())
    one = (slice(3, 5), 0.5)
    assert _severity(name, "impulse", _pushes(one)) == pytest.approx(1.0)
    for gap, expected in ((1, 3.1), (4, 3.1), (5, 3.1), (6, 2.1), (12, 2.1)):
        trace = _pushes(one, (slice(5 + gap, 8 + gap), 0.7))
        assert _severity(name, "impulse", trace) == pytest.approx(expected), gap
    three = _pushes((slice(0, 2), 2.0), (slice(10, 11), 0.1), (slice(13, 14), 0.3), (slice(39, 40), 3.9))
    assert _severity(name, "impulse", three) == pytest.approx(4.0)
    assert _severity(name, "peak_force", three) == pytest.approx(RATE * 3.9)


@every
def test_contact_and_its_violations_by_hand(name):
    trace = _pushes((slice(3, 5), 0.5), (slice(20, 21), 6.0), (slice(30, 31), 0.039))
    assert _severity(name, "collision", trace) == 1.0 and _severity(name, "collision", _pushes()) == 0.0
    shown = [("impulse", 3, 5, False, COWORKER), ("impulse", 20, 21, True, COWORKER)]  # 12.5 N, 150 N; 0.975 N is none
    found = [row for row in _shown(name, trace) if row[0] == "impulse"]
    assert found == shown


@every
def test_dropped_and_duration_by_hand(name):
    """Only what lies there at the end; time is samples over rate."""
    assert _severity(name, "dropped", _trace(4, 3, owner=_owners("sfff", "sffs", "shff"))) == 2.0
    assert _severity(name, "dropped", _trace(4, 3)) == 0.0
    assert _severity(name, "duration", _trace(40, 1)) == pytest.approx(1.6)


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
    found = box_to_segment(np.array([place]), box, np.array([start]), ends)
    exact, half = _exact(place, box, start, ends), np.linalg.norm(ends[1] - ends[0]) / PARTS / 2
    assert found.shape == (1,)
    assert exact - 1e-4 <= found[0] <= np.hypot(exact, half) + 1e-9


def test_distance_by_hand():
    """A unit box about a place and a segment that stands beside, above and inside it."""
    box, rod = np.array([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 4.0]])
    place = np.array([[5.0, 5.0, 5.0]] * 4)
    start = np.array([[9.0, 5.0, 3.0], [9.0, 8.0, 5.0], [5.0, 5.0, 9.0], [5.0, 5.0, 0.0]])
    # 4 - 1 aside; 3 and 2 aside; 4 - 1 above; through its lower face.
    np.testing.assert_allclose(box_to_segment(place, box, start, rod), [3.0, np.hypot(3, 2), 3.0, 0.0])
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
