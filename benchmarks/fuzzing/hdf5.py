"""Alter a data set in its structure: what is where, of which type and shape, with which attributes and values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from fuzzing.texts import alter_text

IMPOSSIBLE = LookupError, ArithmeticError, ValueError, TypeError, OSError, RuntimeError
"""What h5py and NumPy raise where something cannot be done."""
MANY = 10**9
"""Rows of a data set that declares more than it has."""
TYPES: tuple[Any, ...] = (
    "f2", "f4", "f8", ">f8", "i1", "u1", "i8", "u8", ">i4", "?", "c16", "S1", "S300", "V8", "(2,)f4",
    np.dtype([("a", "f4"), ("b", "i8")]), h5py.string_dtype(), h5py.vlen_dtype(np.float32),
    h5py.enum_dtype({"no": 0, "yes": 1}), h5py.ref_dtype,
)  # fmt: skip
"""Types that a data set may have and an array of numbers should not."""
ODD: tuple[Any, ...] = (
    "", "x", "none", "[red]",
    "\x1b[31m", "ü" * 30, "x" * 30_000, b"\xff\xfe", np.bytes_(b"ab\xff"), 0, 1, -1, -5, 2, 7, 2**31, 2**63 - 1,
    -(2**63), np.uint64(2**64 - 1), 0.5, -0.5, 1e308, float("nan"), float("inf"), True, False, 1j, h5py.Empty("f8"),
    h5py.Empty("S1"),
    np.zeros(0), np.zeros(3), np.arange(5), np.full((2, 2), np.nan), [b"a", b"b"], np.zeros(2, "S4"),
    "testbed/Crosswalk-v0",
    "testbed/OrderPicking-v0", "CartPole-v1", "this:testbed/Merge-v0", "{}", "[]", "null", "nan",
    '{"leader": "bicycle"}',
    '{"leader": 3}', '{"x": "y"}', '{"env_name": "testbed/Nowhere-v0"}', '{"env_name": []}', "[" * 100_000,
)  # fmt: skip
"""Values of attributes that hardly anything expects."""
NAMES = (
    "x", "demo_x", "demo_-1", "demo_00", "demo_007", "demo_²", "demo_٣", "demo_", "demo_99999999999999999999999",
    "[red]",
    "mask", "data", "ü", "a\nb", "\x1b[2J", " ", "x" * 3000,
)  # fmt: skip
"""Names of strange members."""


def alter_structure(file: Path, rng: Random, other: Path) -> str:
    """Alter a data set in one to three places; return what was done.

    Args:
        file: The data set.
        rng: Says where and how.
        other: A data set of another environment, of which parts are taken.
    """
    done = []
    with h5py.File(file, "r+") as data:
        for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
            try:
                what, way = _choose(data, rng)
                name = what.name
                done.append(f"{name}: {way(what, rng, other)}")
            except IMPOSSIBLE as error:  # after what was altered before, or of this type
                done.append(f"something halfway ({type(error).__name__})")
    return ", ".join(done)


def _choose(data: h5py.File, rng: Random) -> tuple[h5py.HLObject, Callable]:
    """Return an object of a file and a way to alter it."""
    found: list[h5py.HLObject] = [data, data["data"]] if "data" in data else [data]
    data.visititems(lambda name, item: found.append(item))
    sets = [item for item in found if isinstance(item, h5py.Dataset)]
    groups = [item for item in found if isinstance(item, h5py.Group)]
    named = [item for item in found if len(item.attrs)]
    kind = rng.choice(("set", "set", "attribute", "attribute", "group"))
    if kind == "set" and sets:
        return rng.choice(sets), rng.choice(_OF_SETS)
    if kind == "attribute" and named:
        return rng.choice(named), _attribute
    return rng.choice(groups), rng.choice(_OF_GROUPS)


def _attribute(item: h5py.HLObject, rng: Random, other: Path) -> str:
    name = rng.choice(sorted(item.attrs))
    before = item.attrs[name]
    way = rng.choice(("odd", "odd", "removed", "number", "text"))
    if way == "removed":
        del item.attrs[name]
        return f"no attribute {name}"
    if way == "text" and isinstance(before, str) and before.startswith("{"):
        item.attrs[name], done = alter_text(before, rng)
        return f"attribute {name}: {done}"
    if way == "number" and isinstance(before, int | float | np.number):
        after: Any = rng.choice(
            (-before, before + 1, before * 1000, float(before), str(before), [before], [before, before])
        )
    else:
        after = rng.choice(ODD)
    item.attrs[name] = after
    return f"attribute {name} = {after!r:.60}"


def _values(item: h5py.Dataset, rng: Random, other: Path) -> str:
    values = item[()]
    if not isinstance(values, np.ndarray) or values.size == 0 or values.dtype.kind not in "fiu":
        return "left alone"
    at = tuple(rng.randrange(size) for size in values.shape)
    if values.dtype.kind == "f":
        to = rng.choice((np.nan, np.inf, -np.inf, 1e300 if values.dtype == np.float64 else 1e38, -1e6, 0.0))
    else:
        to = rng.choice((-1, 5, 7, 2**31, 2**62))
    way = rng.choice(("one", "one", "all", "row"))
    values[{"one": at, "all": ..., "row": at[:1]}[way]] = to
    item[...] = values
    return f"{way} = {to:g}"


def _replaced(item: h5py.Dataset, values: Any, **how: Any) -> h5py.Dataset:
    """Put other values in the place of a data set; its attributes stay."""
    group, name, attrs = item.parent, item.name.rsplit("/", 1)[1], dict(item.attrs)
    del group[name]
    made = group.create_dataset(name, data=values, **how) if values is not None else group.create_dataset(name, **how)
    made.attrs.update(attrs)
    return made


def _retyped(item: h5py.Dataset, rng: Random, other: Path) -> str:
    kind = rng.choice(TYPES)
    values = np.asarray(item[()])
    try:
        values = values.astype(kind) if not isinstance(kind, np.dtype) else None
    except (ValueError, TypeError):
        values = None
    _replaced(item, values, **({"shape": item.shape, "dtype": kind} if values is None else {}))
    return f"of type {kind!r:.40}"


def _reshaped(item: h5py.Dataset, rng: Random, other: Path) -> str:
    values = np.asarray(item[()])
    ways: dict[str, Callable[[], Any]] = {
        "a row less": lambda: values[:-1],
        "a row more": lambda: np.concatenate([values, values[-1:]]),
        "one row": lambda: values[:1],
        "no row": lambda: values[:0],
        "flat": lambda: values.reshape(-1),
        "an axis more": lambda: values[..., None],
        "an axis before": lambda: values[None],
        "a column less": lambda: values[..., :-1],
        "a column more": lambda: np.concatenate([values, values[..., -1:]], axis=-1),
        "turned": lambda: values.T,
        "backwards": lambda: values[::-1],
        "a number": lambda: values.reshape(-1)[0],
        "nothing at all": lambda: h5py.Empty(values.dtype),
    }
    way = rng.choice(list(ways))
    _replaced(item, ways[way]())
    return way


def _vast(item: h5py.Dataset, rng: Random, other: Path) -> str:
    """Declare more than there is: nothing of it lies in the file."""
    shape = (MANY, *item.shape[1:]) if rng.random() < 0.5 else (*item.shape[:-1], MANY)
    _replaced(
        item, None, shape=shape, dtype=item.dtype, chunks=tuple(min(n, 100) or 1 for n in shape), compression="gzip"
    )
    return f"declared as {shape}"


def _elsewhere(item: h5py.Dataset, rng: Random, other: Path) -> str:
    """Have values lie in another file."""
    way = rng.choice(("a raw file", "a raw file that is not there", "an endless device", "a virtual data set"))
    shape, kind = item.shape, item.dtype
    if way == "a virtual data set":
        layout = h5py.VirtualLayout(shape=shape, dtype=kind)
        layout[...] = h5py.VirtualSource("nowhere.hdf5", "x", shape=shape)
        group, name = item.parent, item.name.rsplit("/", 1)[1]
        del group[name]
        group.create_virtual_dataset(name, layout)
        return way
    file = {"a raw file": "notes.txt", "an endless device": "/dev/zero"}.get(way, "nowhere")
    size = int(np.prod(shape)) * kind.itemsize
    _replaced(item, None, shape=shape, dtype=kind, external=[(file, 0, max(size, 1))])
    return way


def _linked(item: h5py.HLObject, rng: Random, other: Path) -> str:
    group, name = item.parent, item.name.rsplit("/", 1)[1]
    link = rng.choice((
        h5py.SoftLink("/nowhere"), h5py.SoftLink(item.name), h5py.SoftLink("/"), h5py.SoftLink("/data"),
        h5py.ExternalLink("nowhere.hdf5", "/x"), h5py.ExternalLink("notes.txt", "/x"), h5py.ExternalLink("pipe", "/x"),
        h5py.ExternalLink("/dev/zero", "/x"), h5py.ExternalLink(Path(item.file.filename).name, item.name),
    ))  # fmt: skip
    del group[name]
    group[name] = link
    return f"a link to {getattr(link, 'filename', '')}{link.path}"


def _of_other_kind(item: h5py.HLObject, rng: Random, other: Path) -> str:
    group, name = item.parent, item.name.rsplit("/", 1)[1]
    del group[name]
    way = rng.choice(("gone", "a group", "a number", "a type"))
    if way == "a group":
        group.create_group(name)
    elif way == "a number":
        group[name] = 3.0
    elif way == "a type":
        group[name] = np.dtype("f8")
    return way


def _from_another(item: h5py.Dataset, rng: Random, other: Path) -> str:
    """Take a part of a data set of another environment, or of another demo."""
    path = item.name
    if rng.random() < 0.5:
        with h5py.File(other, "r") as source:
            if path in source:
                _replaced(item, source[path][()])
                return "that of another environment"
    demos = [name for name in item.file["data"] if f"/{name}/" not in path]
    inside = path.split("/", 3)[3]
    source = rng.choice(demos)
    _replaced(item, item.file["data"][source][inside][()])
    return f"that of {source}"


def _stranger(item: h5py.Group, rng: Random, other: Path) -> str:
    name = rng.choice([one for one in NAMES if one not in item])
    way = rng.choice(("group", "values", "text", "loop", "copy"))
    if way == "group":
        item.create_group(name)
    elif way == "loop":
        item[name] = item.file["/"]
    elif way == "copy" and len(item):
        item.file.copy(item[rng.choice(list(item))], item, name=name)
    else:
        item[name] = "text" if way == "text" else np.arange(3.0)
    return f"{way} {name!r:.30} inside"


def _moved(item: h5py.Group, rng: Random, other: Path) -> str:
    one, two = rng.choice(list(item)), rng.choice(list(item))
    item.move(one, "between")
    if two in item:
        item.move(two, one)
    item.move("between", two)
    return f"{one} is {two}"


_OF_SETS = (
    _values, _values, _retyped, _retyped, _reshaped, _reshaped, _vast, _elsewhere, _linked, _of_other_kind,
    _from_another,
)  # fmt: skip
_OF_GROUPS = _of_other_kind, _linked, _stranger, _stranger, _moved


def first_episode(file: Path) -> int:
    """Return the number of the first episode that a data set has, 0 where it cannot be told."""
    if not file.is_file():
        return 0
    try:
        with h5py.File(file, "r") as data:
            return min((int(name[5:]) for name in data["data"] if name[5:].isdecimal()), default=0)
    except (*IMPOSSIBLE, AttributeError):
        return 0
