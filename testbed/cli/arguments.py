"""How words of a command line become values; words that say nothing, or two things, are refused."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from testbed.console import errors
from testbed.errors import UserError
from testbed.legible import legible

NUMBERS = ConstructorRegistry()
"""Reads numbers as tyro does, but leaves a word that is none to the bounds of its argument: they say it in one line."""

MARKS, LINES = re.compile(r"(\n|\x1b\[[\d;]*m)"), re.compile(r"(\n)")
"""What tyro puts between the words: ends of lines, and colours on a terminal."""


@NUMBERS.primitive_rule
def _numbers(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    if info.type not in (int, float):
        return None
    return PrimitiveConstructorSpec(
        nargs=1, metavar=info.type.__name__.upper(), instance_from_str=partial(_number, info.type),
        is_instance=lambda value: isinstance(value, info.type), str_from_instance=lambda value: [str(value)],
    )  # fmt: skip


def _number(kind: Callable[[str], Any], words: Sequence[str]) -> Any:
    try:
        return kind(words[0])
    except ValueError:
        return words[0]


def require_clear(arguments: Sequence[str]) -> None:
    """Raise `UserError` for an argument that is empty, or an option that is given twice: only one would count."""
    seen = set()
    for before, word in zip(["", *arguments], arguments, strict=False):
        if not word:
            raise UserError(
                f"an argument{f' after {before}' if before else ''} is empty: give a value, or leave it out"
            )
        option = word.split("=")[0].replace("_", "-")
        if not word.startswith("--") or word == "--":
            continue
        if word.endswith("="):
            raise UserError(f"{word} says nothing: give a value, or leave it out")
        if option in seen:
            raise UserError(f"{option} is given twice: give it once, with all its values")
        seen.add(option)


@contextmanager
def read_plainly() -> Iterator[None]:
    """Hand on what tyro says of words in a `with` block, so that nothing in them steers the terminal."""
    said, closed = StringIO(), sys.stdout is None
    with redirect_stdout(StringIO()) if closed else nullcontext():  # tyro wants one to ask
        colours = sys.stdout.isatty()
        try:
            with redirect_stderr(said):
                yield
        finally:
            for part in re.split(MARKS if colours else LINES, said.getvalue()):
                errors.stream.write(part if MARKS.fullmatch(part) and (colours or part == "\n") else legible(part))
            errors.stream.flush()
