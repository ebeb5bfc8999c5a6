"""Where the kernel's machine code is kept. It is loaded by unpickling, so whoever can write there can run code here."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1]
"""The package."""
COMPILED = "envs", "scenes", "traffic"
"""Whatever of it is compiled lies in these rooms."""


def cache_folder() -> Path | None:
    """Return the folder of this version's machine code, beside the sources or where the user may write.

    Numba alone looks at one file a function: after an edit or an update of another one, it would go on with
    the old code. Return None where there is no folder that nobody else can write: then nothing is kept.
    """
    # With the user in its name: a folder for temporary files is everybody's, and strangers could be there first.
    name = f"testbed-kernel-{_digest(*(SOURCES / room for room in COMPILED))}-{_user()}"
    beside = SOURCES / "__pycache__"
    for home in _homes(beside):
        folder = home / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(folder):
                continue
        except (OSError, ValueError):
            continue
        # Beside the sources, only this version can be of use.
        for old in home.glob("testbed-kernel-*") if home == beside else ():
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        return folder
    return None


def folder_of(function: Callable, folder: Path) -> Path:
    """Return where in the folder of the machine code that of a function is kept.

    Somebody else's scene has a place of its own, named by all sources beside it: an edit of one counts for all.
    """
    file = Path(function.__code__.co_filename).resolve()
    return folder if file.is_relative_to(SOURCES) else folder / f"{file.parent.name}-{_digest(file.parent)}"


def _digest(*folders: Path) -> str:
    digest = hashlib.sha256()
    for source in (source for folder in folders for source in sorted(folder.rglob("*.py"))):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def told_in(folder: Path) -> bool:
    """Return whether a process of this run has said already that it compiles into a folder; if not, this one has now.

    The processes of a run are of one group, and begin to compile at the same time.
    """
    group = os.getpgrp() if sys.platform != "win32" else os.getppid()
    with suppress(OSError):
        (folder / f"told-{group}").open("x").close()
        return False
    return (folder / f"told-{group}").exists()


def _homes(beside: Path) -> Iterator[Path]:
    """Yield where the folder may be, the best first."""
    if wanted := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(wanted)
    yield beside
    with suppress(RuntimeError):  # neither HOME nor an entry among the users, as in many containers
        yield Path.home() / ".cache" / "testbed"
    with suppress(OSError):  # none that may be written
        yield Path(tempfile.gettempdir())


def _user() -> int:
    return os.getuid() if sys.platform != "win32" else 0


def _is_private(folder: Path) -> bool:
    """Return whether a folder, and no link to one, is the user's own and may be written by nobody else."""
    if not os.access(folder, os.W_OK):
        return False
    if sys.platform == "win32":  # rights are not in the mode there, and folders for temporary files not shared
        return True
    found, around = folder.lstat(), folder.parent.stat()
    others = stat.S_IWGRP | stat.S_IWOTH
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & others:
        return False
    # Nor may a stranger put another one in its place.
    sticky = bool(around.st_mode & stat.S_ISVTX)
    known = around.st_uid in (os.getuid(), 0, SOURCES.stat().st_uid)
    return known and (sticky or not around.st_mode & stat.S_IWOTH)
