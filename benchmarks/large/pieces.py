"""What is done with a large set, each in a process of its own whose memory is watched."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.table import Table

from testbed.console import console
from testbed.datasets.reader import count_episodes
from testbed.errors import UserError

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


def large(folder: Path, gigabytes: float, kills: int) -> None:
    """Make a large set, work with it, and print what each piece took; raises `UserError` if anything was lost."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:  # what else is in the folder stays
        _worked_with(Path(place), gigabytes, kills)


def _worked_with(folder: Path, gigabytes: float, kills: int) -> None:
    data, again = folder / "large.hdf5", folder / "again.hdf5"
    lost = _killed(data, gigabytes, kills)
    growing = str(Path(__file__).with_name("growing.py"))
    rows = {"collect": _watched([sys.executable, growing, str(data), str(gigabytes)])}
    size, count = data.stat().st_size, count_episodes(data)
    rows["validate"] = _testbed("validate", data)
    rows["audit"] = _testbed("audit", data, "--run", folder / "audit", "--no-film")
    rows["distil, 200 steps"] = _testbed("distil", data, folder / "student", "--steps", 200)
    rows["export to Parquet"] = _testbed("export", data, folder / "large.parquet")
    data.unlink()  # or four times its size would be there at once
    rows["import from Parquet"] = _testbed("import", folder / "large.parquet", again)
    _say(rows, size, count, kills, lost)
    if lost or any(row.code for row in rows.values()) or count_episodes(again) != count:
        raise UserError("something was lost, or failed: see above")


def _killed(data: Path, gigabytes: float, kills: int) -> int:
    """Collect, killed at random moments, and return how many episodes were lost that had been said to be safe."""
    rng, lost, safe = random.Random(0), 0, 0
    for _ in range(kills):
        command = [sys.executable, str(Path(__file__).with_name("growing.py")), str(data), str(gigabytes)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            begun = int(process.stdout.readline().split()[1])
            lost, safe = lost + max(safe - begun, 0), begun
            end = begun + rng.randrange(1, max(2, int(gigabytes * 40)))
            for line in process.stdout:
                if line[0].isdigit():
                    safe = int(line)
                if safe >= end or line.startswith("finishing"):
                    time.sleep(rng.uniform(0, 0.02))
                    process.kill()
                    break
    return lost


def _testbed(*words: object) -> Took:
    return _watched([sys.executable, "-c", COMMAND, *map(str, words)])


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
