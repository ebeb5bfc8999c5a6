"""Kill what is at work, at random moments and in every way, and see that nothing is lost and nothing is left.

    python benchmarks/kills.py --kills 20

Three pieces of work are done once undisturbed: `testbed collect`, and a small experiment of each domain. Then, as
often as is asked, one is begun anew, somebody of it is sent a signal at a random moment, and the same command is run
again. It has to finish with the same bytes, and there must be no temporary file, no process and no semaphore of it
after that. Python's own tracker of semaphores is left alone: when that is killed, Python says so with a traceback, and
the work goes on; what it says of semaphores that a killed process left is not counted. Last, two writers of one data
set are started shortly after each other: one has to do the work, the other to say who does it. Exit code 1 if anything
falls short.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import tyro
from rich.table import Table

from testbed.console import console, run_command, tracked
from testbed.datasets.validation import validate
from testbed.distillation.config import Dagger, Learning, Training
from testbed.experiment.config import AuditConfig, Experiment, Run, StudentConfig, TeacherConfig
from testbed.experiment.leftovers import PREFIX, SHARED
from testbed.experiment.pipeline import run_experiment
from testbed.lineage import content_hash

COLLECT = "from testbed.cli import main; main()"
SMALL = partial(
    Experiment,
    teacher=TeacherConfig(
        demonstrations=16, episodes=8, hidden=(32, 32), dagger=Dagger(1, 8, Training(steps=100), Training(steps=200))
    ),
    student=StudentConfig(seeds=2, hidden=(16,), learning=Learning(Training(steps=100))),
    audit=AuditConfig(scenes=4, held_out_scenes=2),
)  # fmt: skip
"""An experiment of some seconds."""
HABITS = {"road": ("aggressive-merge", "testbed/Merge-v0"), "bench": ("nudging", "testbed/ShelfStocking-v0")}
WHO, SIGNALS = ("group", "parent", "worker", "ffmpeg"), ("KILL", "TERM", "INT")
LAST = 300.0
"""Longest time that anything may take [s]."""
TEMPORARY = "temporary-files"
"""Folder for temporary files of everything that is begun."""
LEFT = ("*.tmp*", "*.old*", ".*.lock", "*.parts", "*.part.*")
"""Names of what must not be left."""
EXCEPT = ("time.json", "events.out.tfevents")
"""Beginnings of names of files that tell when something was done, or how long it took."""


@dataclass(frozen=True)
class Work:
    """Something that is begun, killed and begun again."""

    name: str
    """What it is."""
    command: tuple[str, ...]
    """Its command, without the place."""
    made: str
    """Name of what it makes."""

    def start(self, folder: Path) -> subprocess.Popen[str]:
        """Begin it in a folder, in a process group of its own."""
        temporary = folder / TEMPORARY
        temporary.mkdir(exist_ok=True)
        cache = str(Path(tempfile.gettempdir()) / "kills-torch-cache")  # torch keeps one for each user
        environment = {**os.environ, "TMPDIR": str(temporary), "TORCHINDUCTOR_CACHE_DIR": cache}
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [part.replace("PLACE", self.made) for part in self.command]
        return subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **output)  # type: ignore[call-overload]

    def finish(self, folder: Path) -> tuple[int, str, int]:
        """Do all of it; return exit code, what it said, and its process."""
        process = self.start(folder)
        out, err = process.communicate(timeout=LAST)
        return process.returncode, out + err, process.pid


def works(episodes: int) -> list[Work]:
    """Return the three pieces of work."""
    collect = (sys.executable, "-c", COLLECT, "collect", "PLACE", "--dose", "1", "--episodes", str(episodes))
    script = str(Path(__file__).resolve())
    runs = [Work(kind, (sys.executable, script, "experiment", kind, "PLACE"), "run") for kind in HABITS]
    return [Work("collect", collect, "data.hdf5"), *runs]


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of every file of a run, or of a data set, but of what is another in every run."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(EXCEPT)]
    files = [path for path in files if TEMPORARY not in path.parts]
    return {path.relative_to(folder).as_posix(): content_hash(path) for path in files}


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it."""

    work: str
    """What was killed."""
    who: str
    """Of it: the group, its first process, one of the others, or ffmpeg."""
    signal: str
    """With what."""
    share: float
    """When, as a share of the undisturbed duration."""
    hit: bool
    """Whether it was still at work, and there was such a process."""
    said: str
    """The last thing that it said."""
    problems: tuple[str, ...]
    """What fell short, in words."""


