"""Alter command lines: values by the types that the command table declares, options twice, unknown, without a value."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from testbed.cli import auditing, cleaning, looking, making, measuring, tracing  # noqa: F401  (they register their subcommands)
from testbed.cli.app import app

NUMBERS = (
    "-1",
    "-3",
    "0",
    "1",
    "2147483648",
    "9223372036854775808",
    "1" * 30,
    "1.5",
    "nan",
    "",
    " ",
    "x",
    "٣",
    "[red]",
    "--",
    "\udcff",
)
PARTS = "-1", "2", "1.0001", "nan", "inf", "-inf", "1e308", "-1e-320", "", "x", "0,5", "[red]"
WORDS = (
    "",
    " ",
    "x",
    "none",
    "always",
    "surge",
    "Hoarding",
    "aggressive-merge ",
    "[red]",
    "[/]",
    "a\nb",
    "\x1b[31m",
    "\udcff",
    "ü",
    "x" * 5000,
)
PATHS = (
    "", ".", "..", "notes.txt", "thesis", "thesis/chapter1.txt", "notes.txt/x", "link", "dangling", "pipe", "empty",
    "device",
    "nowhere", "nowhere/deeper/x", "../beside", "../beside/thesis.txt", "../beside/deep/x.hdf5", "../home",
    "[red].hdf5", "[/]", "a\nb", "ü/ä.hdf5", "\udcff.hdf5",
    "x" * 300, "-", "~", " ", "film.avi", "film.gif", "film", "policy.pt", "x.onnx", "x.hdf5", "x.json", "con",
    "a\x1b[31mb.mp4",
)  # fmt: skip
PAIRS = (
    ["leader"], ["leader=truck=car"], ["leader=truck", "leader=car"], ["leader=bicycle"], ["=="], ["x=y"], [""],
    ["leader="], ["[red]=x"], ["leader=[/]"],
    [],
)  # fmt: skip
"""Values that options may not expect, by what they are."""
COSTLY = "routes", "doses", "habits", "ranks", "references"
"""Commands that do much, and everything where they are not told what."""
SEVERAL = "engine", "suite", "address"
"""Options that are not altered to another valid value: clusters are not for this machine, larger suites take hours."""


def commands() -> dict[str, Callable]:
    """Return the command table: name -> the function whose signature declares its arguments."""
    return app.commands


def alter_line(name: str, positional: list[str], options: dict[str, list[str]], rng: Random) -> tuple[list[str], str]:
    """Return the arguments of a valid line, altered in one or two places, and what was done."""
    function, done = commands()[name], []
    for _ in range(rng.choice((1, 1, 1, 2))):
        done.append(_alter(name, function, positional, options, rng))
    line = [*positional, *(part for option, values in options.items() for part in (option.rstrip(" "), *values))]
    return line, ", ".join(done)


def _alter(name: str, function: Callable, positional: list[str], options: dict[str, list[str]], rng: Random) -> str:
    hints, parameters = typing.get_type_hints(function), inspect.signature(function).parameters
    named = [p.name for p in parameters.values() if p.kind is not inspect.Parameter.POSITIONAL_ONLY]
    ways = ["value"] * 6 * bool(named) + ["position"] * 3 * bool(positional) + ["unknown", "more"]
    ways += ["twice", "bare"] * bool(options) + ["less"] * (bool(positional) and name not in COSTLY)
    way = "unknown" if name == "doctor" else rng.choice(ways)
    if way == "value":
        chosen = rng.choice(named)
        values = _values(hints[chosen], rng, chosen)
        options[f"--{chosen.replace('_', '-')}"] = values
        return f"--{chosen} {' '.join(values)[:40]!r}"
    if way == "position":
        at = rng.randrange(len(positional))
        positional[at] = rng.choice(PATHS if rng.random() < 0.8 else WORDS)
        return f"argument {at} = {positional[at][:40]!r}"
    if way == "less":
        return f"without {positional.pop()[:40]!r}"
    if way == "more":
        positional.append(rng.choice(PATHS))
        return f"and {positional[-1][:40]!r}"
    if way == "unknown":
        options[rng.choice(("--nowhere", "-x", "--[red]", "--help=3", "--\udcff"))] = rng.choice(([], ["1"]))
        return "an unknown option"
    chosen = rng.choice(sorted(options))
    if way == "twice":
        options[f"{chosen} "] = options[chosen]
    else:
        options[chosen] = []
    return f"{chosen} {'twice' if way == 'twice' else 'without a value'}"


def _values(hint: Any, rng: Random, name: str) -> list[str]:
    """Return what an option of a type may not expect."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _values(next(one for one in inner if one is not type(None)), rng, name)
    if origin is tuple and inner[0] is str:
        return list(rng.choice(PAIRS))
    if origin is tuple:
        return [_values(inner[0], rng, name)[0] for _ in range(rng.choice((1, 1, 2, 3)))]
    if origin is typing.Literal:
        return [rng.choice(["", "x", "[red]", "LOCAL", *(inner if name not in SEVERAL else ())])]
    if hint is bool:
        return rng.choice(([], ["3"], ["true"]))
    if hint is str and name in SEVERAL:
        return [rng.choice(("", "[red]"))]
    pools: dict[Any, tuple[str, ...]] = {int: NUMBERS, float: PARTS, str: WORDS, Path: PATHS}
    return [rng.choice(pools[hint])]
