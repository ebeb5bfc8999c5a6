"""Logs of traffic beside SUMO: what its SSM device says of every pair, and how long a large log takes.

    python benchmarks/traffic.py

SUMO simulates traffic in a grid of streets, in an environment that this makes for it, once. TTC and DRAC of every
vehicle behind its leader are compared in every sample in which the device, too, finds that it follows it; PET of ways
that cross straight is shown beside the device's, encounter by encounter. Then ten minutes of a thousand vehicles are
measured by the command, as floating-car data and as a table. Exit code 1 if something falls short.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tyro
from peer.environment import prepare
from rich.box import SIMPLE
from rich.table import Table

from testbed.console import console, run_command
from testbed.errors import UserError
from testbed.files import write_text
from testbed.traffic.crossings import crossings
from testbed.traffic.fcd import read_fcd
from testbed.traffic.following import Following, following
from testbed.traffic.log import TrafficLog

PACKAGES = "eclipse-sumo==1.28.0", "libsumo==1.28.0"
BEHIND, AHEAD = "2", "3"
"""The device's kinds of encounter in which the ego follows, and is followed."""
AGREE = 0.01
"""How far two values may be apart, as a share of the larger one."""
LEAST = {"DRAC": 0.05, "TTC": 0.5, "PET": 0.5}
"""Smaller values [m/s², s] are compared as if they were this large."""
LONG = 100.0
"""Longer times to collision hang on the last digits of speeds [s]."""
STRAIGHT = np.deg2rad(2)
"""Whoever turns by less while it passes a place goes straight [rad]."""


@dataclass(frozen=True)
class Options:
    """Compare logs of traffic with SUMO's SSM device, and time a large one."""

    folder: Path = Path("build/sumo-venv")
    """Where the peer's environment is, or is made (a minute, 0.8 GB)."""
    seeds: int = 5
    """Simulations of 60 vehicles and 90 s that are compared."""
    vehicles: int = 1000
    """Vehicles of the large log; 0 leaves it out."""
    seconds: float = 600.0
    """Its length [s]."""
    step: float = 0.5
    """Time between its samples [s]."""
    limit: float = 60.0
    """How long it may take [s]."""
    answers: Path | None = None
    """Folder for a small log (sumo_fcd.xml, sumo_types.xml) and what the device says of it (sumo_pairs.json)."""


@dataclass(frozen=True)
class Value:
    """One value, measured twice."""

    measure: str
    """`TTC`, `DRAC` or `PET`."""
    ours: float
    """Ours."""
    theirs: float
    """SUMO's."""
    met: bool = False
    """Whether the leader comes from another lane, so that its rear is not on the follower's: the device takes that for
    contact."""

    @property
    def apart(self) -> float:
        """How far both are apart, as a share."""
        return abs(self.ours - self.theirs) / max(abs(self.ours), abs(self.theirs), LEAST[self.measure])


def simulate(python: Path, folder: Path, vehicles: int, seconds: float, step: float, seed: int) -> None:
    """Let SUMO drive; raises `UserError` if it does not."""
    program = Path(__file__).parent / "peer" / "sumo_traffic.py"
    words = [str(word) for word in (python, "-I", program, folder, vehicles, seconds, step, seed)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"SUMO does not run: {done.stderr.strip().splitlines()[-1:]}")


def told(folder: Path) -> Iterator[tuple[str, str, float, str, str, str]]:
    """Yield ego, foe, time, kind of encounter, TTC and DRAC of every sample of every encounter of the device."""
    for conflict in ElementTree.parse(folder / "ssm.xml").getroot().iter("conflict"):
        spans = (_values(conflict, name) for name in ("timeSpan", "typeSpan", "TTCSpan", "DRACSpan"))
        for when, kind, ttc, drac in zip(*spans, strict=True):
            yield conflict.get("ego", ""), conflict.get("foe", ""), float(when), kind, ttc, drac


def _values(conflict: ElementTree.Element, name: str) -> list[str]:
    span = conflict.find(name)
    return [] if span is None else span.get("values", "").split()


def following_values(folder: Path, log: TrafficLog, follows: Following) -> list[Value]:
    """Return TTC and DRAC, measured twice, of everybody who follows its leader by both."""
    row = {(log.names[v], int(s)): n for n, (v, s) in enumerate(zip(log.vehicle, log.sample, strict=True))}
    found = []
    for ego, foe, when, kind, ttc, drac in told(folder):
        if kind not in (BEHIND, AHEAD):
            continue
        behind, ahead = (ego, foe) if kind == BEHIND else (foe, ego)
        n = row[behind, round((when - log.begin) * log.rate)]
        leader = follows.leader[n]
        if leader < 0 or log.names[log.vehicle[leader]] != ahead:
            continue
        if ttc != "NA" and float(ttc) < LONG:
            found.append(Value("TTC", float(min(follows.ttc[n], LONG)), float(ttc), float(ttc) == 0 < follows.gap[n]))
        if drac != "NA":
            found.append(Value("DRAC", float(follows.drac[n]), float(drac)))
    return found


