"""Where things are on the stocking bench. The robot stands at small x, the coworker at large x."""

from __future__ import annotations

import numpy as np

from testbed.envs.warehouse.scene import BENCH, RESTING, SUPPLY, Zone

OWN, OTHERS = 3, 4
"""Units that the robot stocks, and units of the coworker."""
UNITS = OWN + OTHERS
"""Units in every scene: the robot's first, then the coworker's."""
ROW = 1.36
"""x of the row in which both stand [m]."""
SOURCE = np.array([(1.13, y, RESTING) for y in (0.62, 0.76, 0.90)])
"""Where the robot's units wait [m]."""
SLOTS = np.array([(ROW, y, RESTING) for y in (0.58, 0.78, 0.98)])
"""Where they go [m]."""
THEIRS = np.array([(ROW, y, RESTING) for y in (0.68, 0.88, 1.08, 0.48)])
"""Where the coworker's units stand; number i is the neighbour of slot i [m]."""
HOME = (1.14, 0.42, 0.56)
HAND_HOME = (1.68, 0.78, 0.62)
ZONES = {
    SUPPLY: Zone("source", (1.13, 0.76), (0.055, 0.20), (0.86, 0.80, 0.66)),
    BENCH: Zone("row", (ROW, 0.78), (0.045, 0.36), (0.88, 0.87, 0.83), rim=False),
}
"""Areas of the bench; the slots of either side are painted on the row."""
PAINTED = tuple(
    Zone(f"{whose} {number}", (float(x), float(y)), (0.030, 0.030), colour, rim=False)
    for whose, places, colour in (("slot", SLOTS, (0.35, 0.55, 0.85)), ("place", THEIRS, (0.95, 0.60, 0.25)))
    for number, (x, y, _) in enumerate(places)
)
"""The slots of both."""
