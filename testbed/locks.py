"""One writer at a time: a lock beside an artefact, which says who holds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from platform import node

from filelock import FileLock, Timeout

from testbed.errors import UserError
from testbed.files import cannot_write, sweep_beside

_PATIENCE = 0.2
"""How long it is waited for one who is just about to let go [s]."""


class Lock:
    """The right to write an artefact, from here to `release` or the end of the process.

    The lock is a file beside the artefact, `.<name>.lock`, that holds the process and its host; it is gone when it is
    released. What an ended process left there holds nobody up.

    Args:
        path: The artefact, a file or a folder; it need not be there yet.
        patience: How long another holder is waited for [s].

    Raises:
        UserError: if another process, or another writer in this one, holds it, or it cannot be written.
    """

    def __init__(self, path: Path, patience: float = _PATIENCE) -> None:
        self.path = path
        self.file = lock_file(path)
        # Not a lock of the thread: a writer that is forgotten may be collected in another one.
        self._lock = FileLock(self.file, timeout=patience, thread_local=False, on_acquired=_say_who)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise UserError(
                f"{self._holder()} is writing {path}: wait until it is done, or give another place"
            ) from None
        except OSError as error:
            raise cannot_write(path, error) from None
        sweep_beside(path, alone=True)

    def _holder(self) -> str:
        try:
            pid, host = self.file.read_text().split()
        except (OSError, ValueError):
            return "another process"
        return f"another process ({pid}, on {host})" if pid != str(os.getpid()) else "another writer in this process"

    def release(self) -> None:
        """Let others write; safe to call twice."""
        if self._lock.is_locked:
            with suppress(OSError):
                self.file.unlink(missing_ok=True)  # who waits for it looks whether the file is still there
            self._lock.release()

    def __del__(self) -> None:
        if hasattr(self, "_lock"):
            self.release()


def lock_file(path: Path) -> Path:
    """Return the lock of an artefact; one that is there is held, or was when its process ended."""
    return path.with_name(f".{path.name}.lock")


def _say_who(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {node() or 'this host'}".encode(), 0)


@contextmanager
def locked(path: Path, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock of an artefact while a `with` block runs; raises `UserError` as `Lock` does."""
    lock = Lock(path, patience)
    try:
        yield
    finally:
        lock.release()
