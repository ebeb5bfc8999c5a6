"""What a pickle says, read and never loaded: plain values, and the names of what loading it would import and call.

Python's own `pickletools` takes the pickle apart into its operations; nothing is imported and nothing is called, so a
pickle that would run something is only a description of what it would run.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from testbed.errors import UserError

LARGEST, OPERATIONS = 2**22, 200_000
"""A pickle has at most so many bytes and operations."""


@dataclass(frozen=True)
class Name:
    """What loading would import."""

    module: str
    """Its module."""
    name: str
    """Its name there."""

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:100]


@dataclass(eq=False, repr=False)
class Made:
    """What loading would make by a call."""

    of: Any
    """What would be called."""
    arguments: tuple
    """With what."""
    state: Any = None
    """What it would be told then."""
    items: dict = field(default_factory=dict)
    """What would be put into it by key."""

    def __str__(self) -> str:
        return f"something made by {self.of}" if isinstance(self.of, Name) else "something made by a call"

    __repr__ = __str__


@dataclass(frozen=True)
class Kept:
    """What lies elsewhere than in the pickle, which only says where."""

    place: Any
    """What the pickle says."""


def called(value: Any) -> str:
    """Return what a value is called in a message: what may be vast or nested without end is not written out."""
    return str(value) if isinstance(value, Name | Made) else f"a {type(value).__name__}"


class _Mark:
    """Where a group of values begins on the stack."""


def read_pickle(data: bytes, source: str) -> Any:
    """Return what a pickle says: plain values, `Name`, `Made` and `Kept`.

    Args:
        data: The pickle.
        source: What it is of, for errors.

    Raises:
        UserError: if it is damaged, too large, or does what only a program would.
    """
    if len(data) > LARGEST:
        raise UserError(f"{source} is a pickle of {len(data):,} bytes, more than any settings or normaliser has")
    reader = _Reader()
    try:
        for number, (operation, argument, _) in enumerate(pickletools.genops(data)):
            if number > OPERATIONS:
                raise ValueError(f"more than {OPERATIONS:,} operations")
            if operation.name == "STOP":
                return reader.stack.pop()
            reader.take(operation.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        said = " ".join(str(error).split())[:80]
        raise UserError(f"{source} holds a damaged pickle ({said}): copy or save it anew") from None
    raise UserError(f"{source} holds a pickle that ends too early: copy or save it anew")


class _Reader:
    """The stack and the memory of a pickle that is read."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def take(self, name: str, argument: Any) -> None:
        """Do what an operation says, with inert values; raises ValueError for one that is of no use here."""
        if name in _IGNORED:
            return
        if name in _FIXED:
            self.stack.append(_FIXED[name])
        elif name in _VALUES:
            self.stack.append(argument)
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
            self.memory[len(self.memory) if argument is None else int(argument)] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self.stack.append(self.memory[int(argument)])
        elif name in _WORK:
            _WORK[name](self, argument)
        else:
            raise ValueError(f"the operation {name} has no use here")

    def group(self) -> list[Any]:
        """Take the values after the last mark from the stack, and the mark."""
        place = len(self.stack) - 1
        while not isinstance(self.stack[place], _Mark):
            if place == 0:
                raise ValueError("a group without a beginning")
            place -= 1
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values

    def several(self, count: int) -> list[Any]:
        """Take some values from the stack, in the order in which they came."""
        values = self.stack[-count:]
        if len(values) < count:
            raise ValueError("it takes more than there is")
        del self.stack[-count:]
        return values

    def put(self, values: list[Any]) -> None:
        """Put keys and values, one after the other, into the mapping on the stack."""
        into = self.stack[-1].items if isinstance(self.stack[-1], Made) else self.stack[-1]
        into.update(_pairs(values))

    def add(self, values: list[Any]) -> None:
        """Add values to the list on the stack; of a set, nothing here asks what is in it."""
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(values)

    def name(self, argument: str | None) -> None:
        """Put a name on the stack."""
        module, name = argument.split(" ", 1) if argument is not None else self.several(2)
        if not (isinstance(module, str) and isinstance(name, str)):
            raise ValueError("a name that is none")
        self.stack.append(Name(module, name))

    def make(self, count: int) -> None:
        """Put what a call would make on the stack: what is called, and `count` values that it is given."""
        called, arguments, *_ = self.several(1 + count)
        self.stack.append(Made(called, arguments if isinstance(arguments, tuple) else ()))

    def build(self) -> None:
        """Tell what was made last its state."""
        (state,) = self.several(1)
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state


def _pairs(values: list[Any]) -> dict:
    """Return keys and values as a mapping; keys are plain, for others may take for ever to compare."""
    keys = values[::2]
    if not all(isinstance(key, str | bytes | None) or (isinstance(key, int) and 0 <= key < 2**32) for key in keys):
        raise ValueError("a mapping whose keys are no plain values")
    return dict(zip(keys, values[1::2], strict=True))


_IGNORED = {"PROTO", "FRAME"}
_FIXED: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_WORK: dict[str, Callable[[_Reader, Any], None]] = {
    "MARK": lambda reader, _: reader.stack.append(_Mark()),
    "EMPTY_DICT": lambda reader, _: reader.stack.append({}),
    "EMPTY_LIST": lambda reader, _: reader.stack.append([]),
    "EMPTY_TUPLE": lambda reader, _: reader.stack.append(()),
    "EMPTY_SET": lambda reader, _: reader.stack.append(set()),
    "FROZENSET": lambda reader, _: reader.stack.append(tuple(reader.group())),
    "TUPLE": lambda reader, _: reader.stack.append(tuple(reader.group())),
    "TUPLE1": lambda reader, _: reader.stack.append(tuple(reader.several(1))),
    "TUPLE2": lambda reader, _: reader.stack.append(tuple(reader.several(2))),
    "TUPLE3": lambda reader, _: reader.stack.append(tuple(reader.several(3))),
    "LIST": lambda reader, _: reader.stack.append(reader.group()),
    "DICT": lambda reader, _: reader.stack.append(_pairs(reader.group())),
    "SETITEM": lambda reader, _: reader.put(reader.several(2)),
    "SETITEMS": lambda reader, _: reader.put(reader.group()),
    "APPEND": lambda reader, _: reader.add(reader.several(1)),
    "APPENDS": lambda reader, _: reader.add(reader.group()),
    "ADDITEMS": lambda reader, _: reader.add(reader.group()),
    "POP": lambda reader, _: reader.several(1).clear(),
    "POP_MARK": lambda reader, _: reader.group().clear(),
    "DUP": lambda reader, _: reader.stack.append(reader.stack[-1]),
    "GLOBAL": lambda reader, argument: reader.name(argument),
    "STACK_GLOBAL": lambda reader, _: reader.name(None),
    "REDUCE": lambda reader, _: reader.make(1),
    "NEWOBJ": lambda reader, _: reader.make(1),
    "NEWOBJ_EX": lambda reader, _: reader.make(2),
    "BUILD": lambda reader, _: reader.build(),
    "BINPERSID": lambda reader, _: reader.stack.append(Kept(reader.several(1)[0])),
}
