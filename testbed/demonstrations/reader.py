"""Read data sets, and say in one line what is wrong with one that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from testbed.demonstrations import layout
from testbed.episode import Episode
from testbed.errors import UserError

MADE_BY = "collect it again with `testbed collect`"


@contextmanager
def open_data(path: Path) -> Iterator[h5py.Group]:
    """Open the `data` group of a data set for reading.

    Raises:
        UserError: if the file is missing, truncated, no HDF5, or not laid out as a data set.
    """
    if not path.is_file():
        raise UserError(f"no data set at {path}: give an .hdf5 file, or {MADE_BY}")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        reason = "it is truncated" if "truncated" in str(error) else "it is not an HDF5 file, or it is damaged"
        raise UserError(f"{path} cannot be opened: {reason}; copy it anew or {MADE_BY}") from None
    with file:
        if "data" not in file or not isinstance(file["data"], h5py.Group):
            raise UserError(f"{path} has no group 'data', so it is not a data set in robomimic's layout")
        data = file["data"]
        if "testbed_schema" not in data.attrs:
            raise UserError(f"{path} was not made by the testbed (it has no schema version), so it cannot be read")
        if data.attrs["testbed_schema"] > layout.SCHEMA:
            raise UserError(
                f"{path} has schema {data.attrs['testbed_schema']}, newer than {layout.SCHEMA}: update testbed"
            )
        yield data


def stored_lineage(path: Path) -> str:
    """Return the lineage record of a data set (JSON); raises `UserError` as `open_data` does."""
    with open_data(path) as data:
        return str(data.attrs["lineage"])


def count_episodes(path: Path) -> int:
    """Return how many episodes a data set holds."""
    with open_data(path) as data:
        return sum(1 for _ in layout.demo_names(data))


def load_episode(path: Path, number: int) -> Episode:
    """Return one episode of a data set.

    Raises:
        UserError: if the file cannot be read or has no such episode.
    """
    with open_data(path) as data:
        names = list(layout.demo_names(data))
        if not 0 <= number < len(names):
            raise UserError(f"{path} has no episode {number}: its {len(names)} episodes are numbered from 0")
        return _read(path, data, names[number])


def load_episodes(path: Path) -> list[Episode]:
    """Return every episode of a data set, in order; raises `UserError` as `load_episode` does."""
    with open_data(path) as data:
        return [_read(path, data, name) for name in layout.demo_names(data)]


def _read(path: Path, data: h5py.Group, name: str) -> Episode:
    try:
        environment = json.loads(data.attrs["env_args"])["env_name"]
        episode = layout.read_episode(data[name], environment)
    except (KeyError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: {name} is incomplete ({reason}); see `testbed validate {path}`") from None
    for what in ("observations", "actions", "states"):
        if not np.isfinite(getattr(episode, what)).all():
            raise UserError(f"{path}: {name} has {what} that are not numbers (NaN or infinity); {MADE_BY}")
    return episode


@dataclass(frozen=True)
class Problem:
    """Something wrong with a data set."""

    where: str
    """The demo or group."""
    what: str
    """What is wrong with it."""
    mend: str
    """What to do about it."""


def validate(path: Path) -> list[Problem]:
    """Return everything that is wrong with a data set; raises `UserError` if it cannot be opened at all."""
    with open_data(path) as data:
        problems = []
        if not data.attrs["complete"]:
            problems.append(
                Problem("data", "the collection was cut short", "run its command again; it goes on from here")
            )
        names = list(layout.demo_names(data))
        if not names:
            problems.append(Problem("data", "it holds no episode", MADE_BY))
        for name in names:
            problems += _validate_demo(data, name)
        problems += _validate_masks(data, set(names))
        total = sum(int(data[n].attrs.get("num_samples", 0)) for n in names if data.get(n) is not None)
        if data.attrs["complete"] and data.attrs["total"] != total:
            what = f"attribute total is {data.attrs['total']}, the demos sum to {total}"
            problems.append(Problem("data", what, MADE_BY))
        return problems


def _validate_demo(data: h5py.Group, name: str) -> list[Problem]:
    demo = data.get(name)
    if demo is None:
        return [Problem(name, "its part is missing", "keep the .parts folder beside the file, or collect again")]
    missing = [item for item in layout.REQUIRED if item not in demo]
    missing += [f"attribute {item}" for item in layout.ATTRIBUTES if item not in demo.attrs]
    if missing:
        return [Problem(name, f"no {', '.join(missing)}", MADE_BY)]
    problems = []
    steps = int(demo.attrs["num_samples"])
    for item in layout.REQUIRED[:6]:
        values = demo[item]
        if len(values) != steps:
            problems.append(Problem(name, f"{item} has {len(values)} rows, num_samples says {steps}", MADE_BY))
        elif not np.isfinite(values[()]).all():
            row = int(np.flatnonzero(~np.isfinite(values[()]).reshape(steps, -1).all(axis=1))[0])
            problems.append(Problem(name, f"{item} is not a number (NaN or infinity) at step {row}", MADE_BY))
    for signal, values in demo["trace"].items():
        if isinstance(values, h5py.Dataset) and "unit" not in values.attrs:
            problems.append(Problem(name, f"trace/{signal} has no unit", MADE_BY))
    return problems


def _validate_masks(data: h5py.Group, names: set[str]) -> list[Problem]:
    problems = []
    for key, members in data.file["mask"].items() if "mask" in data.file else ():
        strangers = {member.decode() for member in members[()]} - names
        if strangers:
            problems.append(Problem(f"mask/{key}", f"names demos that do not exist: {sorted(strangers)[:3]}", MADE_BY))
    return problems
