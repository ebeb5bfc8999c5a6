"""The merge road: two main lanes and an on-ramp whose acceleration lane ends in a barrier.

x = 0 is where the ramp starts to run parallel to the main road; the left main lane is centred on y = 0.
"""

from __future__ import annotations

import math

from testbed.envs.driving.layout import LANE_WIDTH, NONE, SOLID, STRIPED, Lane

ROAD_START, RAMP_BEND, MERGE_START, MERGE_END, ROAD_END = -700.0, -80.0, 0.0, 200.0, 1200.0
"""Landmarks along x [m]: the ramp swings in from RAMP_BEND and may be left between MERGE_START and MERGE_END."""

LEFT_LANE_Y, RIGHT_LANE_Y, RAMP_Y = 0.0, LANE_WIDTH, 2 * LANE_WIDTH
"""Lane centres [m]; RAMP_Y is the acceleration lane beside the right main lane."""

LANE_LINES = (LANE_WIDTH / 2, 3 * LANE_WIDTH / 2)
"""Lines between the left and the right lane, and between the right lane and the ramp, y [m]."""

BARRIER = (MERGE_END, RAMP_Y, 2.0)
"""What the acceleration lane ends in: x and y of its middle, and the side of its square, highway-env's [m]."""

SPEED_LIMIT = 30.0
"""Speed limit of every lane [m/s]."""

LEFT, RIGHT, RAMP = 0, 1, 2
"""What traces call the lanes."""

_SWING = 3.25  # half the lateral offset of the ramp before it bends in, as in highway-env's merge [m]


def _main(road: tuple[str, str], start: float, end: float, right_line: int) -> tuple[Lane, Lane]:
    return (
        Lane(road, start, end, LEFT_LANE_Y, SPEED_LIMIT, LEFT, (SOLID, STRIPED)),
        Lane(road, start, end, RIGHT_LANE_Y, SPEED_LIMIT, RIGHT, (NONE, right_line)),
    )


LANES: tuple[Lane, ...] = (
    *_main(("a", "b"), ROAD_START, MERGE_START, SOLID),
    *_main(("b", "c"), MERGE_START, MERGE_END, STRIPED),
    Lane(("b", "c"), MERGE_START, MERGE_END, RAMP_Y, SPEED_LIMIT, RAMP, (NONE, SOLID), forbidden=True),
    *_main(("c", "d"), MERGE_END, ROAD_END, SOLID),
    Lane(("j", "k"), ROAD_START, RAMP_BEND, RAMP_Y + 2 * _SWING, SPEED_LIMIT, RAMP, (SOLID, SOLID), forbidden=True),
    Lane(
        ("k", "b"), RAMP_BEND, MERGE_START, RAMP_Y + _SWING, SPEED_LIMIT, RAMP, (SOLID, SOLID), forbidden=True,
        amplitude=_SWING, pulsation=math.pi / (MERGE_START - RAMP_BEND), phase=math.pi / 2,
    ),
)  # fmt: skip
"""Every lane; a stored state refers to a lane by its position here."""
RAMP_BEND_LANE, RAMP_FAR_LANE = 8, 7
"""The lanes on which a ramp vehicle starts."""
