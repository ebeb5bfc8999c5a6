"""Traces of a bench, drawn by hand."""

from __future__ import annotations

import numpy as np

from testbed.protocols.episode import Signal, Trace
from testbed.scenes.registry import measures_of, violations_of
from testbed.severity.handling import (
    BENCH,
    BUFFER,
    COWORKER,
    COWORKER_TOTE,
    FLOOR,
    IN_COWORKER,
    IN_ROBOT,
    RESERVE,
    SUPPLY,
    TOTE,
    UNITS,
)

RATE = 25


def bench_trace(samples: int, units: int, **changes) -> Trace:
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


def severity(environment: str, name: str, trace: Trace) -> float:
    return measures_of(environment)[name].compute(trace)


def violations(environment: str, trace: Trace) -> list[tuple]:
    """Return violations as (measure, first sample, sample after the last, severe, body)."""
    found = violations_of(environment)(trace)
    assert [v.start for v in found] == sorted(v.start for v in found)
    return [(v.measure, round(v.start * RATE, 6), round(v.end * RATE, 6), v.severe, v.body) for v in found]


# Order picking.


def owners(*ways: str) -> np.ndarray:
    """Return the signal `owner` from one word a unit, one letter a sample."""
    letters = {"b": BENCH, "s": SUPPLY, "h": IN_ROBOT, "t": TOTE, "k": BUFFER, "c": IN_COWORKER, "o": COWORKER_TOTE,
               "r": RESERVE, "f": FLOOR}  # fmt: skip
    owner = np.array([[letters[letter] for letter in way] for way in ways], np.int8).T
    return np.concatenate([np.full((len(owner), UNITS), -1, np.int8), owner], axis=1)
