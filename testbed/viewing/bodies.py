"""Who is in a trace, as a page draws them: what each body is, how large, and what it is called."""

from __future__ import annotations

from typing import Any

import numpy as np

from testbed.envs.driving.kinds import KINDS
from testbed.protocols.episode import Trace
from testbed.protocols.scene import SceneSpec

DOT = 0.025
"""Size of a body of which only its place is known, as a share of where all of them are."""


def bodies(scene: SceneSpec, trace: Trace) -> list[dict[str, Any]]:
    """Return a record for every body that has a place: what it is, its name, and its length and width [m].

    Returns:
        Nothing where the trace has no `position` of shape (samples, bodies, 2 or 3).
    """
    if "position" not in trace.signals:
        return []
    places = trace["position"]
    if places.ndim != 3 or places.shape[2] not in (2, 3):
        return []
    size = trace["size"] if "size" in trace.constants else None
    if scene.domain == "driving" and size is not None and np.shape(size) == (places.shape[1], 2):
        return _road_users(trace, size)
    if scene.domain == "warehouse" and size is not None and "mine" in trace.constants:
        return _bench(trace, size)
    return _dots(places)


def _road_users(trace: Trace, size: np.ndarray) -> list[dict[str, Any]]:
    walkers = trace["walker"] if "walker" in trace.constants else np.zeros(len(size))
    found = []
    for number, (length, width) in enumerate(size.tolist()):
        near = min(KINDS, key=lambda name: abs(KINDS[name].length - length) + abs(KINDS[name].width - width))
        look = "walker" if walkers[number] else near
        name = "ego" if number == 0 else f"{'pedestrian' if walkers[number] else near} {number}"
        found.append(_body(look, name, length, width))
    return found


def _bench(trace: Trace, size: np.ndarray) -> list[dict[str, Any]]:
    found = [_body("gripper", "gripper", *(2 * size[0, :2])), _body("hand", "coworker's hand", *(2 * size[1, :2]))]
    for number, mine in enumerate(trace["mine"].tolist()):
        look, whose = ("own", "unit") if mine else ("theirs", "coworker's unit")
        found.append(_body(look, f"{whose} {number + 2}", *(2 * size[number + 2, :2])))
    return found


def _dots(places: np.ndarray) -> list[dict[str, Any]]:
    """Return bodies of which only the place is known; they are as large as can be seen."""
    span = float(np.ptp(places[..., :2].reshape(-1, 2), axis=0).max(initial=0.0)) or 1.0
    side = span * DOT
    return [_body("dot", f"body {number}", side, side) for number in range(places.shape[1])]


def _body(look: str, name: str, length: float, width: float) -> dict[str, Any]:
    return {"look": look, "name": name, "length": round(float(length), 4), "width": round(float(width), 4)}
