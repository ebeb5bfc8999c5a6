"""Open data sets: the one boundary at which anything that can be wrong with a file becomes one line."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
from h5py import h5g, h5l, h5o

from testbed.datasets import layout, stored
from testbed.datasets.form import Form, form_of
from testbed.datasets.heaps import damaged_text
from testbed.datasets.stored import Damage
from testbed.errors import UserError

MADE_BY = "collect it again with `testbed collect`"
NO_TRACE = "hold no physical trace to measure"
BEGINNINGS = {
    b"version https://git-lfs": "is a pointer of Git LFS, not the file itself: fetch that with `git lfs pull`",
    b"PK\x03\x04": "is a ZIP archive, not an HDF5 file: unpack it, or give an .hdf5 file",
    b"\x1f\x8b": "is compressed with gzip: unpack it first",
    b"PAR1": f"is a Parquet file, as LeRobot's are, which {NO_TRACE}: give an .hdf5 file",
}
"""What files begin with that were meant to be HDF5 -> what they are."""


@contextmanager
def open_data(path: Path) -> Iterator[h5py.Group]:
    """Open the `data` group of a data set for reading; whatever goes wrong meanwhile is said of the file.

    Raises:
        UserError: if the file is missing, cannot be read, is no HDF5, or is not laid out as a data set.
    """
    with open_file(path) as file:
        yield _data_of(file, path)


@contextmanager
def open_file(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; whatever goes wrong meanwhile is said of it.

    Raises:
        UserError: if the file is missing, cannot be read, is no HDF5, or is damaged where it is read.
    """
    try:
        _check_file(path)
        with _opened(path) as file:
            yield file
    except UserError:
        raise
    except Damage as damage:
        raise UserError(f"{path}: {damage}; {MADE_BY}") from None
    except Exception as error:  # h5py raises nearly everything where a file is damaged
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be read ({reason}): copy it anew or {MADE_BY}") from error


@contextmanager
def open_part(path: Path) -> Iterator[h5g.GroupID]:
    """Open the episode in a part of a data set that is being collected.

    Raises:
        UserError: if the file is missing, cannot be read, or is no HDF5.
        Damage: if it holds no episode.
    """
    _check_file(path)
    with _opened(path) as file:
        yield stored.group(file.id, "episode")


def form_in(data: h5py.Group) -> Form:
    """Return the form of the episodes of a data set, by the environment that it names.

    Raises:
        Damage: if it names none.
        UserError: if it names none of the testbed's.
    """
    name = stored.record(data.id, "env_args").get("env_name")
    if not isinstance(name, str):
        raise Damage("attribute env_args names no environment (env_name)")
    try:
        return form_of(name)
    except UserError as error:
        raise Damage(f"attribute env_args: {error}") from None


def demo_in(data: h5py.Group, name: str) -> h5g.GroupID:
    """Return a demo of a data set, or of a part of one that is being collected.

    Raises:
        Damage: if its part is missing, or it is a link to anything else, or no group.
    """
    if data.id.links.get_info(name.encode()).type != h5l.TYPE_EXTERNAL:
        return stored.group(data.id, name)
    path = Path(data.file.filename)
    part = f"{path.name}.parts/{name}.hdf5"
    if data.id.links.get_val(name.encode()) != (part.encode(), b"/episode"):
        raise Damage("it is a link to another file than its part; keep file and .parts folder under their names")
    if not (path.parent / part).is_file():
        raise Damage(f"its part is missing: keep the folder {path.name}.parts beside the file, or collect it again")
    damage = damaged_text(path.parent / part, stored.TEXT) if (path.parent / part).stat().st_size else "it is empty"
    if damage:
        raise Damage(f"its part is damaged ({damage})")
    found = h5o.open(data.id, name.encode())
    if not isinstance(found, h5g.GroupID):
        raise Damage("its part holds no group")
    return found


def _check_file(path: Path) -> None:
    """Raise `UserError` unless a path is a file that can be read and begins like HDF5."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise UserError(f"{path} is a folder{_folder_like(path)}: give an .hdf5 file")
        if not stat.S_ISREG(kind):
            raise UserError(f"{path} is no regular file: give an .hdf5 file")
        with path.open("rb") as file:
            beginning = file.read(64)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"no data set at {path}: give an .hdf5 file, or {MADE_BY}") from None
    except PermissionError:
        raise UserError(f"{path} may not be read by you: change its permissions, or those of its folder") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read ({reason}): check path and disk") from None
    if not beginning:
        raise UserError(f"{path} is empty, so it is not an HDF5 file: copy it anew or {MADE_BY}")
    for start, what in BEGINNINGS.items():
        if beginning.startswith(start):
            raise UserError(f"{path} {what}")
    damage = damaged_text(path, stored.TEXT)
    if damage:
        raise UserError(f"{path} is damaged ({damage}): copy it anew or {MADE_BY}")


def _opened(path: Path) -> h5py.File:
    """Return an HDF5 file opened for reading."""
    try:
        return h5py.File(path, "r")
    except Exception as error:
        if "unable to lock" in str(error) or "already open" in str(error):  # "sblock" is a truncated file's
            raise UserError(f"{path} is being written by another program: wait until that is done, or end it") from None
        reason = "it is truncated" if "truncated" in str(error) else "it is not an HDF5 file, or it is damaged"
        raise UserError(f"{path} cannot be opened: {reason}; copy it anew or {MADE_BY}") from None


def _data_of(file: h5py.File, path: Path) -> h5py.Group:
    """Return the group `data`; raises `UserError` if the file is not of the testbed's layout."""
    try:
        found = stored.group(file.id, "data")
    except Damage:
        raise UserError(
            f"{path} has no group 'data', so it is not a data set in robomimic's layout{_file_like(file)}"
        ) from None
    if not stored.has(found, "testbed_schema"):
        raise UserError(f"{path} was not made by the testbed (it has no schema version), so it cannot be read")
    schema = stored.whole(found, "testbed_schema", 1, 1 << 30)
    if schema > layout.SCHEMA:
        raise UserError(f"{path} has schema {schema}, newer than {layout.SCHEMA}: update testbed")
    return h5py.Group(found)


def _file_like(file: h5py.File) -> str:
    """Return what other format an HDF5 file looks like, in words."""
    names = {name.decode(errors="replace") for name in file.id}
    for made_by, looks in (
        ("Minari", any(name.startswith("episode_") for name in names)),
        ("D4RL", {"observations", "actions", "rewards"} <= names),
        ("ACT", {"observations", "action"} <= names),
    ):
        if looks:
            return f"; it looks like one of {made_by}'s, which {NO_TRACE}"
    return ""


def _folder_like(path: Path) -> str:
    """Return what a folder looks like, in words."""
    for inside, words in (
        ("meta/info.json", f" that looks like one of LeRobot's data sets, which {NO_TRACE}"),
        ("data/main_data.hdf5", f" that looks like one of Minari's data sets, which {NO_TRACE}"),
        ("model.safetensors", " that looks like a policy"),
        ("audit.json", " that looks like a run"),
    ):
        if (path / inside).exists():
            return words
    return ""