def crossing_values(folder: Path, log: TrafficLog, follows: Following) -> list[Value]:
    """Return PET, measured twice, of ways that cross straight."""
    theirs: dict[frozenset[str], float] = {}
    for conflict in ElementTree.parse(folder / "ssm.xml").getroot().iter("conflict"):
        pet = conflict.find("PET")
        if pet is not None and pet.get("value", "NA") != "NA":
            theirs[frozenset((conflict.get("ego", ""), conflict.get("foe", "")))] = float(pet.get("value", ""))
    met, found = crossings(log, follows), []
    for n in range(len(met)):
        both = frozenset((log.names[met.ego[n]], log.names[met.other[n]]))
        straight = all(_goes_straight(log, who, met.begin[n], met.end[n]) for who in (met.ego[n], met.other[n]))
        if both in theirs and straight:
            found.append(Value("PET", float(met.values["pet"][n]), theirs[both]))
    return found


def _goes_straight(log: TrafficLog, vehicle: int, begin: float, end: float) -> bool:
    rows = (log.vehicle == vehicle) & (log.time >= begin - 2) & (log.time <= end + 2)
    return bool(np.ptp(np.unwrap(log.heading[rows])) < STRAIGHT)


def compare(python: Path, seeds: int) -> list[Value]:
    """Return all values of some simulations."""
    found: list[Value] = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as place:
            simulate(python, Path(place), 60, 90, 0.2, seed)
            log = read_fcd(Path(place, "fcd.xml"), Path(place, "trips.xml"))
            follows = following(log)
            found += following_values(Path(place), log, follows) + crossing_values(Path(place), log, follows)
    return found


def show(values: Sequence[Value]) -> list[str]:
    """Print a table and return what falls short."""
    table = Table(title="beside SUMO's SSM device", title_justify="left", box=SIMPLE, padding=0)
    for heading in ("measure", "values", f"within {100 * AGREE:.0f} %", "leader's rear elsewhere", "others"):
        table.add_column(heading, justify="left" if heading == "measure" else "right")
    short = []
    for measure in LEAST:
        mine = [value for value in values if value.measure == measure]
        within, met = sum(value.apart <= AGREE for value in mine), sum(value.met for value in mine)
        apart = [value for value in mine if value.apart > AGREE and not value.met]
        table.add_row(measure, *(f"{number:,}" for number in (len(mine), within, met, len(apart))))
        short += [f"{measure}: {value.ours:.4f} for {value.theirs:.4f}" for value in apart[:5] if measure != "PET"]
    console.print(table)
    return short


def timed(python: Path, options: Options) -> list[str]:
    """Measure a large log by the command, print how long that takes, and return what falls short."""
    with tempfile.TemporaryDirectory() as place:
        folder, short = Path(place), []
        simulate(python, folder, options.vehicles, options.seconds, options.step, 0)
        log = read_fcd(folder / "fcd.xml", folder / "trips.xml")
        write_table(log, folder / "traffic.csv")
        for file in ("fcd.xml", "traffic.csv"):
            command = [sys.executable, "-c", "from testbed.cli import main; main()", "measure", str(folder / file)]
            begun = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds, size = time.perf_counter() - begun, (folder / file).stat().st_size / 2**20
            what = f"{len(log.names):,} vehicles, {log.duration:.0f} s, {len(log):,} rows, {size:.0f} MiB"
            console.print(f"{file}: {what}: {seconds:.1f} s")
            short += [f"{file} takes {seconds:.0f} s"] if seconds > options.limit else []
    return short


def write_table(log: TrafficLog, path: Path) -> None:
    """Write a log as CSV."""
    import pyarrow
    import pyarrow.csv

    columns = {
        "time": log.time, "id": np.array(log.names)[log.vehicle], "x": log.position[:, 0], "y": log.position[:, 1],
        "heading": log.heading, "speed": log.speed, "acceleration": log.acceleration,
        "length": log.size[log.vehicle, 0], "width": log.size[log.vehicle, 1], "lane": np.array(log.lanes)[log.lane],
        "along": log.along,
    }  # fmt: skip
    pyarrow.csv.write_csv(pyarrow.table(columns), path)


def write_answers(python: Path, folder: Path) -> None:
    """Write a small log and what the device says of whoever follows in it."""
    with tempfile.TemporaryDirectory() as place:
        simulate(python, Path(place), 14, 45, 0.5, 3)
        driven = Path(place, "fcd.xml").read_text().split("-->", 1)[-1]  # what SUMO was told is not of interest
        write_text(folder / "sumo_fcd.xml", driven.strip() + "\n")
        write_text(folder / "sumo_types.xml", Path(place, "trips.xml").read_text() + "\n")
        rows: list[dict[str, Any]] = [
            {"behind": a, "ahead": b, "time": when, "TTC": None if ttc == "NA" else float(ttc),
             "DRAC": None if drac == "NA" else float(drac)}
            for a, b, when, kind, ttc, drac in told(Path(place)) if kind == BEHIND and (ttc, drac) != ("NA", "NA")
        ]  # fmt: skip
    lines = ",\n".join(json.dumps(row) for row in rows)
    write_text(folder / "sumo_pairs.json", f'{{"made by": {json.dumps(PACKAGES)}, "pairs": [\n{lines}\n]}}\n')


def main(options: Options) -> None:
    """Compare, time and print."""
    python = prepare(options.folder, PACKAGES, "libsumo, sumo")
    console.print(f"{', '.join(PACKAGES)}; {options.seeds} simulations of 60 vehicles and 90 s at 5 Hz")
    if options.answers:
        write_answers(python, options.answers)
    short = show(compare(python, options.seeds))
    short += timed(python, options) if options.vehicles else []
    raise SystemExit("\n".join(f"falls short: {line}" for line in short) or None)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
