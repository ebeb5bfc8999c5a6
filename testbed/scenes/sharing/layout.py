"""Where things are on the shared bench. The robot stands at small x, the coworker at large x."""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.scene import RESTING, SUPPLY, TOTE, Zone

UNITS = 4
"""Units in every scene."""
COLUMNS = (1.15, 1.24, 1.33, 1.42)
SOURCE = np.array([(x, 0.41, RESTING) for x in COLUMNS])
"""Where units wait [m]."""
GOAL_SLOTS = np.array([(x, 1.15, RESTING) for x in COLUMNS])
"""Where they go [m]."""
HOME = (1.14, 0.44, 0.56)
HAND_HOME = (1.66, 0.78, 0.62)
SHARED = Zone("shared", (1.31, 0.78), (0.18, 0.17), (0.93, 0.86, 0.62), rim=False)
"""Where both work."""
ZONES = {
    SUPPLY: Zone("source", (1.285, 0.41), (0.19, 0.055), (0.86, 0.80, 0.66)),
    TOTE: Zone("goal", (1.285, 1.15), (0.19, 0.055), (0.35, 0.55, 0.85)),
}
"""Areas by whose units they hold."""
WAITS = (0.53, 1.03)
"""y at which the robot waits before the zone on either side [m]."""
