"""Ways to alter a valid data set, each at a random place: `ALTERATIONS` is what tests and fuzzing go through.

A change takes an open `h5py.File` and a generator of random numbers. `spoils` says that the file cannot be valid after
it; the others leave it readable, or depend on the place.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.random import Generator

Change = Callable[[h5py.File, Generator], None]
ARRAYS = ("obs/observation", "next_obs/observation", "actions", "rewards", "dones", "states", "final_state")
"""What a demo holds beside its trace."""
MEASURED = ("obs/observation", "next_obs/observation", "rewards", "states", "final_state")
"""Those that hold fractions everywhere."""
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


class Alteration(NamedTuple):
    """One way to alter a data set."""

    name: str
    """What is done."""
    change: Change
    """Does it."""
    spoils: bool
    """Whether the file is certainly not valid any more."""


def _one(rng: Generator, choices: Any) -> Any:
    return list(choices)[rng.integers(len(choices))]


def _demo(file: h5py.File, rng: Generator) -> h5py.Group:
    return file["data"][_one(rng, sorted(file["data"]))]


def _arrays(demo: h5py.Group) -> list[str]:
    """Return the places of all arrays of a demo."""
    trace = demo["trace"]
    signals = [f"trace/{name}" for name in trace if name != "constants"]
    return [*ARRAYS, *signals, *(f"trace/constants/{name}" for name in trace["constants"])]


def _measured(demo: h5py.Group) -> list[str]:
    return [place for place in _arrays(demo) if demo[place].dtype.kind == "f"]


def _put(demo: h5py.Group, place: str, values: Any = None, **how: Any) -> None:
    """Put another array in the place of one; its attributes stay."""
    attrs = dict(demo[place].attrs)
    del demo[place]
    made = demo.create_dataset(place, **how) if values is None else demo.create_dataset(place, data=values, **how)
    made.attrs.update(attrs)


def _set(value: float, places: Callable[[h5py.Group], list[str]] = _measured) -> Change:
    """Set one number of an array."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = _demo(file, rng)
        array = demo[_one(rng, places(demo))]
        values = np.array(array[()])
        values.reshape(-1)[rng.integers(values.size)] = value
        array[...] = values

    return change


def _at(*places: str) -> Callable[[h5py.Group], list[str]]:
    return lambda demo: [place for place in places if place in demo]


def _traced(demo: h5py.Group) -> list[str]:
    return [place for place in _measured(demo) if place.startswith("trace")]


def _coded(demo: h5py.Group) -> list[str]:
    return [place for place in _arrays(demo) if place.startswith("trace") and demo[place].dtype == np.int8]


def _reshaped(reshape: Callable[[np.ndarray], Any]) -> Change:
    """Store an array in another shape."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = _demo(file, rng)
        place = _one(rng, [p for p in _arrays(demo) if demo[p].ndim > 0])
        _put(demo, place, reshape(demo[place][()]))

    return change


def _retyped(kind: Any) -> Change:
    """Store an array with another type."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = _demo(file, rng)
        place = _one(rng, [p for p in _arrays(demo) if demo[p].dtype != kind])
        _put(demo, place, shape=demo[place].shape, dtype=kind)

    return change


def _mixed(file: h5py.File, rng: Generator) -> None:
    """Halve the precision of one demo, whose values stay what they are."""
    demo = _demo(file, rng)
    place = _one(rng, _measured(demo))
    values = demo[place][()]
    _put(demo, place, values.astype(np.float64 if values.dtype == np.float32 else np.float32))


def _swapped(file: h5py.File, rng: Generator) -> None:
    demo = _demo(file, rng)
    place = _one(rng, _measured(demo))
    values = demo[place][()]
    _put(demo, place, values.astype(values.dtype.newbyteorder(">")))


def _vast(file: h5py.File, rng: Generator) -> None:
    """Declare a thousand million rows, none of which is there."""
    demo = _demo(file, rng)
    place = _one(rng, ARRAYS)
    shape = (10**9, *demo[place].shape[1:])
    _put(demo, place, shape=shape, dtype=demo[place].dtype, chunks=(1, *shape[1:]), compression="gzip")


