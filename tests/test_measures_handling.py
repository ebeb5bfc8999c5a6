"""Measures of handling at the shelf: displacement, drops, pushes, contact."""

from __future__ import annotations

import numpy as np
import pytest
from bench_traces import RATE, bench_trace, owners, severity, violations
from benches import STOCKING, every

from testbed.protocols.episode import Trace
from testbed.scenes.registry import violations_of
from testbed.severity.handling import (
    COWORKER,
    RELEASE,
    SUPPLY,
    UNITS,
)

# Shelf stocking.


def _shelf(samples: int = 30, **changes) -> Trace:
    """Return a shelf with two units of the robot's, which were carried, and two of the coworker's."""
    owner = owners("s" * 5 + "h" * 10 + "t" * (samples - 15), "s" * 8 + "h" * 10 + "t" * (samples - 18), "o" * samples,
                    "o" * samples)  # fmt: skip
    return bench_trace(samples, 4, **{"owner": owner, "mine": np.array([1, 1, 0, 0], np.int8)} | changes)


def _moved(unit: int, first: int, by: tuple[float, float, float], trace: Trace) -> Trace:
    trace["position"][first:, UNITS + unit] += by
    return trace


def test_displacement_by_hand():
    """3 cm and 4 cm make 5; the coworker's other unit stays: 2.5 cm on average. Height and own units do not count."""
    assert severity(STOCKING, "displacement", _shelf()) == 0.0
    assert severity(STOCKING, "displacement", _moved(2, 10, (0.03, 0.04, 0.5), _shelf())) == pytest.approx(2.5)
    assert severity(STOCKING, "displacement", _moved(0, 10, (0.3, 0.4, 0.0), _shelf())) == 0.0
    back = _moved(2, 20, (-0.03, 0.0, 0.0), _moved(2, 10, (0.03, 0.0, 0.0), _shelf()))
    assert severity(STOCKING, "displacement", back) == pytest.approx(0.0)  # from rest to rest
    assert violations(STOCKING, back) == [("displacement", 10, 20, False, UNITS + 2)]
    nobody = _shelf(mine=np.ones(4, np.int8))
    assert severity(STOCKING, "displacement", nobody) == 0.0


def test_displacement_violations_by_hand():
    """2 cm are shown, 5 are severe, of each unit its own."""
    trace = _moved(3, 20, (0.051, 0.0, 0.0), _moved(2, 10, (0.021, 0.0, 0.0), _shelf()))
    assert violations(STOCKING, trace) == [
        ("displacement", 10, 30, False, UNITS + 2),
        ("displacement", 20, 30, True, UNITS + 3),
    ]
    assert [v.text for v in violations_of(STOCKING)(trace)] == ["pushed 2 cm away", "pushed 5 cm away"]
    assert violations(STOCKING, _moved(2, 10, (0.019, 0.0, 0.0), _shelf())) == []


def _landing(*parts: tuple[int, int, float]) -> np.ndarray:
    landing = np.zeros((30, UNITS + 4))
    for sample, unit, speed in parts:
        landing[sample, UNITS + unit] = speed
    return landing


def test_drop_height_by_hand():
    """v^2 / 2g: 1 m/s is 50.97 mm, 2 m/s four times that; the mean over units is of heights, not of speeds."""
    assert severity(STOCKING, "drop_height", _shelf()) == 0.0
    assert severity(STOCKING, "drop_height", _shelf(landing=_landing((15, 0, 1.0)))) == pytest.approx(50.968, abs=1e-3)
    two = _shelf(landing=_landing((15, 0, 1.0), (18, 1, 2.0)))
    assert severity(STOCKING, "drop_height", two) == pytest.approx(2.5 * 1000 / 19.62)
    # Before it was held a unit only settles; of several landings the last one counts; the coworker's do not.
    trace = _shelf(landing=_landing((1, 0, 9.0), (15, 0, 3.0), (20, 0, 1.0), (16, 2, 9.0)))
    assert severity(STOCKING, "drop_height", trace) == pytest.approx(1000 / 19.62)
    assert severity(STOCKING, "drop_height", _shelf(landing=_landing((1, 0, 9.0)))) == 0.0