def kill_once(work: Work, chance: random.Random, whole: dict[str, str], duration: float) -> Kill:
    """Begin a piece of work, kill, begin it again, and compare."""
    who, name = chance.choice(WHO if work.name != "collect" else WHO[:2]), chance.choice(SIGNALS)
    share = chance.uniform(0.02, 0.98)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        process = work.start(folder)
        hit = _strike(process, who, getattr(signal, f"SIG{name}"), share * duration, chance)
        out, err = process.communicate(timeout=LAST)
        said = (err.strip() or out.strip()).splitlines()
        problems = ["a traceback"] if "Traceback" in err else []
        lines = [line for line in err.strip().splitlines() if "resource_tracker" not in line]
        problems += [f"{len(lines)} lines of errors"] if len(lines) > 3 else []
        problems += _processes(folder)
        code, told, again = work.finish(folder)
        problems += [] if code == 0 else [f"run again: exit code {code}, {told.strip().splitlines()[-1:]}"]
        problems += _differences(whole, contents(folder))
        problems += [f"left: {left}" for pattern in LEFT for left in _relative(folder, pattern)]
        problems += [f"left among the temporary files: {left.name}" for left in (folder / TEMPORARY).iterdir()]
        problems += [f"semaphore left: {left}" for pid in (process.pid, again) for left in _semaphores(pid)]
        problems += _processes(folder)
    return Kill(work.name, who, name, share, hit, said[-1] if said else "", tuple(problems))


def _strike(process: subprocess.Popen[str], who: str, number: int, delay: float, chance: random.Random) -> bool:
    """Wait for the moment, and for such a process to be there, and send it a signal; False if it never was."""
    time.sleep(delay)
    end = time.monotonic() + LAST
    while process.poll() is None and time.monotonic() < end:
        with suppress(psutil.Error):
            chosen = _members(process.pid, who)
            if chosen:
                member = chance.choice(chosen)
                os.killpg(process.pid, number) if who == "group" else member.send_signal(number)
                return True
        time.sleep(0.01)
    return False


def _members(pid: int, who: str) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    if who in ("group", "parent"):
        return [parent]
    others = [one for one in parent.children(recursive=True) if "resource_tracker" not in " ".join(one.cmdline())]
    encoders = [one for one in others if "ffmpeg" in one.name()]
    return encoders if who == "ffmpeg" else [one for one in others if one not in encoders]


def _processes(folder: Path) -> list[str]:
    """Return what still works in a folder some seconds later."""
    for _ in range(100):
        left = [one for one in psutil.process_iter() if _works_in(one, folder)]
        if not left:
            return []
        time.sleep(0.1)
    return [f"process left: {one.pid} {' '.join(one.cmdline())[:80]}" for one in left]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder
    except psutil.Error:
        return False


def _differences(whole: dict[str, str], found: dict[str, str]) -> list[str]:
    names = sorted(name for name in {*whole, *found} if whole.get(name) != found.get(name))
    return [f"differs: {', '.join(names[:4])}"] if names else []


def _relative(folder: Path, pattern: str) -> Iterator[str]:
    yield from sorted(str(path.relative_to(folder)) for path in folder.rglob(pattern))


def _semaphores(pid: int) -> list[str]:
    """Return those of a process's pools, which carry its id."""
    return sorted(path.name for path in SHARED.glob(f"sem.{PREFIX}-{pid}-*")) if SHARED.is_dir() else []


