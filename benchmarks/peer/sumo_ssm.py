"""The half of `ssm.py` that runs in an environment with SUMO; it is started by the other half.

    python sumo_ssm.py RECORDINGS.json FOUND.json

A recording says which road it is on, and of every vehicle its size, its route and where it is at each sample: the
middle of its front (x, y to the left [m]), its heading from x [rad] and its speed. Each is played in SUMO with an
SSM device on the first vehicle; what is found are the device's encounters, sample by sample.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import libsumo
import sumo

STEP, SLOWED = 0.1, 1.5
"""SUMO's clock has whole milliseconds, so a sample of 1/15 s is played in 0.1 s, at two thirds of all speeds."""
START, END = -1000.0, 2000.0
"""Where a straight road begins and ends [m]."""
ARM = 300.0
"""Length of the four arms of a crossing [m]."""
MEASURES = {"TTC": SLOWED, "DRAC": 1 / SLOWED**2}
"""What is found over time, and how many times too large it is for being slowed down."""


def straight(lanes: int, width: float) -> tuple[str, str, dict[str, list[str]], tuple[float, float]]:
    """Return nodes, edges, routes and SUMO's shift in y of a straight road whose leftmost lane is centred on y = 0."""
    nodes = f'<node id="a" x="{START}" y="0"/><node id="b" x="{END}" y="0"/>'
    edges = f'<edge id="e" from="a" to="b" numLanes="{lanes}" speed="100" width="{width}" spreadType="right"/>'
    return nodes, edges, {"along": ["e"]}, (-START, -width / 2)


def crossing(along: float, across: float) -> tuple[str, str, dict[str, list[str]], tuple[float, float]]:
    """Return the same of two roads, one lane each of a given width, that cross in x = 0, y = 0."""
    ends = {"w": (-ARM, 0), "e": (ARM, 0), "s": (0, -ARM), "n": (0, ARM)}
    nodes = '<node id="c" x="0" y="0" type="priority" radius="0.5"/>'
    nodes += "".join(f'<node id="{name}" x="{x}" y="{y}"/>' for name, (x, y) in ends.items())
    arms = (
        ("west", "w", "c", along),
        ("east", "c", "e", along),
        ("south", "s", "c", across),
        ("north", "c", "n", across),
    )
    edges = "".join(
        f'<edge id="{name}" from="{a}" to="{b}" numLanes="1" speed="100" width="{width}" spreadType="center"/>'
        for name, a, b, width in arms
    )
    return nodes, edges, {"along": ["west", "east"], "across": ["south", "north"]}, (ARM, 0.0)


def make(folder: Path, road: list) -> tuple[Path, dict[str, list[str]], tuple[float, float]]:
    """Return the file of a road, its routes and SUMO's shift; it is made if it is not there."""
    kind, *widths = road
    nodes, edges, routes, shift = {"straight": straight, "crossing": crossing}[kind](*widths)
    net = folder / f"{'-'.join(map(str, road))}.net.xml"
    if not net.exists():
        files = {"nodes": nodes, "edges": edges}
        if kind == "crossing":
            ways = (("west", "east"), ("south", "north"))
            files["connections"] = "".join(
                f'<connection from="{a}" to="{b}" fromLane="0" toLane="0"/>' for a, b in ways
            )
        command = [str(Path(sumo.SUMO_HOME, "bin", "netconvert")), "--offset.disable-normalization", "-o", str(net)]
        for name, content in files.items():
            file = folder / f"{name}.xml"
            file.write_text(f"<{name}>{content}</{name}>")
            command += [f"--{name[:-1]}-files", str(file)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return net, routes, shift


def declared(vehicles: list[dict[str, Any]], routes: dict[str, list[str]]) -> str:
    """Return the types of the vehicles, the first with a device, and the routes."""
    lines = []
    for number, vehicle in enumerate(vehicles):
        size = f'length="{vehicle["length"]}" width="{vehicle["width"]}"'
        able = 'minGap="0" accel="50" decel="50" emergencyDecel="50" maxSpeed="100"'
        device = '<param key="has.ssm.device" value="true"/>' if number == 0 else ""
        lines.append(f'<vType id="t{number}" {size} {able}>{device}</vType>')
    lines += [f'<route id="{name}" edges="{" ".join(edges)}"/>' for name, edges in routes.items()]
    return f"<routes>{''.join(lines)}</routes>"


def play(folder: Path, recording: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the encounters of the first vehicle in a recording."""
    vehicles = recording["vehicles"]
    net, routes, (start, shift) = make(folder, recording["road"])
    traffic, found = folder / "traffic.rou.xml", folder / "ssm.xml"
    traffic.write_text(declared(vehicles, routes))
    options = {
        "net-file": net, "route-files": traffic, "step-length": STEP, "precision": 6, "default.speeddev": 0,
        "time-to-teleport": -1, "collision.action": "none", "device.ssm.file": found,
        "device.ssm.trajectories": "true", "device.ssm.measures": "TTC DRAC PET",
        "device.ssm.thresholds": "1000000 0 1000000", "device.ssm.range": 300, "device.ssm.extratime": 100,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    libsumo.start(["sumo", "--no-step-log", "--no-warnings", *words])
    for sample in range(len(vehicles[0]["places"])):
        for number, vehicle in enumerate(vehicles):
            name, (x, y, heading, speed) = str(number), vehicle["places"][sample]
            if sample == 0:
                along = x if vehicle["route"] == "along" else y
                libsumo.vehicle.add(name, vehicle["route"], typeID=f"t{number}", departPos=str(start + along))
                libsumo.vehicle.setSpeedMode(name, 0)
                libsumo.vehicle.setLaneChangeMode(name, 0)
            libsumo.vehicle.moveToXY(name, "", -1, x, y + shift, 90 - math.degrees(heading), 2)
            libsumo.vehicle.setPreviousSpeed(name, speed / SLOWED)
            libsumo.vehicle.setSpeed(name, speed / SLOWED)
        libsumo.simulationStep()
    libsumo.close()
    return [read(conflict) for conflict in ElementTree.parse(found).getroot().iter("conflict")]


def read(conflict: ElementTree.Element) -> dict[str, Any]:
    """Return what the device says of an encounter; its times are as they were before they were slowed down."""

    def values(name: str) -> list[str]:
        span = conflict.find(name)
        return [] if span is None else span.get("values", "").split()

    pet = conflict.find("PET")
    value = "NA" if pet is None else pet.get("value", "NA")
    found: dict[str, Any] = {
        "foe": int(conflict.get("foe", "")),
        "sample": [round(float(time) / STEP) for time in values("timeSpan")],
        "type": [int(kind) for kind in values("typeSpan")],
        "PET": None if value == "NA" else float(value) / SLOWED,
    }
    for name, times in MEASURES.items():
        found[name] = [None if value == "NA" else float(value) / times for value in values(f"{name}Span")]
    return found


def main(recordings: str, found: str) -> None:
    """Play and write what is found."""
    with tempfile.TemporaryDirectory() as folder:
        answers = [play(Path(folder), recording) for recording in json.loads(Path(recordings).read_text())]
    Path(found).write_text(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
