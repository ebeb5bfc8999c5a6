"""Alter a JSON text: in its structure, in its encoding."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from fuzzing import raw

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**63, -(2**63), 10**30,
    10**400,
    "", " ", "x", "0", "nan", "[red]", "[/]", "</script><script>", "\x00", "\x1b[31m", "\u202e", "ü" * 20, "x" * 20000,
    "../beside/thesis.txt", "/etc/hostname", "os:system", "a\nb", [], [1], [None], ["x"], [[[]]], [0.5] * 300, {},
    {"x": 1},
    {"": None}, [-1], [0], [2**40], [1.5],
)  # fmt: skip
"""Values that hardly anything expects."""
DEPTH = 100_000
"""Brackets in each other: more than any parser goes down."""


def alter_json(file: Path, rng: Random) -> str:
    """Alter a JSON file; return what was done."""
    text = file.read_text(encoding="utf-8")
    if rng.random() < 0.15:
        return raw.alter_bytes(file, rng)
    if rng.random() < 0.12:
        way = rng.choice(list(_WHOLE))
        file.write_bytes(_WHOLE[way](text))
        return f"{file.name}: {way}"
    altered, done = alter_text(text, rng)
    file.write_text(altered, encoding="utf-8", errors="surrogatepass")
    return f"{file.name}: {done}"


_WHOLE: dict[str, Callable[[str], bytes]] = {
    "UTF-16": lambda text: text.encode("utf-16"),
    "with a byte order mark": lambda text: text.encode("utf-8-sig"),
    "with bytes that are no UTF-8": lambda text: text.encode()[:-3] + b"\xff\xfe" + text.encode()[-3:],
    "brackets without end": lambda text: b"[" * DEPTH,
    "brackets in each other": lambda text: b"[" * DEPTH + b"]" * DEPTH,
    "a number of 5,000 digits": lambda text: b"1" * 5000,
    "another value": lambda text: b"[1, 2]",
    "nothing but null": lambda text: b"null",
    "something after its end": lambda text: text.encode() + b"{}",
    "a lone surrogate": lambda text: text.replace('"', '"\\ud800', 2).encode(),
}


def alter_text(text: str, rng: Random) -> tuple[str, str]:
    """Return a JSON text altered in one to three places, and what was done."""
    value, done = json.loads(text), []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        value, what = alter_value(value, rng)
        done.append(what)
    return json.dumps(value), ", ".join(done)


def alter_value(value: Any, rng: Random) -> tuple[Any, str]:
    """Return a JSON value altered somewhere, and what was done."""
    places = list(_places(value, ()))
    if not places:
        return rng.choice(ODD), "all of it another value"
    path = rng.choice(places)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    last, name = path[-1], "/".join(map(str, path))[:80]
    way = rng.choice(("odd", "odd", "odd", "removed", "renamed", "added", "moved", "number"))
    if way == "removed":
        del holder[last]
    elif way == "renamed" and isinstance(holder, dict):
        holder[f"{last}x"] = holder.pop(last)
    elif way == "added":
        return _added(value, holder, rng), f"something added beside {name}"
    elif way == "moved":
        other = rng.choice(places)
        holder[last] = _at(value, other)
        return json.loads(json.dumps(value)), f"{name} is {'/'.join(map(str, other))[:80]}"
    elif way == "number" and isinstance(holder[last], int | float):
        holder[last] = rng.choice((-holder[last], holder[last] + 1, holder[last] * 1000, str(holder[last])))
    else:
        holder[last] = rng.choice(ODD)
        return value, f"{name} = {holder[last]!r:.40}"
    return value, f"{name} {way}"


def _added(value: Any, holder: Any, rng: Random) -> Any:
    if isinstance(holder, dict):
        holder[rng.choice(("x", "", "__class__", "data"))] = rng.choice(ODD)
    else:
        holder.insert(rng.randrange(len(holder) + 1), rng.choice(ODD))
    return value


def _places(value: Any, path: tuple) -> Any:
    """Yield the path of everything inside a value; of long lists the beginning."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:4]) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from _places(item, (*path, key))


def _at(value: Any, path: tuple) -> Any:
    for step in path:
        value = value[step]
    return json.loads(json.dumps(value))
