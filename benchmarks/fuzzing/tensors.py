"""Alter a policy: its arrays, the header they are found by, and what else lies in its folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from fuzzing import raw
from fuzzing.texts import alter_value

DTYPES = "F64", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I8", "BOOL", "F4", "C64", "x"
"""Types that a header may name."""
CONFIG: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("observation_size", (0, -1, 1, 46, 57, 56.0, "56", 10**12, True, None)),
    ("actions", (0, -1, 1, 4, 6, 5.0, "5", 10**12, None)),
    ("hidden", ([], [0], [-1], [64.0, 64], ["64"], [64], [64, 64, 64], 64, [10**9], [64] * 2000, None, "64")),
    ("head", ("gaussian", "categorical", "", "x", None, [], 3)),
    ("memory", (1, -1, 64, 10**12, 0.5, "0", None)),
    ("auxiliary", (1, -1, -5, 10**12, "0", None)),
    ("environment", (
        "testbed/Merge-v0", "testbed/Crosswalk-v0", "testbed/OrderPicking-v0", "CartPole-v1",
        "os:x/Merge-v0", "", None, 3,
    )),
)  # fmt: skip
"""Fields of a policy's configuration -> other values."""


def alter_config(folder: Path, rng: Random) -> str:
    """Alter a field of `config.json`; return what was done."""
    file = folder / "config.json"
    stored = json.loads(file.read_text())
    name, values = rng.choice(CONFIG)
    value = rng.choice(values)
    stored["policy"][name] = value
    file.write_text(json.dumps(stored))
    return f"config.json: {name} = {value!r:.40}"


def alter_tensors(folder: Path, rng: Random) -> str:
    """Alter the arrays of `model.safetensors`; return what was done."""
    file = folder / "model.safetensors"
    if rng.random() < 0.3:
        return _header(file, rng)
    arrays = load_file(file)
    name = rng.choice([*sorted(arrays), "std", "mean"])
    way = rng.choice(list(_WAYS))
    _WAYS[way](arrays, name)
    save_file(arrays, file)
    return f"{name}: {way}"


def _set(value: float) -> Callable[[dict[str, np.ndarray], str], None]:
    def fill(arrays: dict[str, np.ndarray], name: str) -> None:
        arrays[name] = np.full_like(arrays[name], value)

    return fill


def _one(value: float) -> Callable[[dict[str, np.ndarray], str], None]:
    def fill(arrays: dict[str, np.ndarray], name: str) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name].reshape(-1)[-1] = value

    return fill


def _made(make: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, np.ndarray], str], None]:
    def change(arrays: dict[str, np.ndarray], name: str) -> None:
        arrays[name] = np.ascontiguousarray(make(arrays[name]))

    return change


_WAYS: dict[str, Callable[[dict[str, np.ndarray], str], Any]] = {
    "gone": lambda arrays, name: arrays.pop(name),
    "under another name": lambda arrays, name: arrays.update({f"{name}x": arrays.pop(name)}),
    "one more beside it": lambda arrays, name: arrays.update({"[red]": arrays[name].copy()}),
    "zeros": _set(0.0),
    "negative": _set(-1.0),
    "tiny": _set(1e-45),
    "huge": _set(3e38),
    "not a number": _one(np.nan),
    "infinite": _one(np.inf),
    "one is zero": _one(0.0),
    "one is huge": _one(3e38),
    "one is negative": _one(-2.0),
    "float16": _made(lambda array: array.astype(np.float16)),
    "float64": _made(lambda array: array.astype(np.float64)),
    "int64": _made(lambda array: array.astype(np.int64)),
    "bool": _made(lambda array: array.astype(bool)),
    "turned": _made(lambda array: array.T),
    "an axis more": _made(lambda array: array[None]),
    "a number": _made(lambda array: array.reshape(-1)[0]),
    "shorter": _made(lambda array: array[:-1]),
    "empty": _made(lambda array: array[:0]),
}


def _header(file: Path, rng: Random) -> str:
    """Alter the header: the length it begins with, or what it says of an array."""
    data = file.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header, rest = json.loads(data[8 : 8 + size]), data[8 + size :]
    if rng.random() < 0.2:
        size = rng.choice((0, 1, size - 1, size + 1, len(data), 2**31, 2**63, 2**64 - 1))
        file.write_bytes(size.to_bytes(8, "little") + data[8:])
        return f"the header is {size} bytes long"
    if rng.random() < 0.5:
        name, kind = rng.choice(sorted(set(header) - {"__metadata__"})), rng.choice(DTYPES)
        header[name]["dtype"] = kind
        done = f"{name} is {kind} by the header"
    else:
        header, done = alter_value(header, rng)
    text = json.dumps(header).encode(errors="replace")
    file.write_bytes(len(text).to_bytes(8, "little") + text + rest)
    return f"header: {done}"


STRAYS = ".DS_Store", "Thumbs.db", "model.pt", "._config.json", "[red].txt", "desktop.ini"
"""Files that other programs leave."""


def add_stray(folder: Path, rng: Random) -> str:
    """Put something into a policy's folder that does not belong there, or take something out; return what."""
    way = rng.choice(("file", "file", "folder", "pipe", "link", "loop", "instead"))
    name = rng.choice(STRAYS)
    if way == "instead":
        return raw.replace_path(rng.choice(sorted(folder.iterdir())), rng)
    if way == "file":
        (folder / name).write_bytes(rng.randbytes(100))
    elif way == "folder":
        (folder / name).mkdir()
        (folder / name / "x").write_bytes(b"x")
    elif way == "pipe":
        import os

        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/dev/zero" if way == "link" else ".")
    return f"{name} beside its files: {way}"
