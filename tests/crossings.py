"""A zebra crossing made by hand, for tests of what is measured there."""

from __future__ import annotations

import numpy as np

from testbed.protocols.episode import Signal, Trace

RATE, SAMPLES = 15, 240
SAMPLE = np.arange(SAMPLES)
EGO, OTHER, WALKER = 0, 1, 2
FRONT = -88.4 + 0.8 * SAMPLE
"""The ego's front at 12 m/s: it reaches the zebra, at x = 0, at sample 111."""


def way(*knots: tuple[float, float]) -> np.ndarray:
    """Return y over time through (sample, y), constant before the first and after the last."""
    return np.interp(SAMPLE, *zip(*knots, strict=True))


def comes(arrival: int, starts: float = np.inf) -> np.ndarray:
    """Return a walker's y: 1.5 m/s (0.1 m a sample) to y = -3.25, and on from `starts` to y = 10.

    It is at -3.75, the first place within 1.8 m of the edge at -2, in sample `arrival`.
    """
    y = np.minimum(-3.75 + 0.1 * (SAMPLE - arrival), -3.25)
    return np.where(starts < SAMPLE, np.minimum(-3.25 + 0.1 * (SAMPLE - starts), 10.0), y)


def scene(*walkers: np.ndarray, front: np.ndarray = FRONT, speed: float | np.ndarray = 12.0, **changes) -> Trace:
    """Return a crossing: the zebra from x = 0 to 4, the road from y = -2 to 6, the ego's centre at y = 4.

    Vehicles are 5 x 2 m, walkers 0.6 x 0.6 m; the walkers given by their y are at x = 0.
    """
    bodies = 2 + len(walkers)
    position = np.zeros((SAMPLES, bodies, 2))
    position[:, EGO] = np.stack([front - 2.5, np.full(SAMPLES, 4.0)], axis=-1)
    position[:, OTHER] = 200.0, 0.0
    for number, y in enumerate(walkers):
        position[:, 2 + number, 1] = y
    speeds = np.zeros((SAMPLES, bodies))
    speeds[:, EGO] = speed
    values = {
        "position": position,
        "heading": np.zeros((SAMPLES, bodies)),
        "speed": speeds,
        "acceleration": np.zeros((SAMPLES, bodies)),
        "lane": np.zeros((SAMPLES, bodies), dtype=np.int8),
        "contact": np.zeros((SAMPLES, bodies), dtype=bool),
    } | changes
    constants = {
        "size": np.array([[5.0, 2.0]] * 2 + [[0.6, 0.6]] * len(walkers)),
        "walker": (np.arange(bodies) >= 2).astype(np.int8),
        "zebra": np.array([[0.0, 4.0], [-2.0, 6.0]]),
    }
    signals = {name: Signal(array, "") for name, array in values.items()}
    return Trace(RATE, signals, {name: Signal(array, "") for name, array in constants.items()})


def speed_in_parts(*parts: tuple[int, float]) -> np.ndarray:
    """Return a speed that changes at each given sample."""
    return np.array([[value for start, value in parts if start <= k][-1] for k in SAMPLE])


def until(trace: Trace, samples: int) -> Trace:
    """Return a trace that ends early."""
    signals = {name: Signal(signal.values[:samples], signal.unit) for name, signal in trace.signals.items()}
    return Trace(trace.rate, signals, trace.constants)


WAITS = scene(comes(42, starts=130))
"""A walker arrives at sample 42, waits at y = -3.25, and starts at sample 130, after the ego has passed."""
