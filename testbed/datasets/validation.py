"""Judge a data set: whatever this finds nothing wrong with, every reader accepts; whatever they refuse, it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import h5py
from h5py import h5g

from testbed.datasets import layout, stored
from testbed.datasets.demo import read_episode
from testbed.datasets.form import Form
from testbed.datasets.opening import MADE_BY, demo_in, form_in, open_data
from testbed.datasets.stored import Damage

Found = TypeVar("Found")


@dataclass(frozen=True)
class Problem:
    """Something wrong with a data set."""

    where: str
    """The demo or group."""
    what: str
    """What is wrong with it."""
    mend: str
    """What to do about it."""
    hinders: bool = True
    """Whether reading it is refused; else it concerns what only others read, or what may still come."""


@dataclass
class _Notes:
    """What was found so far."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, where: str, what: str, mend: str = MADE_BY, hinders: bool = True) -> None:
        self.problems.append(Problem(where, what, mend, hinders))

    def attempt(self, where: str, hinders: bool, read: Callable[..., Found], *arguments: object) -> Found | None:
        """Return what a function reads; None, and a note, where that is damaged."""
        try:
            return read(*arguments)
        except Damage as damage:
            self.add(where, str(damage), hinders=hinders)
            return None


def validate(path: str | Path) -> list[Problem]:
    """Return everything that is wrong with a data set; raises `UserError` if it cannot be opened at all.

    Examples:
        >>> import testbed
        >>> testbed.validate("demonstrations/merge-clean.hdf5")
        []
    """
    path = Path(path)
    notes = _Notes()
    with open_data(path) as data:
        complete = notes.attempt("data", False, stored.flag, data.id, "complete")
        if complete is False:
            notes.add("data", "the collection was cut short", "run its command again; it goes on from here", False)
        notes.attempt("data", True, stored.record, data.id, "lineage")
        names = layout.demo_names(data)
        _check_names(data, names, notes)
        form = notes.attempt("data", True, form_in, data)
        if form:
            steps = [_check_demo(data, name, form, notes) for name in names]
            if complete:
                _check_total(data.id, sum(steps), notes)
        _check_masks(data.file.id, set(names), notes)
    return notes.problems


def _check_names(data: h5py.Group, names: list[str], notes: _Notes) -> None:
    """Look for demos, and for what is none: robomimic takes everything in the group for one."""
    if not names:
        notes.add("data", "it holds no episode")
    for name in sorted(data.id):
        if not layout.DEMO.fullmatch(name):
            where = f"data/{name.decode(errors='backslashreplace')}"
            notes.add(where, "it is no demo", "remove it, or name demos demo_0, demo_1 and so on", False)


def _check_demo(data: h5py.Group, name: str, form: Form, notes: _Notes) -> int:
    """Look over a demo and return how many decisions it says it has."""
    group = notes.attempt(name, True, demo_in, data, name)
    if group is None:
        return 0
    read_episode(group, form, lambda what: notes.add(name, what))
    try:
        return stored.whole(group, "num_samples", 1, form.longest)
    except Damage:  # noted already
        return 0


def _check_total(data: h5g.GroupID, steps: int, notes: _Notes) -> None:
    total = notes.attempt("data", False, stored.whole, data, "total", 0, 2**62)
    if total is not None and total != steps:
        notes.add("data", f"attribute total is {total}, the demos sum to {steps}", hinders=False)


def _check_masks(file: h5g.GroupID, names: set[str], notes: _Notes) -> None:
    """Look whether filter keys, which robomimic reads, name demos that there are."""
    if b"mask" not in file:
        return
    masks = notes.attempt("mask", False, stored.group, file, "mask")
    for key in sorted(masks) if masks is not None else ():
        where = f"mask/{key.decode(errors='backslashreplace')}"
        found = notes.attempt(where, False, stored.members, masks, key.decode(errors="backslashreplace"), len(names))
        strangers = sorted(set(found or ()) - names)
        if strangers:
            notes.add(where, f"names demos that do not exist: {strangers[:3]}", hinders=False)
