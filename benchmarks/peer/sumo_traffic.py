"""The half of `traffic.py` that runs in an environment with SUMO; it is started by the other half.

    python sumo_traffic.py FOLDER VEHICLES SECONDS STEP SEED

Vehicles drive at random through a grid of streets with two lanes a way, one in five a truck. What they do is left in
the folder as floating-car data (fcd.xml), with the types of vehicles (trips.xml) and, of at most a hundred vehicles,
what SUMO's SSM device finds of every pair (ssm.xml).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

import sumo

WATCHED = 100
"""Of more vehicles the device is not asked: what it writes grows with the square of their number."""
BLOCK = 150
"""Length of a street [m]."""
TYPES = (
    '<vType id="car" length="4.6" width="1.8" sigma="0.6" tau="0.8" minGap="1.5"/>',
    '<vType id="truck" length="9" width="2.4" vClass="truck" sigma="0.5"/>',
)


def run(program: str, options: Mapping[str, object]) -> None:
    """Run a program of SUMO."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command, home = [str(Path(sumo.SUMO_HOME, "bin", program)), *words], {"SUMO_HOME": sumo.SUMO_HOME}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, check=True, env={**os.environ, **home}, **quiet)


def trips(net: Path, vehicles: int, seconds: float, seed: int) -> str:
    """Return vehicles that drive from street to street: a few depart in the first half of the time, many in its first
    tenth and by so many streets that they are there to its end."""
    rng, many = random.Random(seed), vehicles > WATCHED
    within, by = (seconds / 10, round(seconds / 8)) if many else (seconds / 2, 0)
    edges = [e.get("id") for e in ElementTree.parse(net).getroot().iter("edge") if e.get("function") != "internal"]
    lines = ["<routes>", *TYPES]
    for n in range(vehicles):
        start, end = rng.sample(edges, 2)
        kind, depart = ("truck" if n % 5 == 0 else "car"), n * within / vehicles
        via = f'via="{" ".join(rng.choices(edges, k=by))}" ' if by else ""
        lines.append(f'<trip id="v{n}" type="{kind}" depart="{depart:.2f}" from="{start}" to="{end}" {via}'
                     'departLane="best" departSpeed="max"/>')  # fmt: skip
    return "\n".join([*lines, "</routes>"])


def main(folder: Path, vehicles: int, seconds: float, step: float, seed: int) -> None:
    """Simulate."""
    net, routes = folder / "net.xml", folder / "trips.xml"
    blocks = max(3, round((vehicles / 10) ** 0.5))
    run("netgenerate", {
        "grid": "true", "grid.number": blocks, "grid.length": BLOCK, "default.lanenumber": 2, "seed": 1,
        "output-file": net,
    })  # fmt: skip
    routes.write_text(trips(net, vehicles, seconds, seed))
    options: dict[str, object] = {
        "net-file": net, "route-files": routes, "step-length": step, "seed": seed, "end": seconds, "precision": 4,
        "fcd-output": folder / "fcd.xml", "fcd-output.acceleration": "true", "time-to-teleport": -1,
        "no-step-log": "true", "no-warnings": "true", "ignore-route-errors": "true",
    }  # fmt: skip
    if vehicles <= WATCHED:
        options |= {
            "device.ssm.probability": 1, "device.ssm.measures": "TTC DRAC PET", "device.ssm.range": 100,
            "device.ssm.thresholds": "1000000 0 1000000", "device.ssm.trajectories": "true",
            "device.ssm.file": folder / "ssm.xml",
        }  # fmt: skip
    run("sumo", options)


if __name__ == "__main__":
    place, *numbers = sys.argv[1:]
    main(Path(place), int(numbers[0]), float(numbers[1]), float(numbers[2]), int(numbers[3]))
