"""What Python's process pools keep outside a run's folder, named so that what a killed one left can be removed.

Semaphores, and a folder for sockets among the temporary files. Python removes both when the process ends, unless it is
killed, for semaphores together with the tracker beside it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from multiprocessing import current_process
from multiprocessing.util import Finalize
from pathlib import Path

from testbed.files import HOST, has_ended

SHARED = Path("/dev/shm")
"""Where Linux shows named semaphores; other systems show them nowhere."""
PREFIX = "testbed-pool"


def name_after_process() -> None:
    """Have what pools of this process make from now on carry its id; safe to call again."""
    # No public way: the documentation of multiprocessing says nothing of these names.
    settings = current_process()._config  # type: ignore[attr-defined]
    settings["semprefix"] = f"/{PREFIX}-{os.getpid()}"
    if settings.get("tempdir") is None:
        settings["tempdir"] = tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-{HOST}-")
        Finalize(None, shutil.rmtree, args=(settings["tempdir"], True), exitpriority=-100)


def sweep_leftovers() -> None:
    """Remove those of this user's processes that have ended."""
    for semaphore in SHARED.glob(f"sem.{PREFIX}-*") if SHARED.is_dir() else ():
        if _is_left(semaphore):
            with suppress(OSError):
                semaphore.unlink()
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*-{HOST}-*"):
        if _is_left(folder) and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(path: Path) -> bool:
    pid = path.name.split(f"{PREFIX}-")[1].split("-")[0]
    try:
        return pid.isdigit() and path.lstat().st_uid == os.getuid() and has_ended(int(pid))
    except OSError:
        return False
