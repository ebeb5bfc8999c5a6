"""Read what an HDF5 file stores without trusting it: every size and type is looked at before anything is read.

A file can be damaged, or made to harm: a small one may declare gigabytes, link to other files, or hold compressed data
that unfolds a thousandfold. Everything here works on h5py's low-level objects, which is also the quickest way.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5s, h5t, h5z

TEXT = 1 << 20
"""Longest text that is read, and most of anything else that an attribute holds [bytes]."""
LONGEST_NAME = 64
"""Bytes that a name in a filter key takes at most."""
FILTERS = frozenset({h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_LZF})
"""Filters that data may have passed, each once."""
CHUNK, HARMLESS = 1 << 18, 1 << 16
"""Largest chunk; and stored data that gzip unfolds to 70 MB at most, so that nobody looks closer [bytes]."""


class Damage(Exception):
    """What is wrong with a part of a file, in words that begin with the part."""


@contextmanager
def _readable(place: str) -> Iterator[None]:
    """Turn whatever h5py raises (it raises nearly everything) into damage at a place."""
    try:
        yield
    except Damage:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Damage(f"{place} cannot be read ({reason})") from error


def brief(value: object) -> str:
    """Return a value that may be anything in a few words of one line."""
    return reprlib.repr(value.tolist() if isinstance(value, np.generic | np.ndarray) else value)


def child(parent: h5g.GroupID, place: str) -> h5g.GroupID | h5d.DatasetID:
    """Return what is at a place below a group; links to elsewhere are not followed.

    Raises:
        Damage: if there is nothing, a link, or neither group nor array.
    """
    found = parent
    with _readable(place):
        for name in place.encode().split(b"/"):
            if not isinstance(found, h5g.GroupID) or name not in found:
                raise Damage(f"{place} is missing")
            if found.links.get_info(name).type != h5l.TYPE_HARD:
                raise Damage(f"{place} is a link to another place, which is not followed")
            found = h5o.open(found, name)
    if not isinstance(found, h5g.GroupID | h5d.DatasetID):
        raise Damage(f"{place} is a type, not data")
    return found


def group(parent: h5g.GroupID, place: str) -> h5g.GroupID:
    """Return the group at a place; raises `Damage` as `child` does, and for an array."""
    found = child(parent, place)
    if not isinstance(found, h5g.GroupID):
        raise Damage(f"{place} is an array where a group belongs")
    return found


def array(parent: h5g.GroupID, place: str) -> h5d.DatasetID:
    """Return the array at a place, not read yet; raises `Damage` as `child` does, and for a group."""
    found = child(parent, place)
    if not isinstance(found, h5d.DatasetID):
        raise Damage(f"{place} is a group where an array belongs")
    return found


def values(stored: h5d.DatasetID, place: str, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Read an array that must have a shape and a type.

    Raises:
        Damage: if it has others, is stored in a way that no data set is, or cannot be read.
    """
    with _readable(place):
        has, kind = stored.shape, stored.dtype
        if has is None:
            raise Damage(f"{place} is empty")
        if has != tuple(shape):
            raise Damage(f"{place} has shape {has}, not {tuple(shape)}")
        if kind != dtype:
            raise Damage(f"{place} has numbers of type {kind}, not {dtype}")
        _check_storage(stored, place, dtype.itemsize)
        found = np.empty(shape, dtype)
        if found.size:
            stored.read(h5s.ALL, h5s.ALL, found)
        return found


def _check_storage(stored: h5d.DatasetID, place: str, size: int) -> None:
    """Raise `Damage` unless an array is in this file and unfolds to about what it declares."""
    plan = stored.get_create_plist()
    layout = plan.get_layout()
    if layout == h5d.VIRTUAL or plan.get_external_count():
        raise Damage(f"{place} is stored in another file, which is not followed")
    if layout != h5d.CHUNKED:
        return
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    if len(set(filters)) < len(filters) or not FILTERS.issuperset(filters):
        raise Damage(f"{place} is stored with filters that no data set has ({', '.join(map(str, filters))})")
    chunk = math.prod(plan.get_chunk()) * size
    if chunk > CHUNK:
        raise Damage(f"{place} is stored in chunks of {chunk:,} bytes, more than {CHUNK:,}")
    if filters and stored.get_storage_size() > HARMLESS:
        stored.chunk_iter(lambda info: _check_chunk(info.size, chunk, place))


def _check_chunk(size: int, chunk: int, place: str) -> None:
    if size > chunk + chunk // 8 + 64:
        raise Damage(f"{place} has a chunk of {size:,} bytes where {chunk:,} belong")


