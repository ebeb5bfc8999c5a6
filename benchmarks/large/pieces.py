"""What is done with a large set, each in a process of its own whose memory is watched."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from rich.table import Table

from testbed.console import console
from testbed.datasets.reader import count_episodes
from testbed.errors import UserError
from testbed.files import write_text
from testbed.records import record_or_none

COMMAND = "from testbed.cli import main; main()"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Took:
    """What a piece of work took."""

    seconds: float
    """[s]."""
    own: int
    """Most memory of its own, not shared with files, that it and its children had at once [bytes]."""
    code: int
    """Exit code."""


@dataclass
class Done:
    """What was done so far, so that a run which ends early goes on."""

    kills: int = 0
    """How often the collection was killed."""
    safe: int = 0
    """Episodes that had been said to be safe when it was killed last."""
    lost: int = 0
    """Episodes of these that were lost."""
    size: int = 0
    """Of the whole set [bytes]."""
    count: int = 0
    """Its episodes."""
    rows: dict[str, Took] = field(default_factory=dict)
    """Piece of work -> what it took."""


def large(folder: Path, gigabytes: float, kills: int) -> None:
    """Make a large set, work with it, and print what each piece took; raises `UserError` if anything was lost.

    All of it lies in a folder of its own, which is deleted when it is done; until then the same command goes on there.
    """
    place = folder / f"set-of-{gigabytes:g}-gigabytes"
    place.mkdir(parents=True, exist_ok=True)
    done = record_or_none(place / "done.json", Done) or Done()
    _killed(place, done, gigabytes, kills)
    _worked_with(place, done, gigabytes)
    _say(done.rows, done.size, done.count, done.kills, done.lost)
    whole = count_episodes(place / "again.hdf5") == done.count
    shutil.rmtree(place)
    if done.lost or any(row.code for row in done.rows.values()) or not whole:
        raise UserError("something was lost, or failed: see above")


def _worked_with(folder: Path, done: Done, gigabytes: float) -> None:
    """Do what is missing of the work with a set."""
    data, student, parquet = folder / "large.hdf5", folder / "student", folder / "large.parquet"
    pieces = {
        "collect": _growing(data, gigabytes),
        "validate": _testbed("validate", data),
        "audit": _testbed("audit", data, "--run", folder / "audit", "--no-film"),
        "distil, 200 steps": _testbed("distil", data, student, "--steps", 200),
        "export to Parquet": _testbed("export", data, parquet),
        "import from Parquet": _testbed("import", parquet, folder / "again.hdf5"),
    }
    for name, command in pieces.items():
        if name not in done.rows:
            done.rows[name] = _watched(command)
            if name == "collect":
                done.size, done.count = data.stat().st_size, count_episodes(data)
            _keep(folder, done)
        if name == "export to Parquet":
            data.unlink(missing_ok=True)  # or four times its size would be there at once


def _keep(folder: Path, done: Done) -> None:
    write_text(folder / "done.json", json.dumps(asdict(done)))


def _killed(folder: Path, done: Done, gigabytes: float, kills: int) -> None:
    """Collect, killed at random moments, and count the episodes that were lost and had been said to be safe."""
    data = folder / "large.hdf5"
    while done.kills < kills:
        rng = random.Random(done.kills)
        with subprocess.Popen(_growing(data, gigabytes), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            first = process.stdout.readline()
            if not first:
                raise UserError(f"collecting into {data} did not begin, see above; delete {folder} to begin anew")
            begun = int(first.split()[1])
            done.lost, safe = done.lost + max(done.safe - begun, 0), begun
            end = begun + rng.randrange(1, max(2, int(gigabytes * 40)))
            for line in process.stdout:
                if line[0].isdigit():
                    safe = int(line)
                if safe >= end or line.startswith("finishing"):
                    time.sleep(rng.uniform(0, 0.02))
                    process.kill()
                    break
        done.kills, done.safe = done.kills + 1, safe
        _keep(folder, done)


def _growing(data: Path, gigabytes: float) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("growing.py")), str(data), str(gigabytes)]


def _testbed(*words: object) -> list[str]:
    return [sys.executable, "-c", COMMAND, *map(str, words)]


def _watched(command: list[str]) -> Took:
    start, own = time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            own = max(own, _own(process.pid))
            time.sleep(0.2)
    return Took(time.perf_counter() - start, own, process.returncode)


def _own(pid: int) -> int:
    """Return the memory that a process and its children have to themselves [bytes]; pages of files do not count."""
    total = 0
    try:
        for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            status = Path(f"/proc/{one.pid}/status").read_text()
            total += next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))
    except (psutil.Error, OSError, StopIteration):
        pass
    return total


def _say(rows: dict[str, Took], size: int, count: int, kills: int, lost: int) -> None:
    table = Table(title=f"{size / 1e9:.1f} GB, {count:,} episodes; killed {kills} times, {lost} episodes lost")
    for heading in ("piece", "time", "memory of its own", "exit code"):
        table.add_column(heading, justify="left" if heading == "piece" else "right")
    for name, row in rows.items():
        table.add_row(name, f"{row.seconds:,.0f} s", f"{row.own / MEGABYTE:,.0f} MB", str(row.code))
    console.print(table)