def two_writers(work: Work, offset: float) -> list[str]:
    """Start two writers of one data set, the second some time [s] after the first; return what fell short."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        first = work.start(folder)
        time.sleep(offset)
        second = work.start(folder)
        said = [process.communicate(timeout=LAST)[1].strip() for process in (first, second)]
        codes = (first.returncode, second.returncode)
        lost = [text for code, text in zip(codes, said, strict=True) if code]
        problems = [] if sorted(codes) == [0, 2] else [f"exit codes {codes}"]
        problems += [] if all("another process (" in text and "is writing" in text for text in lost) else [str(lost)]
        found = [f"{one.where}: {one.what}" for one in validate(folder / work.made)]
        return problems + found + [f"left: {left}" for pattern in LEFT for left in _relative(folder, pattern)]


def measure(kills: int, seed: int, episodes: int, only: Sequence[str]) -> list[Kill]:
    """Kill every piece of work so often."""
    found = []
    for work in (work for work in works(episodes) if not only or work.name in only):
        with tempfile.TemporaryDirectory() as place:
            work.finish(Path(place))  # what is compiled or cached once on a machine
        with tempfile.TemporaryDirectory() as place:
            start = time.monotonic()
            code, said, _ = work.finish(Path(place))
            duration, whole = time.monotonic() - start, contents(Path(place))
            if code:
                sys.exit(f"{work.name} does not even finish undisturbed: {said}")
        chance = random.Random(f"{seed} {work.name}")
        rounds = (kill_once(work, chance, whole, duration) for _ in range(kills))
        mine = list(tracked(rounds, f"kill {work.name} ({duration:.0f} s undisturbed)", kills))
        report(mine)
        found += mine
    return found


def report(found: Sequence[Kill]) -> None:
    """Print a table of kills by work, who and signal, and what fell short."""
    table = Table(title="kills: hit while at work / all; what fell short", title_justify="left")
    for heading in ("work", "who", *SIGNALS, "fell short"):
        table.add_column(heading)
    for work, who in dict.fromkeys((kill.work, kill.who) for kill in sorted(found, key=lambda k: (k.work, k.who))):
        mine = [kill for kill in found if (kill.work, kill.who) == (work, who)]
        counts = [[kill.hit for kill in mine if kill.signal == name] for name in SIGNALS]
        short = str(sum(bool(kill.problems) for kill in mine))
        table.add_row(work, who, *(f"{sum(hits)} / {len(hits)}" for hits in counts), short)
    console.print(table)
    for kill in found:
        for problem in kill.problems:
            print(f"{kill.work}, {kill.who}, SIG{kill.signal} at {kill.share:.2f}: {problem} (said: {kill.said})")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Kill what is at work, and see that nothing is lost."""

    kills: int = 20
    """Kills of each piece of work."""
    seed: int = 0
    """Seed of the moments, of who is hit and with what."""
    episodes: int = 256
    """Episodes that `collect` collects."""
    writers: int = 10
    """Pairs of writers of one data set."""
    only: tuple[str, ...] = ()
    """Work to look at, of collect, road and bench; all of it if none is named."""


def main(options: Options) -> None:
    """Measure, print, and exit with 1 if anything fell short."""
    found = measure(options.kills, options.seed, options.episodes, options.only)
    offsets = [number / max(options.writers - 1, 1) for number in range(options.writers)]
    (collect, *_) = works(options.episodes)
    pairs = [two_writers(collect, offset) for offset in tracked(offsets, "two writers", len(offsets))]
    for offset, problems in zip(offsets, pairs, strict=True):
        for problem in problems:
            print(f"two writers, {offset:.1f} s apart: {problem}")
    print(f"{sum(kill.hit for kill in found)} of {len(found)} kills hit; {sum(bool(kill.problems) for kill in found)} "
          f"fell short; {sum(map(bool, pairs))} of {len(pairs)} pairs of writers fell short")  # fmt: skip
    if any(kill.problems for kill in found) or any(pairs):
        sys.exit(1)


def experiment(kind: str, folder: Path) -> None:
    """Carry out a small experiment."""
    habit, environment = HABITS[kind]
    run_experiment(Run(SMALL(habit=habit), folder), environment)


if __name__ == "__main__":
    if sys.argv[1:2] == ["experiment"]:
        run_command(lambda: experiment(sys.argv[2], Path(sys.argv[3])))
    else:
        run_command(lambda: main(tyro.cli(Options)))
