"""What the columns of somebody's table are called, and in what units and of what point they speak."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from testbed.errors import UserError, unknown_name
from testbed.records import read_toml

CAR = 5.0, 1.8
"""Length and width of a vehicle of which neither table nor types say them, SUMO's default passenger car [m]."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a table of trajectories; what is empty is not there."""

    time: str = "time"
    """Time [s], or number of the frame where `frames` is given."""
    id: str = "id"
    """What the vehicle is called."""
    x: str = "x"
    """First coordinate."""
    y: str = "y"
    """Second one, to the left or to the right of the first."""
    heading: str = ""
    """Heading."""
    speed: str = ""
    """Speed along the heading."""
    vx: str = ""
    """Velocity along the first coordinate; with `vy` it gives heading and speed."""
    vy: str = ""
    """Velocity along the second one."""
    acceleration: str = ""
    """Acceleration along the heading."""
    length: str = ""
    """Length of the vehicle."""
    width: str = ""
    """Its width."""
    lane: str = ""
    """Lane."""
    along: str = ""
    """Where the front is along its lane."""
    frames: float = 0.0
    """Frames a second, where times are numbers of frames [Hz]."""
    metres: float = 1.0
    """What one unit of length is; 0.3048 for feet [m]."""
    point: Literal["centre", "front", "corner"] = "centre"
    """What x and y are of: the centre, the middle of the front, or the least corner of a box along the axes with the
    sides `length` and `width`."""
    angles: Literal["radians", "degrees", "compass"] = "radians"
    """Headings from the first axis to the second, or degrees clockwise from the second axis."""


KNOWN: Mapping[str, Columns] = {
    "plain": Columns(heading="heading", speed="speed", vx="vx", vy="vy", acceleration="acceleration", length="length",
                     width="width", lane="lane", along="along"),
    "highd": Columns(time="frame", vx="xVelocity", vy="yVelocity", length="width", width="height", lane="laneId",
                     frames=25.0, point="corner"),
    "ind": Columns(time="frame", id="trackId", x="xCenter", y="yCenter", heading="heading", length="length",
                   width="width", vx="xVelocity", vy="yVelocity", frames=25.0, angles="degrees"),
    "ngsim": Columns(time="Frame_ID", id="Vehicle_ID", x="Local_Y", y="Local_X", speed="v_Vel", acceleration="v_Acc",
                     length="v_Length", width="v_Width", lane="Lane_ID", along="Local_Y", frames=10.0, metres=0.3048,
                     point="front"),
    "sumo": Columns(time="timestep_time", id="vehicle_id", x="vehicle_x", y="vehicle_y", heading="vehicle_angle",
                    speed="vehicle_speed", acceleration="vehicle_acceleration", lane="vehicle_lane",
                    along="vehicle_pos", point="front", angles="compass"),
}  # fmt: skip
"""Name -> columns of tables that are about: our own names, highD (Krajewski et al. 2018), inD, rounD and exiD (Bock et
al. 2020), NGSIM (FHWA 2007), and what SUMO's xml2csv makes of floating-car data. What such a table has not is found
without."""
NEEDED = "time", "id", "x", "y"


def get_columns(name: str) -> Columns:
    """Return columns by name, or as a TOML file says them; raises `UserError` for neither."""
    if name in KNOWN:
        return KNOWN[name]
    if not name.endswith(".toml"):
        raise unknown_name("set of columns", name, [*KNOWN, "FILE.toml"])
    found = read_toml(Path(name), Columns, "set of columns")
    if not (0 <= found.frames < math.inf and 0 < found.metres < math.inf):
        raise UserError(f"{name}: give frames of 0 or more a second, and metres above 0")
    return found


def columns_there(columns: Columns, there: list[str], known: bool) -> dict[str, str]:
    """Return what of a set of columns a table has, field -> column.

    Args:
        columns: The set.
        there: What the table's columns are called.
        known: Whether the set is one of `KNOWN`, of which what is not needed may be missing.

    Raises:
        UserError: if a column is missing.
    """
    asked = {one.name: getattr(columns, one.name) for one in fields(columns)
             if one.name not in ("frames", "metres", "point", "angles") and getattr(columns, one.name)}  # fmt: skip
    missing = {field: name for field, name in asked.items() if name not in there}
    for field, name in missing.items():
        if field in NEEDED or not known:
            said = f"no column {name!r} for {field}; there are {', '.join(there[:20])}"
            raise UserError(f"{said}: say with --columns what they are called")
    return {field: name for field, name in asked.items() if field not in missing}
