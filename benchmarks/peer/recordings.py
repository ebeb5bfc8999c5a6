"""Our episodes as recordings for SUMO, and what its SSM device says of them; see `sumo_ssm.py`."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from testbed.errors import UserError
from testbed.protocols.episode import Trace
from testbed.scenes.crosswalk.encounter import EGO, WALKING, reach, side_at

EDGE = 9.9
"""The ramp before x = 0 lies beyond the third lane of SUMO's road; vehicles out there are put on its edge, y [m]."""
ON = 300
"""Samples by which both go on after a passage, until a pedestrian is across: SUMO gives no PET before."""


def asked(python: Path, recordings: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the encounters that SUMO's device finds in recordings; raises UserError if it does not run."""
    with tempfile.TemporaryDirectory() as temporary:
        given, found = Path(temporary, "recordings.json"), Path(temporary, "found.json")
        given.write_text(json.dumps(recordings))
        program = Path(__file__).parent / "sumo_ssm.py"
        done = subprocess.run([python, "-I", program, given, found], capture_output=True, text=True)
        if done.returncode:
            raise UserError(f"SUMO does not run: {done.stderr.strip().splitlines()[-1:]}")
        return json.loads(found.read_text())


def vehicle(size: np.ndarray, route: str, places: Sequence[np.ndarray | float]) -> dict[str, Any]:
    """Return a vehicle for SUMO from its length and width, and x, y, heading and speed over time."""
    table = np.stack(np.broadcast_arrays(*places), axis=-1)
    return {"length": float(size[0]), "width": float(size[1]), "route": route, "places": table.tolist()}


def on_three_lanes(trace: Trace) -> dict[str, Any]:
    """Return a merge as a recording: all vehicles, by the middle of their fronts."""
    heading, size = trace["heading"], trace["size"]
    front = trace["position"] + np.stack([np.cos(heading), np.sin(heading)], axis=-1) * size[:, :1] / 2
    columns = front[..., 0], -np.minimum(front[..., 1], EDGE), -heading, trace["speed"]
    vehicles = [vehicle(size[n], "along", [column[:, n] for column in columns]) for n in range(len(size))]
    return {"road": ["straight", 3, 4.0], "vehicles": vehicles}


def on_crossing(trace: Trace, body: int) -> dict[str, Any]:
    """Return the ego and a pedestrian as a recording; their ways cross in (0, 0), on lanes as wide as they are."""
    position, (ego_size, size) = trace["position"], trace["size"][[EGO, body]]
    beside = position[:, body, 1] - position[reach(trace), EGO, 1]
    way = position[np.abs(beside) <= (ego_size[1] + size[1]) / 2, body, 0]
    ego, ego_speed = _going_on(trace, position[:, EGO, 0] - (way.min() + way.max()) / 2, 0.0)
    walker, walker_speed = _going_on(trace, side_at(trace, body, 0) * beside, WALKING)
    vehicles = [
        vehicle(ego_size, "along", [ego + ego_size[0] / 2, 0.0, 0.0, ego_speed]),
        vehicle(size, "across", [0.0, walker + size[0] / 2, np.pi / 2, walker_speed]),
    ]
    return {"road": ["crossing", float(ego_size[1]), float(size[1])], "vehicles": vehicles}


def _going_on(trace: Trace, along: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a way that goes on at its last speed, at least the least, and its speeds.

    A vehicle does not step back or aside, as waiting pedestrians do by some centimetres: it stays where it has come
    farthest, and its speed is that along the way, which SUMO adds up once one of both has left.
    """
    along = np.maximum.accumulate(along)
    speed = np.diff(along, prepend=along[0]) * trace.rate
    last = max(float(speed[-1]), least)
    further = along[-1] + last * np.arange(1, ON + 1) / trace.rate
    return np.concatenate([along, further]), np.concatenate([speed, np.full(ON, last)])
