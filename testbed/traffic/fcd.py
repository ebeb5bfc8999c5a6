"""Floating-car data of SUMO, read as a stream."""

from __future__ import annotations

import gzip
import zlib
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

import numpy as np

from testbed.errors import UserError
from testbed.traffic.columns import CAR
from testbed.traffic.log import TrafficLog, make_log
from testbed.traffic.tables import to_radians

FIELDS = "x", "y", "angle", "speed", "pos"
"""What a row says in numbers; `acceleration` where it is there."""
Sizes = Mapping[str, tuple[float, float]]
"""Type of vehicle -> length and width [m]."""


def read_fcd(path: Path, types: Path | None = None) -> TrafficLog:
    """Return the log that floating-car data hold, `sumo --fcd-output`, as XML or packed XML (`.gz`).

    Args:
        path: The file. Its x, y and pos are of the middle of the front, its angles clockwise from y.
        types: Route or additional file of SUMO that declares the types of vehicles, with length and width.

    Raises:
        UserError: if it is no such file, or no log.
    """
    sizes = {} if types is None else read_types(types)
    numbers = {name: array("d") for name in ("time", *FIELDS, "acceleration")}
    vehicle, lane = array("q"), array("q")
    names: dict[str, str] = {}
    order: dict[str, int] = {}
    lanes: dict[str, int] = {}
    with _elements(path) as elements:
        for time, said in elements:
            try:
                name = said["id"]
                numbers["time"].append(time)
                for field in FIELDS:
                    numbers[field].append(float(said[field]))
                if "acceleration" in said:
                    numbers["acceleration"].append(float(said["acceleration"]))
            except (KeyError, ValueError) as error:
                raise UserError(f"{path}: a vehicle at {time:g} s lacks {error}: {MEND}") from None
            names.setdefault(name, said.get("type", ""))
            vehicle.append(order.setdefault(name, len(order)))
            lane.append(lanes.setdefault(said.get("lane", ""), len(lanes)))
    columns = {name: np.frombuffer(values) for name, values in numbers.items() if len(values)}
    if len(numbers["acceleration"]) != len(vehicle):
        columns.pop("acceleration", None)
    if not vehicle:
        raise UserError(f"{path} has no vehicle in it: {MEND}")
    heading = to_radians(columns.pop("angle"), "compass")
    size = np.array([sizes.get(kind, CAR) for kind in names.values()])
    lacking = sorted({kind for kind in names.values() if kind not in sizes})
    guessed = [f"vehicles of type {', '.join(lacking)} as {CAR[0]:g} x {CAR[1]:g} m"] if lacking else []
    columns |= {
        "vehicle": np.frombuffer(vehicle, np.int64), "lane": np.frombuffer(lane, np.int64), "heading": heading,
        "along": columns.pop("pos"),
    }  # fmt: skip
    return make_log(columns, list(names), list(lanes), size, guessed, front=True)


MEND = "give what `sumo --fcd-output` writes"


def read_types(path: Path) -> Sizes:
    """Return the sizes of the types of vehicles that a file of SUMO declares; raises `UserError` if it is none."""
    try:
        with _opened(path) as file:
            found = [element.attrib for _, element in ElementTree.iterparse(file) if element.tag == "vType"]
        return {one.get("id", ""): (float(one.get("length", CAR[0])), float(one.get("width", CAR[1]))) for one in found}
    except (ElementTree.ParseError, OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(
            f"{path} declares no types of vehicles ({error}): give a route or additional file of SUMO"
        ) from None


@contextmanager
def _elements(path: Path) -> Iterator[Iterator[tuple[float, Mapping[str, str]]]]:
    """Yield time and attributes of every vehicle, one after the other."""
    with _opened(path) as file:
        yield _vehicles(path, file)


def _vehicles(path: Path, file: IO[Any]) -> Iterator[tuple[float, Mapping[str, str]]]:
    time, root = 0.0, None
    try:
        for event, element in ElementTree.iterparse(file, events=("start", "end")):
            if root is None:
                root = element
                if root.tag != "fcd-export":
                    raise UserError(f"{path} holds <{root.tag}>, not <fcd-export>: {MEND}")
            if event == "start" and element.tag == "timestep":
                time = float(element.attrib["time"])
            elif event == "end" and element.tag == "vehicle":
                yield time, element.attrib
            elif event == "end" and element.tag == "timestep":
                root.clear()
    except (ElementTree.ParseError, EOFError, KeyError, ValueError, zlib.error) as error:
        raise UserError(f"{path} is damaged, or no XML ({error}): {MEND}") from None


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")