def attribute(owner: h5g.GroupID | h5d.DatasetID, name: str) -> str | np.generic | np.ndarray:
    """Return an attribute: a text, a number, a flag, or some of them.

    Raises:
        Damage: if there is none, or it is large or of another type.
    """
    place, key = f"attribute {name}", name.encode()
    with _readable(place):
        if not has(owner, name):
            raise Damage(f"{place} is missing")
        stored = h5a.open(owner, key)
        shape, dtype = stored.shape, stored.dtype
        if shape is None or len(shape) > 1 or dtype.kind not in "biufSO":
            raise Damage(f"{place} is neither text nor number")
        if dtype.kind == "O" and (shape or h5t.check_string_dtype(dtype) is None):
            raise Damage(f"{place} is neither text nor number")
        if dtype.itemsize * sum(shape, start=not shape) > TEXT:
            raise Damage(f"{place} is larger than {TEXT:,} bytes")
        found = np.zeros(shape, dtype)
        stored.read(found, mtype=h5t.py_create(dtype))
        if found.ndim or dtype.kind not in "SO":
            return found if found.ndim else found[()]
        return bytes(found[()]).decode()


def has(owner: h5g.GroupID | h5d.DatasetID, name: str) -> bool:
    """Return whether there is an attribute."""
    with _readable(f"attribute {name}"):
        return bool(h5a.exists(owner, name.encode()))


def text(owner: h5g.GroupID | h5d.DatasetID, name: str) -> str:
    """Return an attribute that is a text; raises `Damage` as `attribute` does."""
    found = attribute(owner, name)
    if not isinstance(found, str):
        raise Damage(f"attribute {name} is no text")
    if len(found) > TEXT:
        raise Damage(f"attribute {name} is longer than {TEXT:,} characters")
    return found


def record(owner: h5g.GroupID | h5d.DatasetID, name: str) -> dict[str, Any]:
    """Return an attribute that is a JSON object; raises `Damage` as `text` does."""
    with _readable(f"attribute {name}"):
        found = json.loads(text(owner, name))
    if not isinstance(found, dict):
        raise Damage(f"attribute {name} is no JSON object")
    return found


def label(owner: h5g.GroupID | h5d.DatasetID, name: str) -> str:
    """Return an attribute that is one short line of text; raises `Damage` as `text` does."""
    found = text(owner, name)
    if len(found) > 200 or not found.isprintable():
        raise Damage(f"attribute {name} is not one line of at most 200 characters")
    return found


def whole(owner: h5g.GroupID | h5d.DatasetID, name: str, low: int, high: int) -> int:
    """Return an attribute that is a whole number between two others; raises `Damage` as `attribute` does."""
    found = attribute(owner, name)
    if not isinstance(found, np.integer):
        raise Damage(f"attribute {name} is no whole number")
    if not low <= int(found) <= high:
        raise Damage(f"attribute {name} is {found}, which is not between {low} and {high}")
    return int(found)


def real(owner: h5g.GroupID | h5d.DatasetID, name: str, low: float, high: float) -> float:
    """Return an attribute that is a number between two others; raises `Damage` as `attribute` does."""
    found = attribute(owner, name)
    if not isinstance(found, np.integer | np.floating):
        raise Damage(f"attribute {name} is no number")
    if not low <= float(found) <= high:  # nor is NaN
        raise Damage(f"attribute {name} is {found:g}, which is not between {low:g} and {high:g}")
    return float(found)


def flag(owner: h5g.GroupID | h5d.DatasetID, name: str) -> bool:
    """Return an attribute that is true or false; raises `Damage` as `attribute` does."""
    found = attribute(owner, name)
    if not isinstance(found, np.bool):
        raise Damage(f"attribute {name} is neither true nor false")
    return bool(found)


def members(masks: h5g.GroupID, key: str, most: int) -> list[str]:
    """Return the names in a filter key; raises `Damage` if they are no row of byte strings."""
    there = array(masks, key)
    shape, dtype = there.shape, there.dtype
    if shape is None or len(shape) != 1 or dtype.kind != "S" or dtype.itemsize > LONGEST_NAME:
        raise Damage(f"{key} is no row of names, byte strings of at most {LONGEST_NAME}")
    if shape[0] > most:
        raise Damage(f"{key} has {shape[0]} names, more than there are demos")
    return [bytes(name).decode(errors="backslashreplace") for name in values(there, key, shape, np.dtype(dtype))]
