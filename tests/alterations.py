"""Ways to alter a valid data set, each at a random place: `ALTERATIONS` is what tests and fuzzing go through.

A change takes an open `h5py.File` and a generator of random numbers. `spoils` says that the file cannot be valid after
it; the others leave it readable, or depend on the place.
"""

from __future__ import annotations

from typing import NamedTuple

import h5py
import numpy as np
from altered_arrays import (
    Change,
    at,
    bomb,
    coded,
    demo_instead,
    demo_of,
    filtered,
    instead,
    mixed,
    raw,
    reshaped,
    retyped,
    set_number,
    swapped,
    torn,
    traced,
    vast,
    vast_and_said,
    vast_chunk,
    virtual,
)
from altered_records import (
    ATTRIBUTES,
    attribute,
    early,
    emptied,
    endless,
    environments,
    extreme,
    factors,
    masks,
    masks_instead,
    more,
    moved,
    odd,
    of_file,
    parted,
    rates,
    removed,
    repacked,
    shorter,
    stranger,
    swapped_places,
    twice,
    units,
    without_a_factor,
)


class Alteration(NamedTuple):
    """One way to alter a data set."""

    name: str
    """What is done."""
    change: Change
    """Does it."""
    spoils: bool
    """Whether the file is certainly not valid any more."""


def spoiling(changes: dict[str, Change]) -> list[Alteration]:
    return [Alteration(name, change, spoils=True) for name, change in changes.items()]


