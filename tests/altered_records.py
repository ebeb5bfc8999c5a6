"""Ways to alter the attributes, filter keys and demos of a data set, each at a random place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from altered_arrays import (
    ARRAYS,
    Change,
    arrays_of,
    demo_of,
    one_of,
    put,
    set_number,
    traced,
)
from numpy.random import Generator

ATTRIBUTES = (
    "num_samples", "scenario_seed", "fixed_context", "context", "policy", "habit", "trigger", "dose", "success",
    "terminated", "state_shape",
)  # fmt: skip
"""Attributes that every demo has."""
ODD: tuple[Any, ...] = (
    "", "x", "[red]", "a\nb", "x" * 3000, b"\xff\xfe", -5, 2**62, np.uint64(2**64 - 1), 0.5, float("nan"), float("inf"),
    1j, True, h5py.Empty("f8"), h5py.Empty("S1"), np.zeros(0), np.arange(5), np.full((2, 2), np.nan), np.zeros(2, "S4"),
    np.void(b"1234"), np.zeros((), [("a", "i4")]), "{}", "[]", "null", "[" * 10_000, '{"leader": "bicycle"}',
)  # fmt: skip
"""Values that no attribute expects; some fit a text."""


def attribute(*names: str, to: Any = None) -> Change:
    """Set one of some attributes of a demo, or remove it."""

    def change(file: h5py.File, rng: Generator) -> None:
        attrs, name = demo_of(file, rng).attrs, one_of(rng, names)
        del attrs[name]
        if to is not None:
            attrs[name] = to

    return change


def odd(of: Callable[[h5py.File, Generator], h5py.HLObject]) -> Change:
    """Give an attribute of something an odd value."""

    def change(file: h5py.File, rng: Generator) -> None:
        attrs = of(file, rng).attrs
        name = one_of(rng, sorted(attrs))
        del attrs[name]
        attrs[name] = one_of(rng, ODD)

    return change


def of_file(name: str, to: Any = None) -> Change:
    """Set an attribute of the whole data set, or remove it."""

    def change(file: h5py.File, rng: Generator) -> None:
        del file["data"].attrs[name]
        if to is not None:
            file["data"].attrs[name] = to

    return change


def environments(name: Any) -> Change:
    return of_file("env_args", json.dumps({"env_name": name, "type": 2}))


def factors(which: str, **factors: Any) -> Change:
    """Change the factors that a demo says were drawn or fixed; a name or value of None stands for any real one."""

    def change(file: h5py.File, rng: Generator) -> None:
        attrs = demo_of(file, rng).attrs
        attrs[which] = json.dumps({**json.loads(attrs[which]), **factors})

    return change


def without_a_factor(file: h5py.File, rng: Generator) -> None:
    attrs = demo_of(file, rng).attrs
    context = json.loads(attrs["context"])
    del context[one_of(rng, sorted(context))]
    attrs["context"] = json.dumps(context)


def units(to: Any) -> Change:
    """Set or remove the unit of a signal or constant."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = demo_of(file, rng)
        attrs = demo[one_of(rng, [place for place in arrays_of(demo) if place.startswith("trace")])].attrs
        del attrs["unit"]
        if to is not None:
            attrs["unit"] = to

    return change


def rates(to: Any) -> Change:
    def change(file: h5py.File, rng: Generator) -> None:
        demo_of(file, rng)["trace"].attrs["rate"] = to

    return change


def shorter(file: h5py.File, rng: Generator) -> None:
    """Cut one signal short, or all of them by a sample."""
    demo = demo_of(file, rng)
    signals = [f"trace/{name}" for name in demo["trace"] if name != "constants"]
    for place in signals if rng.random() < 0.5 else [one_of(rng, signals)]:
        put(demo, place, demo[place][:-1])


def parted(file: h5py.File, rng: Generator) -> None:
    """Move what was seen after a decision a little away from what was seen before the next."""
    array = demo_of(file, rng)["next_obs/observation"]
    row, column = rng.integers(len(array) - 1), rng.integers(array.shape[1])
    array[row, column] = 0.5 if array[row, column] == 0 else array[row, column] / 2


def early(file: h5py.File, rng: Generator) -> None:
    array = demo_of(file, rng)["dones"]
    array[rng.integers(len(array) - 1)] = 1


def endless(file: h5py.File, rng: Generator) -> None:
    array = demo_of(file, rng)["dones"]
    array[len(array) - 1] = 0


def swapped_places(file: h5py.File, rng: Generator) -> None:
    demo = demo_of(file, rng)
    demo.move("obs", "between")
    demo.move("next_obs", "obs")
    demo.move("between", "next_obs")


def masks(to: Any) -> Change:
    """Put something into the place of a filter key."""

    def change(file: h5py.File, rng: Generator) -> None:
        name = one_of(rng, sorted(file["mask"]))
        del file["mask"][name]
        if to == "a group":
            file["mask"].create_group(name)
        elif to == "vast":
            file["mask"].create_dataset(name, shape=(10**9,), dtype="S7", chunks=(100,))
        else:
            file["mask"][name] = to

    return change


def masks_instead(file: h5py.File, rng: Generator) -> None:
    del file["mask"]
    file["mask"] = [1, 2]


def stranger(name: str | bytes) -> Change:
    def change(file: h5py.File, rng: Generator) -> None:
        file["data"][name] = one_of(rng, (np.arange(3), "text", h5py.SoftLink("/nowhere"), h5py.SoftLink("/data")))

    return change


def removed(file: h5py.File, rng: Generator) -> None:
    del file["data"][one_of(rng, sorted(file["data"]))]


def emptied(file: h5py.File, rng: Generator) -> None:
    for name in list(file["data"]):
        del file["data"][name]


def moved(file: h5py.File, rng: Generator) -> None:
    file["data"].move(one_of(rng, sorted(file["data"])), "demo_700")


def twice(file: h5py.File, rng: Generator) -> None:
    file["data/demo_41"] = demo_of(file, rng)


def repacked(file: h5py.File, rng: Generator) -> None:
    """Store an array otherwise: without compression, with a quicker one, or with checksums."""
    demo = demo_of(file, rng)
    place = one_of(rng, ARRAYS[:-1])
    how = one_of(rng, ({}, {"compression": "lzf"}, {"fletcher32": True}, {"compression": "gzip", "shuffle": False}))
    put(demo, place, demo[place][()], **how)


def more(file: h5py.File, rng: Generator) -> None:
    """Add what nobody asked for: a signal, an attribute, an array, a loop."""
    demo = demo_of(file, rng)
    demo["trace/mood"] = np.full(3, np.nan)
    demo["pictures"] = np.zeros((2, 3), np.uint8)
    demo["round"] = file["/"]
    demo.attrs["remark"] = "[red]quite a good one\n"


def extreme(file: h5py.File, rng: Generator) -> None:
    """Set one number of the trace to the largest that may be."""
    set_number(one_of(rng, (1e6, -1e6)), traced)(file, rng)
