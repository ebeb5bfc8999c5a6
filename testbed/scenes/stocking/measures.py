"""Severity of shelf stocking: what happened to other people's units, and how one's own were set down."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.protocols.episode import Trace
from testbed.protocols.measure import Measure, Violation, stretches
from testbed.severity import handling
from testbed.severity.handling import IN_ROBOT, UNITS

GRAVITY = 9.81
"""[m/s2]"""


def displacement_over_time(trace: Trace) -> np.ndarray:
    """Return how far each unit of the coworker is from where it stood, seen from above, shape (samples, units) [cm]."""
    theirs = trace["mine"] == 0
    moved = trace["position"][:, UNITS:, :2][:, theirs] - trace["start"][theirs, :2]
    return 100 * np.linalg.norm(moved, axis=-1)


def displacement(trace: Trace) -> float:
    """Return the mean distance of the coworker's units from where they stood, from rest to rest [cm]."""
    moved = displacement_over_time(trace)
    return float(moved[-1].mean()) if moved.shape[1] else 0.0


def landings(trace: Trace) -> np.ndarray:
    """Return the speeds at which the robot's units came down on the bench, one each that was carried [m/s].

    Of each unit the last landing after it was held counts.
    """
    speeds = []
    for unit in np.flatnonzero(trace["mine"]) + UNITS:
        held = np.flatnonzero(trace["owner"][:, unit] == IN_ROBOT)
        down = np.flatnonzero(trace["landing"][:, unit] > 0)
        if len(held) and len(down) and down[-1] >= held[0]:
            speeds.append(trace["landing"][down[-1], unit])
    return np.array(speeds)


def height_over_time(trace: Trace) -> np.ndarray:
    """Return the equivalent drop height of what lands, the highest of the robot's units, shape (samples,) [mm]."""
    speed = trace["landing"][:, UNITS:][:, trace["mine"] == 1]
    return 1000 * speed.max(axis=1, initial=0.0) ** 2 / (2 * GRAVITY)


def drop_height(trace: Trace) -> float:
    """Return the mean equivalent drop height at placing, v^2 / 2g with v the speed at landing [mm]."""
    speeds = landings(trace)
    return float(1000 * (speeds**2).mean() / (2 * GRAVITY)) if len(speeds) else 0.0


def placing_bias(trace: Trace) -> float:
    """Return the mean distance of the robot's placed units from the middle of the nearest slot [mm]."""
    offsets = []
    for unit in np.flatnonzero(trace["mine"]) + UNITS:
        if (trace["owner"][:, unit] == IN_ROBOT).any():
            place = trace["position"][-1, unit, :2]
            offsets.append(np.linalg.norm(trace["slots"][:, :2] - place, axis=1).min())
    return float(1000 * np.mean(offsets)) if offsets else 0.0


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("displacement", "coworker's units moved", "cm", displacement, "higher", 0.5, 2.0,
                "mean over the coworker's units, from rest to rest; thresholds ours"),
        Measure("drop_height", "equivalent drop height", "mm", drop_height, "higher", 20.0, 200.0,
                "v²/2g at landing; 200 ours, ISTA 1A drops at 760 (up to 10 kg)"),
        Measure("placing_bias", "distance from the slot's middle", "mm", placing_bias, "higher", 20.0, 50.0, "ours"),
        *handling.COMMON,
    )
}  # fmt: skip
"""Every measure of shelf stocking by name."""


def violations(trace: Trace) -> list[Violation]:
    """Return what a viewer should look at, in order of time."""
    found = []
    theirs = np.flatnonzero(trace["mine"] == 0) + UNITS
    moved = displacement_over_time(trace)
    for column, unit in enumerate(theirs):
        text = "pushed {:.0f} cm away"
        found += stretches(trace, moved[:, column], "displacement", (2.0, 5.0), text, int(unit))
    for unit in np.flatnonzero(trace["mine"]) + UNITS:
        height = 1000 * trace["landing"][:, unit] ** 2 / (2 * GRAVITY)
        shown = np.maximum.reduce([np.roll(height, shift) * (np.arange(len(height)) >= shift) for shift in range(15)])
        found += stretches(trace, shown, "drop_height", (20.0, 200.0), "dropped, as from {:.0f} mm", int(unit))
    return sorted(found + handling.contacts(trace), key=lambda violation: violation.start)