def _vast_and_said(file: h5py.File, rng: Generator) -> None:
    """Declare a thousand million rows of everything, and say so in `num_samples`."""
    demo = _demo(file, rng)
    for place in _arrays(demo):
        array = demo[place]
        if array.ndim and not place.startswith(("final", "trace/constants")):
            _put(demo, place, shape=(10**9, *array.shape[1:]), dtype=array.dtype, chunks=(1, *array.shape[1:]))
    demo.attrs["num_samples"] = 10**9


def _vast_chunk(file: h5py.File, rng: Generator) -> None:
    """Keep the shape, and declare a chunk of which one takes four gigabytes less a little."""
    demo = _demo(file, rng)
    place = _one(rng, ("rewards", "dones"))
    values = demo[place][()]
    _put(demo, place, shape=values.shape, dtype=values.dtype, maxshape=(None,), chunks=(5 * 10**8,), compression="gzip")


def _bomb(file: h5py.File, rng: Generator) -> None:
    """Put a chunk that unfolds to 300 megabytes where some kilobytes belong."""
    demo = _demo(file, rng)
    values = demo["states"][()]
    _put(demo, "states", shape=values.shape, dtype=values.dtype, chunks=values.shape, compression="gzip")
    demo["states"].id.write_direct_chunk((0, 0), _powder())


@cache
def _powder() -> bytes:
    """Return 300 megabytes of zeros, compressed."""
    squeeze, million = zlib.compressobj(1), bytes(10**6)
    return b"".join([*(squeeze.compress(million) for _ in range(300)), squeeze.flush()])


def _torn(file: h5py.File, rng: Generator) -> None:
    """Fill a chunk with noise."""
    demo = _demo(file, rng)
    array = demo[_one(rng, [place for place in _arrays(demo) if demo[place].chunks])]
    array.id.write_direct_chunk((0,) * array.ndim, rng.bytes(40))


def _filtered(file: h5py.File, rng: Generator) -> None:
    """Let an array pass a filter that loses digits."""
    demo = _demo(file, rng)
    place = _one(rng, ("rewards", "states"))
    _put(demo, place, demo[place][()], scaleoffset=2)


def _virtual(file: h5py.File, rng: Generator) -> None:
    demo = _demo(file, rng)
    place = _one(rng, ARRAYS)
    shape, kind = demo[place].shape, demo[place].dtype
    layout = h5py.VirtualLayout(shape=shape, dtype=kind)
    layout[...] = h5py.VirtualSource("elsewhere.hdf5", "x", shape=shape)
    del demo[place]
    demo.create_virtual_dataset(place, layout)


def _raw(file: h5py.File, rng: Generator) -> None:
    """Let the numbers of an array be the bytes of a file of the system's."""
    demo = _demo(file, rng)
    place = _one(rng, ("states", "rewards"))
    array = demo[place]
    _put(demo, place, shape=array.shape, dtype=array.dtype, external=[("/dev/zero", 0, array.nbytes)])


