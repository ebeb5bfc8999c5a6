"""The cures by name: a file in `blind/`, `peers/`, `reference/`, `located/` or `examples/` is one.

Each declares `CURE`, a `testbed.cures.cure.Cure`. Names are those of the files, so asking for them imports nothing.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated

from testbed.bounds import Known
from testbed.cures import blind, examples, located, peers, reference
from testbed.errors import unknown_name

if TYPE_CHECKING:  # it brings torch
    from testbed.cures.cure import Cure

ROOMS = blind, peers, reference, located, examples


@cache
def _modules() -> dict[str, str]:
    """Return name -> module of every cure, those that are told the least first."""
    return {
        module.name.replace("_", "-"): f"{room.__name__}.{module.name}"
        for room in ROOMS
        for module in iter_modules(room.__path__)
    }


def names() -> list[str]:
    """Return the names of all cures, those that are told the least first."""
    return list(_modules())


def get_cure(name: str) -> type[Cure]:
    """Return a cure; raises `UserError` that lists the valid names."""
    if name not in _modules():
        raise unknown_name("cure", name, names())
    found: type[Cure] = import_module(_modules()[name]).CURE
    return found


def all_cures() -> list[type[Cure]]:
    """Return every cure, those that are told the least first."""
    return [get_cure(name) for name in names()]


CureName = Annotated[str, Known(names)]
"""The name of a cure, as a command takes it."""
