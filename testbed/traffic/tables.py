"""Tables of trajectories, CSV or Parquet, read into a log."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from testbed.errors import UserError, missing_package
from testbed.traffic.columns import CAR, KNOWN, Columns, columns_there, get_columns
from testbed.traffic.log import TrafficLog, make_log

LENGTHS = "x", "y", "vx", "vy", "speed", "acceleration", "length", "width", "along"
"""Fields in units of length."""


def read_table(path: Path, name: str) -> TrafficLog:
    """Return the log that a table holds.

    Args:
        path: CSV (with commas, semicolons or tabs) or Parquet.
        name: What its columns are called: a name of `KNOWN`, or a TOML file.

    Raises:
        UserError: if it cannot be read, a column is missing, or it is no log.
    """
    columns = get_columns(name)
    table = _opened(path)
    found = columns_there(columns, table.column_names, name in KNOWN)
    numbers = {field: _numbers(table, column) for field, column in found.items() if field not in ("id", "lane")}
    for field in LENGTHS:
        if field in numbers and columns.metres != 1.0:
            numbers[field] = numbers[field] * columns.metres
    names, vehicle = _coded(table, found["id"])
    rows = {"time": numbers["time"] / columns.frames if columns.frames else numbers["time"], "vehicle": vehicle}
    lanes: list[str] = []
    if "lane" in found:
        lanes, rows["lane"] = _coded(table, found["lane"])
    size, guessed = _sizes(numbers, vehicle, len(names))
    heading, speed = _motion(numbers, columns)
    rows |= {"x": numbers["x"], "y": numbers["y"], **heading, **speed}
    if columns.point == "corner":
        if not {"length", "width"} <= numbers.keys():
            raise UserError("x and y are of corners, and no columns say length and width: name them, or another point")
        for axis, side in (("x", "length"), ("y", "width")):
            rows[axis] = rows[axis] + numbers[side] / 2
    rows |= {field: numbers[field] for field in ("acceleration", "along") if field in numbers}
    return make_log(rows, names, lanes, size, guessed, front=columns.point == "front")


def _opened(path: Path) -> Any:
    """Return the table in a file."""
    try:
        import pyarrow
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise missing_package("pyarrow", "formats", "tables need") from None
    try:
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path)
        with path.open(encoding="utf-8", newline="") as file:
            delimiter = csv.Sniffer().sniff(file.readline(), ",;\t").delimiter
        return pyarrow.csv.read_csv(path, parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter))
    except (pyarrow.ArrowInvalid, csv.Error, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is no table ({_short(error)}): give CSV with a first line of names, or Parquet"
        ) from None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _numbers(table: Any, column: str) -> np.ndarray:
    import pyarrow

    try:
        return table[column].cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        raise UserError(f"column {column!r} has something else than numbers: correct it, or name another") from None


def _coded(table: Any, column: str) -> tuple[list[str], np.ndarray]:
    """Return the different values of a column as texts, and the number of each row's."""
    coded = table[column].combine_chunks().dictionary_encode()
    if coded.null_count:
        raise UserError(f"column {column!r} is empty in {coded.null_count:,} rows: fill or drop them")
    return [str(one) for one in coded.dictionary.to_pylist()], coded.indices.to_numpy().astype(np.int64)


def _sizes(numbers: dict[str, np.ndarray], vehicle: np.ndarray, count: int) -> tuple[np.ndarray, list[str]]:
    """Return length and width of every vehicle, those of its first row, and what was taken for granted."""
    first = np.unique(vehicle, return_index=True)[1]
    size = np.tile(CAR, (count, 1)).astype(float)
    guessed = []
    for column, (side, usual) in enumerate(zip(("length", "width"), CAR, strict=True)):
        if side in numbers:
            size[:, column] = numbers[side][first]
        else:
            guessed.append(f"every {side} as {usual:g} m")
    return size, guessed


def _motion(numbers: dict[str, np.ndarray], columns: Columns) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return headings and speeds, as far as the table says them; velocities say both."""
    heading = {"heading": to_radians(numbers["heading"], columns.angles)} if "heading" in numbers else {}
    speed = {"speed": numbers["speed"]} if "speed" in numbers else {}
    if "vx" in numbers and "vy" in numbers:
        vx, vy = numbers["vx"], numbers["vy"]
        if heading:
            angle = heading["heading"]
            speed = speed or {"speed": vx * np.cos(angle) + vy * np.sin(angle)}
        elif (np.hypot(vx, vy) > 0).all():
            heading, speed = {"heading": np.arctan2(vy, vx)}, speed or {"speed": np.hypot(vx, vy)}
    return heading, speed


def to_radians(angle: np.ndarray, angles: str) -> np.ndarray:
    """Return headings from the first axis to the second [rad], from degrees of either kind or radians."""
    if angles == "radians":
        return angle
    return np.deg2rad(90.0 - angle if angles == "compass" else angle)
