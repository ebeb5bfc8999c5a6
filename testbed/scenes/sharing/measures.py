"""Severity at a shared bench: how much nearer than safe the robot came to the coworker, and how hard it hit.

Speed and separation monitoring of ISO/TS 15066, 5.5.4: S_p = S_h + S_r + S_s + C, with
S_h = v_h (T_r + T_s), S_r = v_r T_r, S_s = v_r^2 / 2a, T_s = v_r / a. v_r and v_h are the speeds at which gripper and
hand come nearer to each other, as monitored; the standard's 1.6 m/s is for a person whose speed is not known.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.mechanics.separation import protective_distance
from testbed.protocols.episode import Trace
from testbed.protocols.measure import Measure, Violation, stretches
from testbed.severity import handling
from testbed.severity.handling import COWORKER, ROBOT


def shortfall_over_time(trace: Trace) -> np.ndarray:
    """Return by how much robot and coworker are nearer than their protective distance, shape (samples,) [m]."""
    way = trace["position"][:, COWORKER] - trace["position"][:, ROBOT]
    way = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    robot = np.maximum((trace["velocity"][:, ROBOT] * way).sum(1), 0.0)
    hand = np.maximum(-(trace["velocity"][:, COWORKER] * way).sum(1), 0.0)
    return np.maximum(protective_distance(robot, hand) - separation(trace), 0.0)


def shortfall(trace: Trace) -> float:
    """Return the integral of the separation shortfall [m s]; 0 is safe."""
    return float(shortfall_over_time(trace).sum() / trace.rate)


def separation(trace: Trace) -> np.ndarray:
    """Return the distance between gripper and coworker, shape (samples,) [m], at least 0."""
    return np.maximum(trace["separation"][:, 0], 0.0)


def nearest(trace: Trace) -> float:
    """Return the smallest distance between gripper and coworker [m]."""
    return float(separation(trace).min())


def zone_conflict(trace: Trace) -> float:
    """Return for how long gripper and coworker are in the shared zone together [s]."""
    both = trace["in_zone"][:, ROBOT].astype(bool) & trace["in_zone"][:, COWORKER].astype(bool)
    return float(both.sum() / trace.rate)


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("shortfall", "separation shortfall", "m s", shortfall, "higher", 0.05, 0.2,
                "ISO/TS 15066 5.5.4 with monitored speeds; thresholds ours", margin=0.05),  # clones differ by half
        Measure("nearest", "smallest separation", "m", nearest, "lower", 0.10, 0.01, "distance of gripper and hand"),
        Measure("zone_conflict", "together in the zone", "s", zone_conflict, "higher", None, None, "ours"),
        *handling.COMMON,
    )
}  # fmt: skip
"""Every measure of the shared bench by name."""


def violations(trace: Trace) -> list[Violation]:
    """Return what a viewer should look at, in order of time."""
    short = 100 * shortfall_over_time(trace)
    found = stretches(trace, short, "shortfall", (5.0, 20.0), "{:.0f} cm too near", ROBOT)
    return sorted(found + handling.contacts(trace), key=lambda violation: violation.start)
