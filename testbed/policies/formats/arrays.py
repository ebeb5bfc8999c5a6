"""Arrays of numbers that pickles speak of: NumPy's, whole in the pickle, and torch's, whose numbers lie beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from testbed.errors import UserError
from testbed.policies.formats.archives import read_members
from testbed.policies.formats.pickles import Kept, Made, Name, called, read_pickle

KINDS = "fiub"
"""Kinds of numbers that arrays may hold."""
STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
"""Torch's storages -> NumPy's types."""
TENSOR, PARAMETER = (Name("torch._utils", f"_rebuild_{name}") for name in ("tensor_v2", "parameter"))
"""What makes a tensor, and what makes a parameter of one."""
MAPPINGS = Name("collections", "OrderedDict"), Name("builtins", "dict")
PARTS, NUMBERS = 10_000, 2**26
"""A file of weights has at most so many parts, and numbers in all of them: several may share one storage."""


def array_of(value: Any) -> np.ndarray:
    """Return the array that a pickle says NumPy would make, float64; raises ValueError for anything else."""
    try:
        return _array(value)
    except (LookupError, OverflowError, TypeError) as error:
        raise ValueError(f"{called(value)} is no array ({type(error).__name__})") from None


def _array(value: Any) -> np.ndarray:
    if isinstance(value, bool | int | float):
        return np.array(float(value))
    if not isinstance(value, Made) or not isinstance(value.of, Name):
        raise ValueError(f"{called(value)} is no array")
    if value.of.name == "scalar" and _is_numpy(value.of):
        kind, data = value.arguments
        return _numbers(data, _dtype(kind), ())
    if value.of.name == "_frombuffer" and _is_numpy(value.of):
        data, kind, shape, _ = value.arguments
        return _numbers(data, _dtype(kind), shape)
    if value.of.name == "_reconstruct" and _is_numpy(value.of):
        _, shape, kind, fortran, data = value.state
        found = _numbers(data, _dtype(kind), shape[::-1] if fortran else shape)
        return found.T if fortran else found
    raise ValueError(f"{value.of} makes no array")


def _is_numpy(name: Name) -> bool:
    return name.module in {f"numpy.{core}.{part}" for core in ("core", "_core") for part in ("multiarray", "numeric")}


def _dtype(value: Any) -> np.dtype:
    if not (isinstance(value, Made) and value.of == Name("numpy", "dtype") and isinstance(value.arguments[0], str)):
        raise ValueError(f"{called(value)} is no type of numbers")
    kind = np.dtype(value.arguments[0])
    if isinstance(value.state, tuple) and value.state[1] == ">":
        kind = kind.newbyteorder(">")
    if kind.kind not in KINDS:
        raise ValueError(f"{kind} is no type of numbers")
    return kind


def _numbers(data: Any, kind: np.dtype, shape: Any) -> np.ndarray:
    data = data.encode("latin1") if isinstance(data, str) else data
    if not isinstance(data, bytes | bytearray) or not _is_shape(shape) or len(data) != prod(shape) * kind.itemsize:
        raise ValueError("an array whose size is not that of its numbers")
    return np.frombuffer(data, kind).reshape(shape).astype(np.float64)


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(type(length) is int and length >= 0 for length in value)


def read_state_dict(data: bytes, source: str) -> dict[str, np.ndarray]:
    """Return the tensors of a file that `torch.save` wrote, by name, float32; names within others are joined by dots.

    Of several mappings in a row, as CleanRL saves an actor and its critics, those of the first are returned.

    Torch is not asked: its pickle is read like any other, and the numbers are taken from the files beside it.

    Args:
        data: The file.
        source: What it is, for errors.

    Raises:
        UserError: if it is no such file, is damaged, or holds no mapping of tensors.
    """
    members = read_members(data, source, lambda name: True)
    (place, *others) = [name for name in members if name.endswith("data.pkl")] or [""]
    if not place or others:
        raise UserError(f"{source} is not what torch.save writes since 1.6: save it anew")
    root = place.removesuffix("data.pkl")
    swapped = members.get(f"{root}byteorder", b"little") == b"big"
    try:
        value = read_pickle(members[place], source)
        first = value[0] if isinstance(value, tuple | list) and value else value  # an actor, and then its critics
        tensors = dict(_tensors(first))
        if sum(prod(one.arguments[2]) for one in tensors.values()) > NUMBERS:
            raise ValueError(f"more than {NUMBERS:,} numbers")
        found = {name: _tensor(one.arguments, members, f"{root}data/", swapped) for name, one in tensors.items()}
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        said = " ".join(str(error).split())[:80]
        raise UserError(
            f"{source} holds weights that cannot be read without running code ({said}): save its state_dict alone, "
            "export it as ONNX, or say --trust if its maker may run code here"
        ) from None
    if not found:
        raise UserError(
            f"{source} holds no tensors by name: save the state_dict of the policy, or say --trust if its maker may "
            "run code here"
        )
    return found


def _tensors(value: Any) -> Iterator[tuple[str, Made]]:
    """Yield the tensors in a value by name; what is neither a tensor nor a mapping of some is passed by."""
    waiting = [("", value)]
    for _ in range(PARTS):
        if not waiting:
            return
        name, part = waiting.pop()
        if isinstance(part, Made) and part.of == PARAMETER:
            part = part.arguments[0]
        if isinstance(part, Made) and part.of == TENSOR:
            yield name, part
        elif isinstance(part, Made) and part.of not in MAPPINGS:
            raise ValueError(f"{name or 'it'} is {part}")
        elif isinstance(part, Made | dict | tuple | list):
            inner = part.items if isinstance(part, Made) else part if isinstance(part, dict) else dict(enumerate(part))
            waiting += [(f"{name}.{key}" if name else str(key), one) for key, one in islice(inner.items(), PARTS)]
        if len(waiting) > PARTS:
            break
    raise ValueError(f"more than {PARTS:,} parts")


def _tensor(arguments: tuple, members: Mapping[str, bytes], root: str, swapped: bool) -> np.ndarray:
    kept, offset, shape, strides, *_ = arguments
    if not isinstance(kept, Kept) or not _is_shape(shape) or not _is_shape(strides) or type(offset) is not int:
        raise ValueError("a tensor that is none")
    _, storage, key, *_ = kept.place
    if not isinstance(key, str):
        raise ValueError("numbers whose place has no name")
    if not isinstance(storage, Name) or storage.module != "torch" or storage.name not in STORAGES:
        raise ValueError(f"numbers of the type {called(storage)}")
    numbers = np.frombuffer(members[f"{root}{key}"], np.dtype(f"{'>' if swapped else '<'}{STORAGES[storage.name]}"))
    last = offset + sum((length - 1) * step for length, step in zip(shape, strides, strict=True)) if prod(shape) else 0
    if offset < 0 or last >= max(len(numbers), 1) or prod(shape) > len(numbers):
        raise ValueError("a tensor that is larger than its numbers")
    steps = [step * numbers.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps, writeable=False).astype(np.float32)