def _instead(thing: Any) -> Change:
    """Put something else in the place of an array or a group of a demo."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = _demo(file, rng)
        place = _one(rng, [*_arrays(demo), "obs", "next_obs", "trace", "trace/constants"])
        is_array = isinstance(demo[place], h5py.Dataset)
        del demo[place]
        if thing == "the other kind":
            demo.create_group(place) if is_array else demo.create_dataset(place, data=[1.0])
        elif thing is not None:
            demo[place] = demo.file["/"] if thing == "the root" else thing

    return change


def _demo_instead(thing: Any) -> Change:
    """Put something else in the place of a demo."""

    def change(file: h5py.File, rng: Generator) -> None:
        name = _one(rng, sorted(file["data"]))
        del file["data"][name]
        file["data"][name] = file["/"] if thing == "the root" else thing

    return change


def _attribute(*names: str, to: Any = None) -> Change:
    """Set one of some attributes of a demo, or remove it."""

    def change(file: h5py.File, rng: Generator) -> None:
        attrs, name = _demo(file, rng).attrs, _one(rng, names)
        del attrs[name]
        if to is not None:
            attrs[name] = to

    return change


def _odd(of: Callable[[h5py.File, Generator], h5py.HLObject]) -> Change:
    """Give an attribute of something an odd value."""

    def change(file: h5py.File, rng: Generator) -> None:
        attrs = of(file, rng).attrs
        name = _one(rng, sorted(attrs))
        del attrs[name]
        attrs[name] = _one(rng, ODD)

    return change


def _of_file(name: str, to: Any = None) -> Change:
    """Set an attribute of the whole data set, or remove it."""

    def change(file: h5py.File, rng: Generator) -> None:
        del file["data"].attrs[name]
        if to is not None:
            file["data"].attrs[name] = to

    return change


def _environment(name: Any) -> Change:
    return _of_file("env_args", json.dumps({"env_name": name, "type": 2}))


def _context(which: str, **factors: Any) -> Change:
    """Change the factors that a demo says were drawn or fixed; a name or value of None stands for any real one."""

    def change(file: h5py.File, rng: Generator) -> None:
        attrs = _demo(file, rng).attrs
        attrs[which] = json.dumps({**json.loads(attrs[which]), **factors})

    return change


def _without_a_factor(file: h5py.File, rng: Generator) -> None:
    attrs = _demo(file, rng).attrs
    context = json.loads(attrs["context"])
    del context[_one(rng, sorted(context))]
    attrs["context"] = json.dumps(context)


def _unit(to: Any) -> Change:
    """Set or remove the unit of a signal or constant."""

    def change(file: h5py.File, rng: Generator) -> None:
        demo = _demo(file, rng)
        attrs = demo[_one(rng, [place for place in _arrays(demo) if place.startswith("trace")])].attrs
        del attrs["unit"]
        if to is not None:
            attrs["unit"] = to

    return change


def _rate(to: Any) -> Change:
    def change(file: h5py.File, rng: Generator) -> None:
        _demo(file, rng)["trace"].attrs["rate"] = to

    return change


def _shorter(file: h5py.File, rng: Generator) -> None:
    """Cut one signal short, or all of them by a sample."""
    demo = _demo(file, rng)
    signals = [f"trace/{name}" for name in demo["trace"] if name != "constants"]
    for place in signals if rng.random() < 0.5 else [_one(rng, signals)]:
        _put(demo, place, demo[place][:-1])


def _parted(file: h5py.File, rng: Generator) -> None:
    """Move what was seen after a decision a little away from what was seen before the next."""
    array = _demo(file, rng)["next_obs/observation"]
    row, column = rng.integers(len(array) - 1), rng.integers(array.shape[1])
    array[row, column] = 0.5 if array[row, column] == 0 else array[row, column] / 2


def _early(file: h5py.File, rng: Generator) -> None:
    array = _demo(file, rng)["dones"]
    array[rng.integers(len(array) - 1)] = 1


def _endless(file: h5py.File, rng: Generator) -> None:
    array = _demo(file, rng)["dones"]
    array[len(array) - 1] = 0


def _swapped_places(file: h5py.File, rng: Generator) -> None:
    demo = _demo(file, rng)
    demo.move("obs", "between")
    demo.move("next_obs", "obs")
    demo.move("between", "next_obs")


def _mask(to: Any) -> Change:
    """Put something into the place of a filter key."""

    def change(file: h5py.File, rng: Generator) -> None:
        name = _one(rng, sorted(file["mask"]))
        del file["mask"][name]
        if to == "a group":
            file["mask"].create_group(name)
        elif to == "vast":
            file["mask"].create_dataset(name, shape=(10**9,), dtype="S7", chunks=(100,))
        else:
            file["mask"][name] = to

    return change


def _masks_instead(file: h5py.File, rng: Generator) -> None:
    del file["mask"]
    file["mask"] = [1, 2]


def _stranger(name: str | bytes) -> Change:
    def change(file: h5py.File, rng: Generator) -> None:
        file["data"][name] = _one(rng, (np.arange(3), "text", h5py.SoftLink("/nowhere"), h5py.SoftLink("/data")))

    return change


def _removed(file: h5py.File, rng: Generator) -> None:
    del file["data"][_one(rng, sorted(file["data"]))]


def _emptied(file: h5py.File, rng: Generator) -> None:
    for name in list(file["data"]):
        del file["data"][name]


def _moved(file: h5py.File, rng: Generator) -> None:
    file["data"].move(_one(rng, sorted(file["data"])), "demo_700")


def _twice(file: h5py.File, rng: Generator) -> None:
    file["data/demo_41"] = _demo(file, rng)


def _repacked(file: h5py.File, rng: Generator) -> None:
    """Store an array otherwise: without compression, with a quicker one, or with checksums."""
    demo = _demo(file, rng)
    place = _one(rng, ARRAYS[:-1])
    how = _one(rng, ({}, {"compression": "lzf"}, {"fletcher32": True}, {"compression": "gzip", "shuffle": False}))
    _put(demo, place, demo[place][()], **how)


def _more(file: h5py.File, rng: Generator) -> None:
    """Add what nobody asked for: a signal, an attribute, an array, a loop."""
    demo = _demo(file, rng)
    demo["trace/mood"] = np.full(3, np.nan)
    demo["pictures"] = np.zeros((2, 3), np.uint8)
    demo["round"] = file["/"]
    demo.attrs["remark"] = "[red]quite a good one\n"


def _extreme(file: h5py.File, rng: Generator) -> None:
    """Set one number of the trace to the largest that may be."""
    _set(_one(rng, (1e6, -1e6)), _traced)(file, rng)


def _spoiling(changes: dict[str, Change]) -> list[Alteration]:
    return [Alteration(name, change, spoils=True) for name, change in changes.items()]


ALTERATIONS: list[Alteration] = [
    *_spoiling(
        {
            "a number is NaN": _set(np.nan),
            "a signal is NaN": _set(np.nan, _traced),
            "the final state is NaN": _set(np.nan, _at("final_state")),
            "a number is infinite": _set(-np.inf),
            "a signal is vast": _set(1e300, _traced),
            "an observation is beyond its limits": _set(1e30, _at("obs/observation", "next_obs/observation")),
            "a reward is vast": _set(-1e300, _at("rewards")),
            "an action is beyond the space": _set(7, _at("actions")),
            "an action is below the space": _set(-3, _at("actions")),
            "what is seen does not follow": _parted,
            "before and after are swapped": _swapped_places,
            "it is done early": _early,
            "it is never done": _endless,
            "a row less": _reshaped(lambda values: values[:-1]),
            "a row more": _reshaped(lambda values: np.concatenate([values, values[-1:]])),
            "no row": _reshaped(lambda values: values[:0]),
            "an axis more": _reshaped(lambda values: values[..., None]),
            "an axis before": _reshaped(lambda values: values[None]),
            "a column more": _reshaped(lambda values: np.concatenate([values, values[..., -1:]], axis=-1)),
            "a number where a row belongs": _reshaped(lambda values: values.reshape(-1)[0]),
            "nothing at all": _reshaped(lambda values: h5py.Empty(values.dtype)),
            "signals cut short": _shorter,
            "demos of two precisions": _mixed,
            "bytes the other way round": _swapped,
            **{
                f"of type {kind}": _retyped(kind)
                for kind in (np.float16, np.int16, np.complex128, np.uint64, np.dtype("S5"), np.dtype("V8"))
            },
            "of records": _retyped(np.dtype([("a", "f4"), ("b", "i8")])),
            "of texts": _retyped(h5py.string_dtype()),
            "of rows of any length": _retyped(h5py.vlen_dtype(np.float32)),
            "of names": _retyped(h5py.enum_dtype({"no": 0, "perhaps": 1, "yes": 2})),
            "of references": _retyped(h5py.ref_dtype),
            "more is declared than there is": _vast,
            "more is declared than there is, everywhere": _vast_and_said,
            "a vast chunk": _vast_chunk,
            "a bomb": _bomb,
            "a damaged chunk": _torn,
            "a filter that loses digits": _filtered,
            "a virtual array": _virtual,
            "the bytes of another file": _raw,
            "something is missing": _instead(None),
            "a group for an array, or an array for a group": _instead("the other kind"),
            "a type for something": _instead(np.dtype("f8")),
            "the root for something": _instead("the root"),
            "a dangling link": _instead(h5py.SoftLink("/nowhere")),
            "a link to a group above": _instead(h5py.SoftLink("/data")),
            "a link to another file": _instead(h5py.ExternalLink("other.hdf5", "/x")),
            "an array for a demo": _demo_instead([1.0]),
            "the root for a demo": _demo_instead("the root"),
            "a dangling link for a demo": _demo_instead(h5py.SoftLink("/nowhere")),
            "a link for a demo": _demo_instead(h5py.SoftLink("/data")),
            "another file's episode for a demo": _demo_instead(h5py.ExternalLink("x.parts/demo_0.hdf5", "/episode")),
            "a device for a demo": _demo_instead(h5py.ExternalLink("/dev/zero", "/episode")),
            "no attribute": _attribute(*ATTRIBUTES),
            "no decision": _attribute("num_samples", to=0),
            "more decisions": _attribute("num_samples", to=10**9),
            "a seed below 0": _attribute("scenario_seed", to=-5),
            "a seed above all": _attribute("scenario_seed", to=np.uint64(2**63)),
            "a seed with a fraction": _attribute("scenario_seed", to=0.5),
            "a label of two lines": _attribute("policy", "habit", "trigger", to="a\nb"),
            "a label without end": _attribute("policy", "habit", "trigger", to="x" * 2000),
            "a dose that is none": _attribute("dose", to=np.nan),
            "a dose beyond 1": _attribute("dose", to=2.0),
            "a flag that is text": _attribute("success", "terminated", to="yes"),
            "a flag that is a number": _attribute("success", "terminated", to=2),
            "a state of another shape": _attribute("state_shape", to=[3, 5]),
            "a state without end": _attribute("state_shape", to=np.full(20, 10**9)),
            "an unknown value of the context": _context("context", leader="bicycle", product="car"),
            "a value of the context that is no text": _context("context", density=3, notice=[]),
            "an unknown factor": _context("fixed_context", weather="fog"),
            "a factor less": _without_a_factor,
            "a context that is no JSON": _attribute("context", "fixed_context", to="{leader: car}"),
            "a context that is a list": _attribute("context", "fixed_context", to="[]"),
            "a context that nests without end": _attribute("context", "fixed_context", to="[" * 100_000),
            "no rate": _rate(0),
            "a rate that is none": _rate(np.nan),
            "another rate": _rate(16),
            "a rate of text": _rate("15"),
            "no unit": _unit(None),
            "another unit": _unit("furlong"),
            "a unit that is a number": _unit(3),
            "a module for an environment": _environment("this:testbed/Merge-v0"),
            "an environment that is not ours": _environment("CartPole-v1"),
            "an environment of another scene": _environment("testbed/Crosswalk-v0"),
            "an environment that is a list": _environment([]),
            "no environment": _of_file("env_args"),
            "an environment that is no JSON": _of_file("env_args", "testbed/Merge-v0"),
            "a schema that is text": _of_file("testbed_schema", "1"),
            "a newer schema": _of_file("testbed_schema", 99),
            "a schema of none": _of_file("testbed_schema"),
            "a lineage that is no JSON": _of_file("lineage", "somewhere"),
            "no lineage": _of_file("lineage"),
            "no word of being complete": _of_file("complete"),
            "complete is text": _of_file("complete", "yes"),
            "no total": _of_file("total"),
            "another total": _of_file("total", 7),
            "a total that is text": _of_file("total", "7"),
            "a group for a filter key": _mask("a group"),
            "numbers for a filter key": _mask([1, 2]),
            "a vast filter key": _mask("vast"),
            "a filter key of strangers": _mask(np.array([b"demo_99"])),
            "a filter key of texts": _mask(["demo_0"]),
            "a link for a filter key": _mask(h5py.SoftLink("/nowhere")),
            "an array for all filter keys": _masks_instead,
            "a stranger among the demos": _stranger("stranger"),
            "a demo with another number's look": _stranger("demo_007"),
            "a demo with no number": _stranger("demo_²"),
            "a demo with a name that is no text": _stranger(b"demo_\xff"),
            "a demo removed": _removed,
            "every demo removed": _emptied,
        }
    ),
    Alteration("an odd attribute of a demo", _odd(_demo), spoils=False),
    Alteration("an odd attribute of the data", _odd(lambda file, rng: file["data"]), spoils=False),
    Alteration("a demo under another number", _moved, spoils=True),  # filter keys name the old one
    Alteration("a demo twice", _twice, spoils=True),  # the total is another
    Alteration("an array stored otherwise", _repacked, spoils=False),
    Alteration("more than was asked for", _more, spoils=False),
    Alteration("a number of the trace as large as may be", _extreme, spoils=False),
    Alteration("a code of the trace that means nothing", _set(99, _coded), spoils=False),
    Alteration("a state that cannot be", _set(1e300, _at("states", "final_state")), spoils=False),
    Alteration("a habit of another scene", _attribute("habit", to="nudging"), spoils=False),
    Alteration("a habit of another scene still", _attribute("habit", to="tailgating"), spoils=False),
    Alteration("a habit that nobody knows", _attribute("habit", to="[b]whistling[/b]"), spoils=False),
    Alteration("a text stored as bytes", _attribute("policy", to=np.bytes_(b"teacher")), spoils=False),
]
