"""Alter a file as bytes, or put something else in its place."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 2310311\n" % (b"4d" * 32)
"""What is in the place of a large file where Git LFS is not installed."""
HEAD = 2048
"""Headers of most formats are within so many bytes."""


def alter_bytes(file: Path, rng: Random) -> str:
    """Alter the content of a file; return what was done."""
    data = bytearray(file.read_bytes())
    way = rng.choice(list(_WAYS))
    file.write_bytes(_WAYS[way](data, rng))
    return f"{file.name}: {way}"


def _place(data: bytearray, rng: Random) -> int:
    """Return a position, half of the time among the headers."""
    end = min(len(data), HEAD) if rng.random() < 0.5 else len(data)
    return rng.randrange(max(end, 1))


def _flip(data: bytearray, rng: Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if data:
            data[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(data)


def _overwrite(data: bytearray, rng: Random) -> bytes:
    at, count = _place(data, rng), rng.choice((1, 2, 4, 8, 64, 512))
    fill = rng.choice((bytes(count), b"\xff" * count, rng.randbytes(count)))
    return bytes(data[:at]) + fill + bytes(data[at + count :])


def _cut_out(data: bytearray, rng: Random) -> bytes:
    at = _place(data, rng)
    return bytes(data[:at] + data[at + rng.choice((1, 8, 512, 4096)) :])


def _insert(data: bytearray, rng: Random) -> bytes:
    at = _place(data, rng)
    return bytes(data[:at]) + rng.randbytes(rng.choice((1, 8, 512))) + bytes(data[at:])


def _swap(data: bytearray, rng: Random) -> bytes:
    one, other = sorted((_place(data, rng), _place(data, rng)))
    size = min(rng.choice((4, 64, 1024)), other - one, len(data) - other)
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
    return bytes(data)


def _zero_tail(data: bytearray, rng: Random) -> bytes:
    at = _place(data, rng)
    return bytes(data[:at]) + bytes(len(data) - at)


_WAYS: dict[str, Callable[[bytearray, Random], bytes]] = {
    "bits flipped": _flip,
    "a run of bytes overwritten": _overwrite,
    "truncated": lambda data, rng: bytes(data[: _place(data, rng)]),
    "a piece cut out": _cut_out,
    "a piece put in": _insert,
    "two pieces swapped": _swap,
    "its end zeroed": _zero_tail,
    "something appended": lambda data, rng: bytes(data) + rng.randbytes(rng.choice((1, 100, 5000))),
    "twice": lambda data, rng: bytes(data + data),
    "empty": lambda data, rng: b"",
    "zeros alone": lambda data, rng: bytes(len(data)),
    "a pointer of Git LFS": lambda data, rng: POINTER,
    "compressed": lambda data, rng: gzip.compress(bytes(data), 1, mtime=0),
    "a page of a web server": lambda data, rng: b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "noise": lambda data, rng: rng.randbytes(rng.choice((1, 8, 100, 3000))),
}


def replace_path(path: Path, rng: Random) -> str:
    """Put something else in the place of a file or folder; return what."""
    way = rng.choice(list(_INSTEAD))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    _INSTEAD[way](path)
    return f"{path.name}: {way}"


def _folder_with_a_file(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("of somebody else\n")


_INSTEAD: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: None,
    "an empty folder": Path.mkdir,
    "a folder with a file": _folder_with_a_file,
    "a pipe": os.mkfifo,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to a stranger's file": lambda path: path.symlink_to(os.path.relpath("../beside/thesis.txt", path.parent)),
    "a link to an endless device": lambda path: path.symlink_to("/dev/zero"),
}
