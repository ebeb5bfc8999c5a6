"""Traces of a merge, drawn by hand."""

from __future__ import annotations

import numpy as np

from testbed.protocols.episode import Signal, Trace
from testbed.scenes.merge.measures import MEASURES

RATE, SAMPLES = 15, 150
EGO, LEADER, FOLLOWER = 0, 1, 2


def drawn_merge(**changes: np.ndarray) -> Trace:
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


def severity_of(name: str, trace: Trace) -> float:
    return MEASURES[name].compute(trace)


def accelerating(*parts: tuple[slice | int, float], body: int = FOLLOWER) -> np.ndarray:
    array = np.zeros((SAMPLES, 3))
    for samples, value in parts:
        array[samples, body] = value
    return array
