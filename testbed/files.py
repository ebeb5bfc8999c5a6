"""One way to write: under a temporary name beside the place, synced, then renamed; and never over what is not ours."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from platform import node
from uuid import uuid4

from testbed.errors import UserError

HOST = re.sub(r"[^A-Za-z0-9]", "_", node()) or "host"
"""This machine's name, as it may stand in the name of a file."""
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<host>[A-Za-z0-9_]+)-(?P<pid>\d+)-[0-9a-f]{12}\.(?P<what>tmp|old)")
_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Kind:
    """A kind of artefact, and how one is told from somebody else's file."""

    name: str
    """What it is called, with its article, for example `a film`."""
    recognises: Callable[[Path], bool]
    """Whether what is at a path, a regular file or a folder, is one of this kind; may raise OSError."""


def require_replaceable(path: Path, kind: Kind) -> None:
    """Raise `UserError` unless nothing is at a path, an empty folder, or an artefact of a kind, and it can be written.

    What ended processes left of the same name is swept. Commands ask this before they begin to work.
    """
    require_plain(path)
    _require_writable(path)
    sweep_beside(path)
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    try:
        ours = kind.recognises(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    if not ours:
        what = "folder" if path.is_dir() else "file"
        raise UserError(
            f"{path} is in the way: this {what} is not {kind.name} of the testbed; give another place, or move it away"
        )


def require_plain(path: Path) -> None:
    """Raise `UserError` where a path has no name, or a link, a device, a FIFO or a socket is there."""
    if not path.name:
        raise UserError(f"'{path}' names no file or folder: give one with a name of its own")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None
    if stat.S_ISLNK(mode):
        raise UserError(f"{path} is a link, and what is written would take its place: give the place it leads to")
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path} is a device, a FIFO or a socket, which nothing is written over: give another place")


def _require_writable(path: Path) -> None:
    """Raise `UserError` where a file cannot be made at a path because of the folders above it."""
    above = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not above.is_dir():
        raise cannot_write(path, NotADirectoryError(errno.ENOTDIR, f"{above} is no folder"))
    probe = temporary_beside(above / "probe")
    try:
        probe.touch()  # rights alone say little: of root, of what is mounted to be read only
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        remove(probe)


def cannot_write(path: Path, error: OSError | ValueError) -> UserError:
    """Return what a user is told where writing failed: the place, the reason and its mend."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    mend = "give another place"
    if isinstance(error, OSError) and error.errno in _ROOM:
        mend = "free some space, or give another place"
    elif isinstance(error, PermissionError) or getattr(error, "errno", None) == errno.EROFS:
        mend = "give a place where you may write"
    return UserError(f"could not write {path} ({reason}): {mend}; what was there before is unchanged")


def temporary_beside(path: Path, what: str = "tmp") -> Path:
    """Return a name beside a path that no other process, here or on another host, makes: `.<name>.<host>-<pid>-...`."""
    return path.with_name(f".{path.name}.{HOST}-{os.getpid()}-{uuid4().hex[:12]}.{what}")


@contextmanager
def replacing(path: Path, kind: Kind | None = None) -> Iterator[Path]:
    """Yield a temporary name beside a path; the file or folder that the block makes there takes the path's place.

    On any failure, and where the block makes nothing, what was there before stays. A folder that is there already is
    renamed aside first and removed last.

    Args:
        path: Where it goes; folders above it are made.
        kind: What it is; an artefact of another kind is not replaced. None inside a folder that is ours as a whole.

    Raises:
        UserError: if something else is in the way, or it cannot be written.
    """
    require_replaceable(path, kind) if kind else require_plain(path)
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary.exists():
            _sync(temporary)
            _rename(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        remove(temporary)


def _rename(temporary: Path, path: Path) -> None:
    if not path.is_dir():
        os.replace(temporary, path)
    elif not temporary.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder is there", str(path))
    else:
        aside = temporary_beside(path, "old")
        os.rename(path, aside)
        try:
            os.rename(temporary, path)
        except OSError:
            os.rename(aside, path)
            raise
        remove(aside)
    with suppress(OSError):  # some file systems have no folders to sync
        _sync_one(path.parent)


def _sync(path: Path) -> None:
    """Have the disk hold a file, or a folder with all that is in it, before it gets its name."""
    for part in sorted(path.rglob("*")) if path.is_dir() else []:
        _sync_one(part)
    _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a temporary file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, kind: Kind | None = None) -> None:
    """Write a file whole or not at all; see `replacing`."""
    with replacing(path, kind) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str, kind: Kind | None = None) -> None:
    """Write a text file (UTF-8, lines end in one character everywhere) whole or not at all; see `replacing`."""
    write_bytes(path, text.encode(), kind)


def sweep(folder: Path, alone: bool = False) -> None:
    """Remove what ended processes of this host left in a folder; an artefact that one had put aside is put back.

    Args:
        folder: Looked through with all that is below it.
        alone: Whether nobody else writes here now, so that everything temporary in it is left over.
    """
    for path in sorted(folder.rglob(".*")) if folder.is_dir() else []:
        _sweep_one(path, alone)


def sweep_beside(path: Path, alone: bool = False) -> None:
    """Do what `sweep` does for the temporaries of one path, which lie beside it."""
    with suppress(OSError):
        for left in sorted(path.parent.glob(f".{_escaped(path.name)}.*")):
            _sweep_one(left, alone)


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _sweep_one(path: Path, alone: bool) -> None:
    found = _TEMPORARY.fullmatch(path.name)
    if found is None or found["host"] != HOST or not (alone or has_ended(int(found["pid"]))):
        return
    place = path.with_name(found["name"])
    if found["what"] == "old" and not place.exists():
        with suppress(OSError):
            os.rename(path, place)
    else:
        remove(path)


def has_ended(pid: int) -> bool:
    """Return whether no process of this machine has an id any more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
