"""The routes by name: a file in `routes/` is one, and so is an entry point of the group `testbed.routes`.

Each declares `ROUTE`, a `testbed.distillation.route.Route`. Names are those of the files, so asking for them imports
nothing; a route is imported when it is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated

from testbed.bounds import Known
from testbed.console import errors, styled
from testbed.distillation import routes
from testbed.errors import UserError, unknown_name

if TYPE_CHECKING:  # it brings torch
    from testbed.distillation.route import Route

GROUP = "testbed.routes"
"""Entry points of other packages: `name = "module:ROUTE"`."""


def names() -> list[str]:
    """Return the names of all routes in alphabetical order, our own and those of other packages."""
    return sorted({*_built_in(), *_plug_ins()})


def get_route(name: str) -> type[Route]:
    """Return a route; raises `UserError` that lists the valid names, or says why it cannot be imported."""
    if name in _built_in():
        found = import_module(f"{routes.__name__}.{_built_in()[name]}").ROUTE
    elif name in _plug_ins():
        found = _loaded(_plug_ins()[name])
    else:
        raise unknown_name("route", name, names())
    if found.name != name:
        raise UserError(
            f"the route in {found.__module__} calls itself '{found.name}': call it '{name}', as its file is"
        )
    return found


def all_routes() -> list[type[Route]]:
    """Return every route, those whose students do not act first; a plug-in that fails is left out."""
    found = []
    for name in names():
        try:
            found.append(get_route(name))
        except UserError as error:
            errors.print(styled(f"{error}; it is left out", "yellow"))
    return sorted(found, key=lambda route: (route.together is not None, route.name))


RouteName = Annotated[str, Known(names)]
"""The name of a route, as a command or a task takes it."""


def _built_in() -> dict[str, str]:
    """Return name -> module of our own routes."""
    return {module.name.replace("_", "-"): module.name for module in iter_modules(routes.__path__)}


@cache
def _plug_ins() -> dict[str, EntryPoint]:
    """Return those of other packages; our own names win."""
    return {one.name: one for one in entry_points(group=GROUP) if one.name not in _built_in()}


def _loaded(place: EntryPoint) -> type[Route]:
    try:
        return place.load()
    except Exception as error:  # whatever another package raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"the route {place.name} cannot be imported from {place.value} ({reason}): mend that package or remove it"
        ) from None
