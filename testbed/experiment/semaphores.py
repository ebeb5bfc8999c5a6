"""Semaphores of worker pools, named after the process that made them, so that what a killed one left can be removed.

Python's resource tracker removes them when their process ends, unless it is killed together with it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from multiprocessing import current_process
from pathlib import Path

SHARED = Path("/dev/shm")
"""Where Linux shows named semaphores; other systems show them nowhere."""
PREFIX = "testbed"


def name_after_process() -> None:
    """Have the semaphores that this process makes from now on carry its id."""
    # No public way: https://docs.python.org/3/library/multiprocessing.html says nothing of their names.
    current_process()._config["semprefix"] = f"/{PREFIX}-{os.getpid()}"  # type: ignore[attr-defined]


def sweep_semaphores() -> None:
    """Remove those of this user's processes that have ended."""
    for file in SHARED.glob(f"sem.{PREFIX}-*") if SHARED.is_dir() else ():
        pid = file.name.split("-")[1]
        with suppress(OSError):
            if pid.isdigit() and not Path("/proc", pid).exists() and file.stat().st_uid == os.getuid():
                file.unlink()
