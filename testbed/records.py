"""What is read back from files: a record that is whole, or one line that says what is wrong with it."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from testbed.errors import UserError, unknown_name

Record = TypeVar("Record")
LARGEST = 256 * 2**20
"""No record is larger [bytes]."""
_POINTER = b"version https://git-lfs.github.com/"


class NotThere(UserError):
    """What a file should hold is not there: the file is missing, or it is damaged. Whoever can make it makes it anew;
    a file that is there and must not be read is another matter."""


def read_bytes(path: Path, mend: str, most: int = LARGEST) -> bytes:
    """Return what a regular file holds; nothing else is ever opened, so that a FIFO cannot hold anybody up.

    Args:
        path: The file, or a link to one.
        mend: What a user is told to do.
        most: A larger file is damaged [bytes].

    Raises:
        NotThere: if it is missing, empty, too large, or a pointer of Git LFS.
        UserError: if it is no file, or may not be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, a FIFO or a socket"
            raise UserError(f"{path} is {what}, not a file: move it away, and {mend}")
        if status.st_size > most:
            raise NotThere(f"{path} is damaged (it has {status.st_size:,} bytes; {most:,} are the most): {mend}")
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise UserError(f"{path} is a link to nothing: remove it, and {mend}") from None
        raise NotThere(f"{path} is missing: {mend}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read ({reason}): allow it to be read, or give another place") from None
    if data.startswith(_POINTER):
        raise NotThere(f"{path} is a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`")
    if not data.strip(b"\0"):
        raise NotThere(f"{path} is damaged (it is empty, as after a loss of power): {mend}")
    return data


def read_record(path: Path, kind: type[Record], mend: str, most: int = LARGEST) -> Record:
    """Return the record that a JSON file holds.

    Args:
        path: The file.
        kind: What it holds: a dataclass, or a type such as `dict[str, float]`; nothing is converted but arrays to
            tuples and texts to paths.
        mend: What a user is told to do.
        most: A larger file is damaged [bytes].

    Raises:
        NotThere: as `read_bytes`, and if it holds anything else; the reason names the place in it.
        UserError: as `read_bytes`.
    """
    data = read_bytes(path, mend, most)
    try:
        return decoded(data, kind)
    except ValueError as error:
        raise NotThere(f"{path} is damaged and cannot be read ({error}): {mend}") from None


def read_toml(path: Path, kind: type[Record], what: str, most: int = 1 << 20) -> Record:
    """Return the settings that a TOML file holds.

    Args:
        path: The file.
        kind: A dataclass with a default for everything; tables are dataclasses in it.
        what: What the file is, for example `contract`.
        most: A larger file is damaged [bytes].

    Raises:
        NotThere: as `read_bytes`.
        UserError: as `read_bytes`, and if it holds anything else; the line names the place and the valid names.
    """
    data = read_bytes(path, f"give a {what}", most)
    try:
        told = tomllib.loads(data.decode())
        _require_known(told, kind, what)
        return msgspec.convert(told, kind)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no {what} ({' '.join(str(error).split())[:120]}): correct it") from None


def _require_known(told: Mapping[str, Any], kind: Any, place: str) -> None:
    known = {one.name: getattr(kind(), one.name) for one in fields(kind)}
    for name, value in told.items():
        if name not in known:
            raise unknown_name(f"setting of a {place}", name, known)
        if is_dataclass(known[name]) and isinstance(value, dict):
            _require_known(value, type(known[name]), f"{place}'s [{name}]")


def record_or_none(path: Path, kind: type[Record], most: int = LARGEST) -> Record | None:
    """Return the record that a JSON file holds, or None where it is missing or damaged and has to be made (anew).

    Raises:
        UserError: if something else is at that place, or it may not be read.
    """
    try:
        return read_record(path, kind, "run the same command again", most)
    except NotThere:
        return None


def decoded(data: bytes | str, kind: type[Record]) -> Record:
    """Return the record that JSON holds; raises ValueError with reason and place, for example `$.arms[3].seeds`."""
    try:
        try:
            return msgspec.json.decode(data, type=kind, dec_hook=_path)
        except msgspec.DecodeError:
            text = data.decode("utf-8") if isinstance(data, bytes) else data
            if "NaN" not in text and "Infinity" not in text:
                raise
            return msgspec.convert(json.loads(text), kind, dec_hook=_path)  # Python writes these two, JSON has neither
    except UserError as error:  # a record that is told apart by its own rules
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("it nests without end") from None


def _path(kind: type, value: Any) -> Any:
    """Return a text as a path where one belongs; of anything else it is then said what it is."""
    return Path(value) if kind is Path and isinstance(value, str) else value
