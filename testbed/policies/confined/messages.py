"""What is said between this process and a confined one: a length, and a record in MessagePack; nothing is pickled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Literal, TypeVar

import msgspec
import numpy as np

Kind = Literal["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?"]
Message = TypeVar("Message", bound=msgspec.Struct)
LARGEST = 2**30
"""No message is longer [bytes]."""


class Array(msgspec.Struct, forbid_unknown_fields=True):
    """An array."""

    kind: Kind
    """NumPy's name of its type."""
    shape: tuple[int, ...]
    """Its shape."""
    data: bytes
    """Its numbers, row by row."""


class Port(msgspec.Struct, forbid_unknown_fields=True):
    """What a program takes or gives."""

    name: str
    """Its name; empty where it has none."""
    kind: Kind | None
    """Its type, where it is known."""
    shape: tuple[int | None, ...] | None
    """Its shape, as far as it is known."""


class Told(msgspec.Struct, forbid_unknown_fields=True):
    """What a confined process says."""

    wrong: str = ""
    """What went wrong, in a line."""
    inputs: tuple[Port, ...] = ()
    """What the program takes; said once."""
    outputs: tuple[Port, ...] = ()
    """What it gives, where it says so before it runs."""
    arrays: dict[str, Array] = {}
    """What it gave."""


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What it is asked: first of all the program, then what to run it on."""

    program: bytes = b""
    """The file."""
    arrays: dict[str, Array] = {}
    """Its inputs, by name."""


def packed(arrays: Mapping[str, np.ndarray]) -> dict[str, Array]:
    """Return arrays as a message holds them; raises ValueError for a type that it does not."""
    found = {}
    for name, array in arrays.items():
        kind = "?" if array.dtype == bool else f"{array.dtype.kind}{array.dtype.itemsize}"
        if kind not in Kind.__args__:  # type: ignore[attr-defined]
            raise ValueError(f"{name or 'an output'} is of the type {array.dtype}")
        found[name] = Array(kind, array.shape, np.ascontiguousarray(array).tobytes())  # type: ignore[arg-type]
    return found


def unpacked(arrays: Mapping[str, Array]) -> dict[str, np.ndarray]:
    """Return the arrays of a message; raises ValueError where numbers and shape differ."""
    return {name: np.frombuffer(one.data, one.kind).reshape(one.shape) for name, one in arrays.items()}


def send(stream: IO[bytes], message: msgspec.Struct) -> None:
    """Send a message."""
    data = msgspec.msgpack.encode(message)
    stream.write(len(data).to_bytes(8, "little") + data)
    stream.flush()


def receive(stream: IO[bytes], kind: type[Message]) -> Message | None:
    """Return the next message, or None at the end; raises ValueError if it is none."""
    length = int.from_bytes(stream.read(8), "little")
    if not 0 < length <= LARGEST:
        return None
    data = stream.read(length)
    return msgspec.msgpack.decode(data, type=kind) if len(data) == length else None
