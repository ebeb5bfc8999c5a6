"""How the kernel is compiled: once a machine and version of the sources, and a user who waits is told why."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba

SOURCES = Path(__file__).resolve().parents[1]
"""Whatever is compiled lies in this folder."""
PATIENCE = 1.5
"""After so long the user is told [s]; loading what was compiled before takes less."""


def _cache_folder() -> Path:
    """Return the folder of this version's machine code, beside the sources or where the user may write.

    Numba alone looks at one file a function: after an edit or an update of another one, it would go on with
    the old code.
    """
    digest = hashlib.sha256()
    for source in sorted(SOURCES.rglob("*.py")):
        digest.update(source.read_bytes())
    homes = [os.environ.get("NUMBA_CACHE_DIR"), SOURCES / "__pycache__", Path.home() / ".cache" / "testbed"]
    for home in (Path(h) for h in (*homes, tempfile.gettempdir()) if h):
        folder = home / f"testbed-kernel-{digest.hexdigest()[:16]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            # Beside the sources, only this version can be of use.
            for old in home.glob("testbed-kernel-*") if home == SOURCES / "__pycache__" else ():
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
            return folder
    raise OSError("there is no folder that may be written for the compiled kernel: set NUMBA_CACHE_DIR to one")


_FOLDER = str(_cache_folder())


def compiled(function: Callable | None = None, *, nogil: bool = False) -> Any:
    """Compile a function with Numba on its first call, and keep the machine code for the next time.

    Args:
        function: What is compiled.
        nogil: Whether it lets go of Python's lock, so that several threads can be in it.
    """
    if function is None:
        return lambda f: compiled(f, nogil=nogil)
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, _FOLDER
    try:
        return numba.njit(cache=True, nogil=nogil)(function)
    finally:
        numba.config.CACHE_DIR = before


_told = threading.Event()
_loaded: set[object] = set()


@contextmanager
def announced(*what: object) -> Iterator[None]:
    """Say on the standard error that the kernel is being compiled, if what is inside takes long because of that.

    Args:
        what: Names what is inside; only the first time can be slow.
    """
    if what in _loaded or _told.is_set():
        yield
        return
    timer = threading.Timer(PATIENCE, _tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    _loaded.add(what)


def _tell() -> None:
    _told.set()
    print("compiling the driving kernel, once on this machine: about 15 s ...", file=sys.stderr, flush=True)
