"""Zip files of strangers: what they hold is looked at before any of it is read, and nothing is unpacked to the disk."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath

from testbed.errors import UserError
from testbed.records import read_bytes

MEMBERS = 2000
"""Files that an archive has at most."""
LARGEST = 2**28
"""Bytes that a file, and all that it unpacks to, has at most."""


def read_file(path: Path) -> bytes:
    """Return the content of a file; raises `UserError` if it cannot be read or has more than LARGEST bytes."""
    return read_bytes(path, "give the file of a policy", LARGEST)


def read_members(data: bytes, source: str, wanted: Callable[[str], bool]) -> Mapping[str, bytes]:
    """Return the contents of the members of a zip file whose names are wanted, by name.

    Args:
        data: The zip file.
        source: What it is, for errors.
        wanted: Whether a name is.

    Raises:
        UserError: if it is no zip file, is damaged or locked, holds links, names outside itself or one twice, or would
            unpack to more than LARGEST bytes or MEMBERS files.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            _require_plain(source, members)
            return {member.filename: _read(archive, member) for member in members if wanted(member.filename)}
    except UserError:
        raise
    except Exception as error:  # zipfile lets through what zlib and others raise
        said = " ".join(str(error).split())[:80] or type(error).__name__
        raise UserError(f"{source} is no zip file that can be read ({said}): copy it anew") from None


def _require_plain(source: str, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MEMBERS or sum(member.file_size for member in members) > LARGEST:
        raise UserError(
            f"{source} would unpack to more than {MEMBERS:,} files or {LARGEST >> 20} MB: no policy that is audited "
            "here is that large"
        )
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(
                f"{source} holds a link or a place outside itself ({member.filename!r:.60}): it is not read"
            )
    if len({member.filename for member in members}) < len(members):
        raise UserError(f"{source} holds two files of one name: it is not read")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the content of a member, of which no more is unpacked than it says that there is."""
    with archive.open(member) as opened:
        data = opened.read(member.file_size + 1)
    if len(data) != member.file_size:
        raise ValueError(f"{member.filename} is not as long as it says")
    return data
