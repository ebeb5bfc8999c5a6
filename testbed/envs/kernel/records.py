"""What a world is made of: record arrays, one row a lane, a vehicle, a walker or obstacle, a sample of the trace.

A world is small (a few kilobytes), so the records of one world lie together in memory and the
fields read as they do in highway-env: `vehicle.target_speed`.
"""

from __future__ import annotations

import numpy as np

SIMULATION_HZ, DECISION_HZ = 15, 5
FRAMES = SIMULATION_HZ // DECISION_HZ
"""Simulation steps from one decision to the next."""
DT = 1 / SIMULATION_HZ
"""Length of a simulation step [s]."""

NOBODY = -1
"""Stands for the vehicle that is not there."""

CONTROLLED, TRAFFIC = 0, 1
"""Who drives a vehicle: a policy, or IDM and MOBIL."""

FIXED, APPROACH, WAIT, CROSS, HURRY, STOP, RETREAT, AWAY = range(8)
"""What a walker is doing; obstacles and bystanders are FIXED."""

TERMINATED, TRUNCATED, SUCCESS, HELD = 1, 2, 4, 8
"""How an episode ended, as bits: by its own rules, at the time limit, with its task done. HELD: it is not over, but
its world stands still for one step."""

SEARCHED = 4
"""A neighbour on a lane is looked for on at most so many lanes: itself, the one after, two before."""

LANE = np.dtype([
    ("start", "f8"), ("y", "f8"), ("length", "f8"), ("width", "f8"), ("speed_limit", "f8"), ("forbidden", "i8"),
    ("amplitude", "f8"), ("pulsation", "f8"), ("phase", "f8"),
    ("road", "i8"), ("number", "i8"), ("count", "i8"), ("lateral", "i8"),
    ("next_first", "i8"), ("next_count", "i8"),
    ("searched", "i8", (SEARCHED,)), ("offset", "f8", (SEARCHED,)), ("around", "i8"),
])  # fmt: skip
"""A lane along x: start [m], y of its centre [m], sine [m, rad/m, rad]; its road, its number there from the
left, how many lanes the road has, what traces call it; the first lane of the next road (NOBODY: none) and how
many that has; where neighbours are searched (NOBODY: nowhere) with the offset along this lane [m], and the same
lanes as bits."""

VEHICLE = np.dtype([
    ("x", "f8"), ("y", "f8"), ("heading", "f8"), ("speed", "f8"), ("target_speed", "f8"),
    ("lane", "i8"), ("target_lane", "i8"), ("timer", "f8"), ("steering", "f8"), ("acceleration", "f8"),
    ("crashed", "i8"), ("has_impact", "i8"), ("impact_x", "f8"), ("impact_y", "f8"),
    ("length", "f8"), ("width", "f8"), ("driver", "i8"), ("kind", "i8"),
])  # fmt: skip
"""A vehicle, in SI units; lanes are positions in the lane table, `kind` one in `testbed.envs.driving.kinds`."""

OBJECT = np.dtype([
    ("x", "f8"), ("y", "f8"), ("heading", "f8"), ("speed", "f8"), ("vx", "f8"), ("vy", "f8"),
    ("length", "f8"), ("width", "f8"), ("solid", "i8"), ("phase", "i8"), ("side", "f8"), ("path_x", "f8"),
    ("walk", "f8"), ("margin", "f8"), ("waited", "f8"), ("kind", "i8"),
])  # fmt: skip
"""An obstacle or a walker, in SI units: `side` is the sign of the walker's way across in y, `path_x` where it
crosses, `walk` its speed when nothing hurries it, `margin` what it adds to the time it needs, `waited` at the kerb."""

BODY = np.dtype([
    ("x", "f8"), ("y", "f8"), ("heading", "f8"), ("speed", "f8"), ("cos", "f8"), ("sin", "f8"),
    ("length", "f8"), ("width", "f8"), ("lanes", "i8"),
])  # fmt: skip
"""What all others see of a vehicle or an object in a simulation step, in SI units: cosine and sine of its heading are
there, and the lanes it is on as bits, the first lane's the lowest."""

LANES = 62
"""A road has at most so many lanes."""

WORLD = np.dtype([("steps", "i8"), ("since", "i8"), ("collided", "i8"), ("ended", "i8"), ("context", "i8", (4,))])
"""The clock of a world: simulation steps done, the one in which the ego passed what ends the scene (NOBODY: not
yet), whether anything touched the ego, how the episode ended (0: not yet); its context factors as positions."""

SAMPLE = np.dtype([
    ("position", "f8", (2,)), ("heading", "f8"), ("speed", "f8"), ("acceleration", "f8"),
    ("lane", "i1"), ("contact", "?"),
])  # fmt: skip
"""One sample of the trace of one body."""
