"""The crosswalk road: two lanes in one direction and a zebra.

x = 0 is the middle of the zebra; the left lane is centred on y = 0 and the ego drives on the right one.
Nobody may change lanes: overtaking at a crossing is forbidden (for example StVO section 26 (3)).
"""

from __future__ import annotations

import numpy as np

from testbed.envs.driving.layout import LANE_WIDTH, SOLID, Lane

LEFT_LANE_Y, RIGHT_LANE_Y = 0.0, LANE_WIDTH
"""Lane centres [m]."""
SPEED_LIMIT = 50 / 3.6
"""Speed limit [m/s]."""
ZEBRA = np.array([[-2.0, 2.0], [LEFT_LANE_Y - LANE_WIDTH / 2, RIGHT_LANE_Y + LANE_WIDTH / 2]])
"""Where pedestrians cross: along x, and from one edge of the road to the other in y [m]."""
LANE_LINES = (LANE_WIDTH / 2,)
"""The line between the lanes, y [m]."""

_ROAD, _START, _END = ("a", "b"), -500.0, 500.0

LANES: tuple[Lane, ...] = (
    Lane(_ROAD, _START, _END, LEFT_LANE_Y, SPEED_LIMIT, 0, (SOLID, SOLID), forbidden=True),
    Lane(_ROAD, _START, _END, RIGHT_LANE_Y, SPEED_LIMIT, 1, (SOLID, SOLID), forbidden=True),
)
"""Both lanes; a stored state refers to a lane by its position here."""
