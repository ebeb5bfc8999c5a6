"""A road as a declared list of lanes, and the same as the records that the kernel drives on.

Coordinates follow highway-env: x along the road [m], y to the right [m]; every lane runs along x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from testbed.envs.kernel.records import LANE, LANES, NOBODY, SEARCHED

LANE_WIDTH = 4.0
"""Width of every lane, highway-env's own [m]."""

NONE, STRIPED, SOLID = 0, 1, 3
"""Kinds of lane line: highway-env's numbers."""


@dataclass(frozen=True)
class Lane:
    """One lane. Lanes of one road (the same two nodes) stand together in a list, from left to right."""

    road: tuple[str, str]
    """The nodes that the road connects."""
    start: float
    """Where it begins along x [m]."""
    end: float
    """Where it ends along x [m]."""
    y: float
    """Its centre, or the axis it swings round [m]."""
    speed_limit: float
    """Speed limit [m/s]."""
    lateral: int
    """What traces call it."""
    lines: tuple[int, int]
    """Kinds of line on its left and right side."""
    forbidden: bool = False
    """Whether nobody may change to it."""
    amplitude: float = 0.0
    """How far it swings to either side [m]; the rest describes that sine."""
    pulsation: float = 0.0
    """[rad/m]."""
    phase: float = 0.0
    """[rad]."""


@cache
def lane_table(lanes: tuple[Lane, ...]) -> np.ndarray:
    """Return the lanes as records LANE, shape (lanes,).

    Raises:
        ValueError: if more roads meet at a node than the kernel follows, or there are more lanes than it tells apart.
    """
    if len(lanes) > LANES:
        raise ValueError(f"the kernel tells up to {LANES} lanes apart, not {len(lanes)}")
    table = np.zeros(len(lanes), LANE)
    roads = list(dict.fromkeys(lane.road for lane in lanes))
    members = {road: [n for n, lane in enumerate(lanes) if lane.road == road] for road in roads}
    for number, lane in enumerate(lanes):
        row, siblings = table[number], members[lane.road]
        for name in ("start", "y", "speed_limit", "forbidden", "amplitude", "pulsation", "phase", "lateral"):
            row[name] = getattr(lane, name)
        row["length"], row["width"] = lane.end - lane.start, LANE_WIDTH
        row["road"], row["number"], row["count"] = roads.index(lane.road), siblings.index(number), len(siblings)
        after = [members[road] for road in roads if road[0] == lane.road[1]]
        before = [members[road] for road in roads if road[1] == lane.road[0]]
        if len(after) > 1 or len(after) + len(before) >= SEARCHED:
            raise ValueError(f"the kernel follows one road out of a node and up to two into it; see road {lane.road}")
        row["next_first"], row["next_count"] = (after[0][0], len(after[0])) if after else (NOBODY, 0)
        row["searched"], row["offset"] = NOBODY, 0.0
        own = row["number"]
        found = [(number, 0.0)]
        found += [(_sibling(road, own), row["length"]) for road in after]
        found += [(n, -(lanes[n].end - lanes[n].start)) for n in (_sibling(road, own) for road in before)]
        for k, (searched, offset) in enumerate(found):
            row["searched"][k], row["offset"][k] = searched, offset
        row["around"] = sum(1 << n for n in {searched for searched, _ in found})
    return table


def _sibling(road: list[int], number: int) -> int:
    """Return the lane of a number on another road, or its first where it has fewer (as highway-env does)."""
    return road[number] if number < len(road) else road[0]
