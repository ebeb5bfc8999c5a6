"""Run something in a forked process of its own, within limits of time and memory.

A process is stopped after `PATIENCE` seconds of its own: of processor time, its children's included, or of waiting for
something that does not come. What it takes of the machine while others are served does not count.

Memory is what the kernel counts as the process's largest resident set (`ru_maxrss`, its children's included, each by
itself) and what /proc says of it while it runs. A forked process begins with what its parent has: everything that any
command imports, about 0.5 GB, so that a command has less room here than when it is started alone.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 20.0
"""[s]."""
IDLE = 0.05
"""Who takes less than this share of a core waits."""
ROOM = 1e9
"""Largest resident set [B]."""
MOST = 6 * 2**30
"""A process cannot ask for more than this: the machine is kept from swapping [B]."""
LOOK = 0.02
"""How often it is looked how far a process is [s]."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Outcome:
    """What became of a process."""

    code: int
    """Exit code; that of a process that died of a signal is negative."""
    stopped: str
    """`hang` or `memory` if it was stopped, else empty."""
    seconds: float
    """How long it took [s]."""
    peak: float
    """Largest resident set [B]."""
    out: str
    """What it said."""
    err: str
    """What it said on the standard error."""


def run(work: Callable[[], object], root: Path, inside: Path, patience: float = PATIENCE) -> Outcome:
    """Do some work in a process of its own.

    Args:
        work: What is done; how it ends is how the process ends.
        root: Folder in which `home` is the user's, and where what is said is kept.
        inside: Folder to work in.
        patience: How long it may take [s].
    """
    began = time.monotonic()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _become(work, root, inside)
    peak, stopped = 0.0, ""
    while True:
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            break
        peak, waited = max(peak, _resident(pid)), time.monotonic() - began
        if not stopped and (peak > ROOM or _hangs(pid, waited, patience)):
            stopped = "memory" if peak > ROOM else "hang"
            _end(pid)
        time.sleep(LOOK if waited > 0.2 else 0.002)
    _end(pid)  # whoever is left of its session
    peak = max(peak, used.ru_maxrss * 1024.0)
    code = os.waitstatus_to_exitcode(status)
    stopped = stopped or ("memory" if peak > ROOM else "")
    said = [(root / name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err")]
    return Outcome(code, stopped, time.monotonic() - began, peak, said[0], said[1])


def _become(work: Callable[[], object], root: Path, inside: Path) -> None:
    """Be the process: never returns."""
    code = 70
    try:
        os.setsid()
        _prepare(root, inside)
        work()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _prepare(root: Path, inside: Path) -> None:
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(root / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, number)
        os.close(file)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.chdir(inside)
    home, temporary = str(root / "home"), str(inside / "tmp")
    os.environ |= {"HOME": home, "TMPDIR": temporary, "XDG_CACHE_HOME": temporary, "COLUMNS": "120"}
    tempfile.tempdir = None
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for limit, value in ((resource.RLIMIT_DATA, MOST), (resource.RLIMIT_FSIZE, 2**30), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (value, value))


def _resident(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0.0


def _hangs(pid: int, waited: float, patience: float) -> bool:
    if waited < patience:
        return False
    used = _used(pid)
    return used > patience or used < IDLE * waited


def _used(session: int) -> float:
    """Return the processor time of all processes of a session [s]."""
    ticks = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            fields = place.read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15])) if int(fields[3]) == session else 0
    return ticks / TICKS


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