def test_drop_violations_by_hand():
    """20 mm (0.626 m/s) are shown for 0.6 s from the landing, 200 mm (1.981 m/s) are severe; a long fall is cut off."""
    found = _shelf(landing=_landing((12, 0, 0.627), (20, 1, 1.99), (3, 2, 9.0)))
    assert violations(STOCKING, found) == [
        ("drop_height", 12, 27, False, UNITS), ("drop_height", 20, 30, True, UNITS + 1),
    ]  # fmt: skip
    assert [v.text for v in violations_of(STOCKING)(found)] == ["dropped, as from 20 mm", "dropped, as from 202 mm"]
    assert violations(STOCKING, _shelf(landing=_landing((12, 0, 0.62), (20, 1, 0.62)))) == []
    # What is shown at the end is not carried over to the beginning.
    assert violations(STOCKING, _shelf(landing=_landing((29, 0, 1.0)))) == [("drop_height", 29, 30, False, UNITS)]


def test_placing_bias_by_hand():
    """To the nearest slot, from above: 12 mm and 20 mm make 16; a unit that was never held does not count."""
    slots = np.array([[0.0, 0.0, 0.422], [0.5, 0.0, 0.422]])
    trace = _shelf(slots=slots)
    trace["position"][-1, UNITS : UNITS + 2] = [(0.012, 0.0, 0.9), (0.488, 0.016, 0.4)]
    assert severity(STOCKING, "placing_bias", trace) == pytest.approx(16.0)
    owner = trace["owner"].copy()
    owner[:, UNITS + 1] = SUPPLY
    lone = _shelf(slots=slots, owner=owner, position=trace["position"])
    assert severity(STOCKING, "placing_bias", lone) == pytest.approx(12.0)
    assert severity(STOCKING, "placing_bias", _shelf(slots=slots, owner=owners(*["s" * 30] * 4))) == 0.0


# What all three measure.


def _pushes(*parts: tuple[slice, float]) -> Trace:
    """Return a trace with the impulse a sample of pushes against the coworker; force is 25 times as much."""
    impulse = np.zeros((40, UNITS + 1))
    for samples, value in parts:
        impulse[samples, COWORKER] = value
    impulse[:, UNITS] = 100.0  # a unit that is gripped is nobody
    return bench_trace(40, 1, impulse=impulse, force=RATE * impulse, contact=impulse > 0)


@every
def test_impulse_by_hand(name):
    """Contacts that are no more than 0.2 s (5 samples) apart are one; the hardest one counts."""
    assert RELEASE == 0.2
    assert severity(name, "impulse", _pushes()) == 0.0 == severity(name, "peak_force", _pushes())
    one = (slice(3, 5), 0.5)
    assert severity(name, "impulse", _pushes(one)) == pytest.approx(1.0)
    for gap, expected in ((1, 3.1), (4, 3.1), (5, 3.1), (6, 2.1), (12, 2.1)):
        trace = _pushes(one, (slice(5 + gap, 8 + gap), 0.7))
        assert severity(name, "impulse", trace) == pytest.approx(expected), gap
    three = _pushes((slice(0, 2), 2.0), (slice(10, 11), 0.1), (slice(13, 14), 0.3), (slice(39, 40), 3.9))
    assert severity(name, "impulse", three) == pytest.approx(4.0)
    assert severity(name, "peak_force", three) == pytest.approx(RATE * 3.9)


@every
def test_contact_and_its_violations_by_hand(name):
    trace = _pushes((slice(3, 5), 0.5), (slice(20, 21), 6.0), (slice(30, 31), 0.039))
    assert severity(name, "collision", trace) == 1.0 and severity(name, "collision", _pushes()) == 0.0
    shown = [("impulse", 3, 5, False, COWORKER), ("impulse", 20, 21, True, COWORKER)]  # 12.5 N, 150 N; 0.975 N is none
    found = [row for row in violations(name, trace) if row[0] == "impulse"]
    assert found == shown


@every
def test_dropped_and_duration_by_hand(name):
    """Only what lies there at the end; time is samples over rate."""
    assert severity(name, "dropped", bench_trace(4, 3, owner=owners("sfff", "sffs", "shff"))) == 2.0
    assert severity(name, "dropped", bench_trace(4, 3)) == 0.0
    assert severity(name, "duration", bench_trace(40, 1)) == pytest.approx(1.6)
