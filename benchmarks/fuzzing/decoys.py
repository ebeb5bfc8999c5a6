"""A stranger's files around the folder that a command works in, and whether they are still as they were."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

INSIDE = "inside"
"""Folder that a command works in."""
OWN = "notes.txt", "thesis", "thesis/chapter1.txt", "link", "dangling", "pipe", "empty", "device"
"""What a stranger has in it."""


def make(root: Path) -> Path:
    """Make the folder of one input and what lies around it; return the folder that its commands work in."""
    inside = root / INSIDE
    for folder in (inside / "thesis", inside / "empty", root / "beside" / "deep", root / "home", inside / "tmp"):
        folder.mkdir(parents=True)
    for file in (inside / OWN[0], inside / OWN[2], root / "beside" / "thesis.txt", root / "beside" / "deep" / "x.hdf5"):
        file.write_text(f"{file.name}, of somebody else\n" * 20)
    (root / "home" / ".profile").write_text("# of the user\n")
    (inside / "link").symlink_to("../beside/thesis.txt")
    (inside / "dangling").symlink_to("../beside/nowhere")
    os.mkfifo(inside / "pipe")
    if os.geteuid() == 0:
        os.mknod(inside / "device", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    else:
        (inside / "device").symlink_to("/dev/null")
    return inside


def snapshot(root: Path, watched: Sequence[Path]) -> dict[str, tuple]:
    """Return what a stranger has in the folder of an input, and all that is in other folders: path -> what tells it."""
    found = {name: _told(root / INSIDE / name) for name in OWN}
    for folder in watched:
        for place, folders, files in os.walk(folder):
            for name in (*folders, *files):
                found[os.path.relpath(os.path.join(place, name), root)] = _told(Path(place, name))
    return found


def changed(before: dict[str, tuple], after: dict[str, tuple]) -> list[str]:
    """Return the paths that came, went or are no longer what they were."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _told(path: Path) -> tuple:
    """Return kind, size and time of a path, and of a small file its content; nothing where there is nothing."""
    try:
        seen = path.lstat()
    except OSError:
        return ()
    kind = stat.S_IFMT(seen.st_mode)
    if kind == stat.S_IFDIR:
        return (kind,)
    if kind == stat.S_IFLNK:
        return (kind, os.readlink(path))
    small = kind == stat.S_IFREG and seen.st_size < 4096
    return (kind, seen.st_size, seen.st_mtime_ns, hashlib.sha256(path.read_bytes()).digest() if small else b"")
