"""Ways to alter the arrays of a data set, each at a random place."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import h5py
import numpy as np
from numpy.random import Generator

Change = Callable[[h5py.File, Generator], None]
ARRAYS = ("obs/observation", "next_obs/observation", "actions", "rewards", "dones", "states", "final_state")
"""What a demo holds beside its trace."""
MEASURED = ("obs/observation", "next_obs/observation", "rewards", "states", "final_state")
"""Those that hold fractions everywhere."""


def one_of(rng: Generator, choices: Any) -> Any:
    return list(choices)[rng.integers(len(choices))]


def demo_of(file: h5py.File, rng: Generator) -> h5py.Group:
    return file["data"][one_of(rng, sorted(file["data"]))]


def arrays_of(demo: h5py.Group) -> list[str]:
    """Return the places of all arrays of a demo."""
    trace = demo["trace"]
    signals = [f"trace/{name}" for name in trace if name != "constants"]
    return [*ARRAYS, *signals, *(f"trace/constants/{name}" for name in trace["constants"])]


def measured(demo: h5py.Group) -> list[str]:
    return [place for place in arrays_of(demo) if demo[place].dtype.kind == "f"]


def put(demo: h5py.Group, place: str, values: Any = None, **how: Any) -> None:
    """Put another array in the place of one; its attributes stay."""
    attrs = dict(demo[place].attrs)
    del demo[place]
    made = demo.create_dataset(place, **how) if values is None else demo.create_dataset(place, data=values, **how)
    made.attrs.update(attrs)


def set_number(value: float, places: Callable[[h5py.Group], list[str]] = measured) -> Change:
    """Set one number of an array."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = demo_of(file, rng)
        array = demo[one_of(rng, places(demo))]
        values = np.array(array[()])
        values.reshape(-1)[rng.integers(values.size)] = value
        array[...] = values

    return change


def at(*places: str) -> Callable[[h5py.Group], list[str]]:
    return lambda demo: [place for place in places if place in demo]


def traced(demo: h5py.Group) -> list[str]:
    return [place for place in measured(demo) if place.startswith("trace")]


def coded(demo: h5py.Group) -> list[str]:
    return [place for place in arrays_of(demo) if place.startswith("trace") and demo[place].dtype == np.int8]


def reshaped(reshape: Callable[[np.ndarray], Any]) -> Change:
    """Store an array in another shape."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = demo_of(file, rng)
        place = one_of(rng, [p for p in arrays_of(demo) if demo[p].ndim > 0])
        put(demo, place, reshape(demo[place][()]))

    return change


def retyped(kind: Any) -> Change:
    """Store an array with another type."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = demo_of(file, rng)
        place = one_of(rng, [p for p in arrays_of(demo) if demo[p].dtype != kind])
        put(demo, place, shape=demo[place].shape, dtype=kind)

    return change


def mixed(file: h5py.File, rng: Generator) -> None:
    """Halve the precision of one demo, whose values stay what they are."""
    demo = demo_of(file, rng)
    place = one_of(rng, measured(demo))
    values = demo[place][()]
    put(demo, place, values.astype(np.float64 if values.dtype == np.float32 else np.float32))


def swapped(file: h5py.File, rng: Generator) -> None:
    demo = demo_of(file, rng)
    place = one_of(rng, measured(demo))
    values = demo[place][()]
    put(demo, place, values.astype(values.dtype.newbyteorder(">")))


def vast(file: h5py.File, rng: Generator) -> None:
    """Declare a thousand million rows, none of which is there."""
    demo = demo_of(file, rng)
    place = one_of(rng, ARRAYS)
    shape = (10**9, *demo[place].shape[1:])
    put(demo, place, shape=shape, dtype=demo[place].dtype, chunks=(1, *shape[1:]), compression="gzip")


def vast_and_said(file: h5py.File, rng: Generator) -> None:
    """Declare a thousand million rows of everything, and say so in `num_samples`."""
    demo = demo_of(file, rng)
    for place in arrays_of(demo):
        array = demo[place]
        if array.ndim and not place.startswith(("final", "trace/constants")):
            put(demo, place, shape=(10**9, *array.shape[1:]), dtype=array.dtype, chunks=(1, *array.shape[1:]))
    demo.attrs["num_samples"] = 10**9


def vast_chunk(file: h5py.File, rng: Generator) -> None:
    """Keep the shape, and declare a chunk of which one takes four gigabytes less a little."""
    demo = demo_of(file, rng)
    place = one_of(rng, ("rewards", "dones"))
    values = demo[place][()]
    put(demo, place, shape=values.shape, dtype=values.dtype, maxshape=(None,), chunks=(5 * 10**8,), compression="gzip")


def bomb(file: h5py.File, rng: Generator) -> None:
    """Put a chunk that unfolds to 300 megabytes where some kilobytes belong."""
    demo = demo_of(file, rng)
    values = demo["states"][()]
    put(demo, "states", shape=values.shape, dtype=values.dtype, chunks=values.shape, compression="gzip")
    demo["states"].id.write_direct_chunk((0, 0), powder())


@cache
def powder() -> bytes:
    """Return 300 megabytes of zeros, compressed."""
    squeeze, million = zlib.compressobj(1), bytes(10**6)
    return b"".join([*(squeeze.compress(million) for _ in range(300)), squeeze.flush()])


def torn(file: h5py.File, rng: Generator) -> None:
    """Fill a chunk with noise."""
    demo = demo_of(file, rng)
    array = demo[one_of(rng, [place for place in arrays_of(demo) if demo[place].chunks])]
    array.id.write_direct_chunk((0,) * array.ndim, rng.bytes(40))


def filtered(file: h5py.File, rng: Generator) -> None:
    """Let an array pass a filter that loses digits."""
    demo = demo_of(file, rng)
    place = one_of(rng, ("rewards", "states"))
    put(demo, place, demo[place][()], scaleoffset=2)


def virtual(file: h5py.File, rng: Generator) -> None:
    demo = demo_of(file, rng)
    place = one_of(rng, ARRAYS)
    shape, kind = demo[place].shape, demo[place].dtype
    layout = h5py.VirtualLayout(shape=shape, dtype=kind)
    layout[...] = h5py.VirtualSource("elsewhere.hdf5", "x", shape=shape)
    del demo[place]
    demo.create_virtual_dataset(place, layout)


def raw(file: h5py.File, rng: Generator) -> None:
    """Let the numbers of an array be the bytes of a file of the system's."""
    demo = demo_of(file, rng)
    place = one_of(rng, ("states", "rewards"))
    array = demo[place]
    put(demo, place, shape=array.shape, dtype=array.dtype, external=[("/dev/zero", 0, array.nbytes)])


def instead(thing: Any) -> Change:
    """Put something else in the place of an array or a group of a demo."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = demo_of(file, rng)
        place = one_of(rng, [*arrays_of(demo), "obs", "next_obs", "trace", "trace/constants"])
        is_array = isinstance(demo[place], h5py.Dataset)
        del demo[place]
        if thing == "the other kind":
            demo.create_group(place) if is_array else demo.create_dataset(place, data=[1.0])
        elif thing is not None:
            demo[place] = demo.file["/"] if thing == "the root" else thing

    return change


def demo_instead(thing: Any) -> Change:
    """Put something else in the place of a demo."""

    def change(file: h5py.File, rng: Generator) -> None:
        name = one_of(rng, sorted(file["data"]))
        del file["data"][name]
        file["data"][name] = file["/"] if thing == "the root" else thing

    return change