ALTERATIONS: list[Alteration] = [
    *spoiling(
        {
            "a number is NaN": set_number(np.nan),
            "a signal is NaN": set_number(np.nan, traced),
            "the final state is NaN": set_number(np.nan, at("final_state")),
            "a number is infinite": set_number(-np.inf),
            "a signal is vast": set_number(1e300, traced),
            "an observation is beyond its limits": set_number(1e30, at("obs/observation", "next_obs/observation")),
            "a reward is vast": set_number(-1e300, at("rewards")),
            "an action is beyond the space": set_number(7, at("actions")),
            "an action is below the space": set_number(-3, at("actions")),
            "what is seen does not follow": parted,
            "before and after are swapped": swapped_places,
            "it is done early": early,
            "it is never done": endless,
            "a row less": reshaped(lambda values: values[:-1]),
            "a row more": reshaped(lambda values: np.concatenate([values, values[-1:]])),
            "no row": reshaped(lambda values: values[:0]),
            "an axis more": reshaped(lambda values: values[..., None]),
            "an axis before": reshaped(lambda values: values[None]),
            "a column more": reshaped(lambda values: np.concatenate([values, values[..., -1:]], axis=-1)),
            "a number where a row belongs": reshaped(lambda values: values.reshape(-1)[0]),
            "nothing at all": reshaped(lambda values: h5py.Empty(values.dtype)),
            "signals cut short": shorter,
            "demos of two precisions": mixed,
            "bytes the other way round": swapped,
            **{
                f"of type {kind}": retyped(kind)
                for kind in (np.float16, np.int16, np.complex128, np.uint64, np.dtype("S5"), np.dtype("V8"))
            },
            "of records": retyped(np.dtype([("a", "f4"), ("b", "i8")])),
            "of texts": retyped(h5py.string_dtype()),
            "of rows of any length": retyped(h5py.vlen_dtype(np.float32)),
            "of names": retyped(h5py.enum_dtype({"no": 0, "perhaps": 1, "yes": 2})),
            "of references": retyped(h5py.ref_dtype),
            "more is declared than there is": vast,
            "more is declared than there is, everywhere": vast_and_said,
            "a vast chunk": vast_chunk,
            "a bomb": bomb,
            "a damaged chunk": torn,
            "a filter that loses digits": filtered,
            "a virtual array": virtual,
            "the bytes of another file": raw,
            "something is missing": instead(None),
            "a group for an array, or an array for a group": instead("the other kind"),
            "a type for something": instead(np.dtype("f8")),
            "the root for something": instead("the root"),
            "a dangling link": instead(h5py.SoftLink("/nowhere")),
            "a link to a group above": instead(h5py.SoftLink("/data")),
            "a link to another file": instead(h5py.ExternalLink("other.hdf5", "/x")),
            "an array for a demo": demo_instead([1.0]),
            "the root for a demo": demo_instead("the root"),
            "a dangling link for a demo": demo_instead(h5py.SoftLink("/nowhere")),
            "a link for a demo": demo_instead(h5py.SoftLink("/data")),
            "another file's episode for a demo": demo_instead(h5py.ExternalLink("x.parts/demo_0.hdf5", "/episode")),
            "a device for a demo": demo_instead(h5py.ExternalLink("/dev/zero", "/episode")),
            "no attribute": attribute(*ATTRIBUTES),
            "no decision": attribute("num_samples", to=0),
            "more decisions": attribute("num_samples", to=10**9),
            "a seed below 0": attribute("scenario_seed", to=-5),
            "a seed above all": attribute("scenario_seed", to=np.uint64(2**63)),
            "a seed with a fraction": attribute("scenario_seed", to=0.5),
            "a label of two lines": attribute("policy", "habit", "trigger", to="a\nb"),
            "a label without end": attribute("policy", "habit", "trigger", to="x" * 2000),
            "a dose that is none": attribute("dose", to=np.nan),
            "a dose beyond 1": attribute("dose", to=2.0),
            "a flag that is text": attribute("success", "terminated", to="yes"),
            "a flag that is a number": attribute("success", "terminated", to=2),
            "a state of another shape": attribute("state_shape", to=[3, 5]),
            "a state without end": attribute("state_shape", to=np.full(20, 10**9)),
            "an unknown value of the context": factors("context", leader="bicycle", product="car"),
            "a value of the context that is no text": factors("context", density=3, notice=[]),
            "an unknown factor": factors("fixed_context", weather="fog"),
            "a factor less": without_a_factor,
            "a context that is no JSON": attribute("context", "fixed_context", to="{leader: car}"),
            "a context that is a list": attribute("context", "fixed_context", to="[]"),
            "a context that nests without end": attribute("context", "fixed_context", to="[" * 100_000),
            "no rate": rates(0),
            "a rate that is none": rates(np.nan),
            "another rate": rates(16),
            "a rate of text": rates("15"),
            "no unit": units(None),
            "another unit": units("furlong"),
            "a unit that is a number": units(3),
            "a module for an environment": environments("this:testbed/Merge-v0"),
            "an environment that is not ours": environments("CartPole-v1"),
            "an environment of another scene": environments("testbed/Crosswalk-v0"),
            "an environment that is a list": environments([]),
            "no environment": of_file("env_args"),
            "an environment that is no JSON": of_file("env_args", "testbed/Merge-v0"),
            "a schema that is text": of_file("testbed_schema", "1"),
            "a newer schema": of_file("testbed_schema", 99),
            "a schema of none": of_file("testbed_schema"),
            "a lineage that is no JSON": of_file("lineage", "somewhere"),
            "no lineage": of_file("lineage"),
            "no word of being complete": of_file("complete"),
            "complete is text": of_file("complete", "yes"),
            "no total": of_file("total"),
            "another total": of_file("total", 7),
            "a total that is text": of_file("total", "7"),
            "a group for a filter key": masks("a group"),
            "numbers for a filter key": masks([1, 2]),
            "a vast filter key": masks("vast"),
            "a filter key of strangers": masks(np.array([b"demo_99"])),
            "a filter key of texts": masks(["demo_0"]),
            "a link for a filter key": masks(h5py.SoftLink("/nowhere")),
            "an array for all filter keys": masks_instead,
            "a stranger among the demos": stranger("stranger"),
            "a demo with another number's look": stranger("demo_007"),
            "a demo with no number": stranger("demo_²"),
            "a demo with a name that is no text": stranger(b"demo_\xff"),
            "a demo removed": removed,
            "every demo removed": emptied,
        }
    ),
    Alteration("an odd attribute of a demo", odd(demo_of), spoils=False),
    Alteration("an odd attribute of the data", odd(lambda file, rng: file["data"]), spoils=False),
    Alteration("a demo under another number", moved, spoils=True),  # filter keys name the old one
    Alteration("a demo twice", twice, spoils=True),  # the total is another
    Alteration("an array stored otherwise", repacked, spoils=False),
    Alteration("more than was asked for", more, spoils=False),
    Alteration("a number of the trace as large as may be", extreme, spoils=False),
    Alteration("a code of the trace that means nothing", set_number(99, coded), spoils=False),
    Alteration("a state that cannot be", set_number(1e300, at("states", "final_state")), spoils=False),
    Alteration("a habit of another scene", attribute("habit", to="nudging"), spoils=False),
    Alteration("a habit of another scene still", attribute("habit", to="tailgating"), spoils=False),
    Alteration("a habit that nobody knows", attribute("habit", to="[b]whistling[/b]"), spoils=False),
    Alteration("a text stored as bytes", attribute("policy", to=np.bytes_(b"teacher")), spoils=False),
]
