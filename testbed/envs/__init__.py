"""Gymnasium environments. Each id exists as one scene (`make`) and as a batch (`make_vec`).

The rooms, from the bottom up: `kernel`, highway-env's equations compiled; `driving` and `warehouse`, the two forms that
every scene of a domain has; `merge` and `crosswalk`, `picking`, `sharing` and `stocking`, the scenes.
"""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from typing import Any

from gymnasium.envs.registration import register, registry

from testbed.errors import unknown_name

_FORMS = {
    "driving": ("testbed.envs.driving.single:DrivingEnv", "testbed.envs.driving.batch:DrivingVectorEnv"),
    "warehouse": ("testbed.envs.warehouse.single:WarehouseEnv", "testbed.envs.warehouse.batch:WarehouseVectorEnv"),
}
"""Domain -> its single and its batch form."""
_SCENES = {
    "testbed/Crosswalk-v0": ("driving", "testbed.envs.crosswalk.task"),
    "testbed/Merge-v0": ("driving", "testbed.envs.merge.task"),
    "testbed/OrderPicking-v0": ("warehouse", "testbed.envs.picking.task"),
    "testbed/SharedBench-v0": ("warehouse", "testbed.envs.sharing.task"),
    "testbed/ShelfStocking-v0": ("warehouse", "testbed.envs.stocking.task"),
}
"""Gymnasium id -> its domain and the module that declares it."""


def register_environments() -> None:
    """Register every environment of the testbed under `testbed/<Name>-v0` (safe to call twice)."""
    for name in _SCENES:
        if name not in registry:
            register(
                id=name,
                entry_point="testbed.envs:make_single",
                vector_entry_point="testbed.envs:make_batch",
                kwargs={"name": name},
            )


def environments(domain: str) -> list[str]:
    """Return the ids of a domain's environments, `driving` or `warehouse`."""
    return [name for name, (belongs, _) in _SCENES.items() if belongs == domain]


def names() -> list[str]:
    """Return the ids of all environments."""
    return list(_SCENES)


def scene_of(name: str) -> Any:
    """Return the declared scene of an id, a `driving.scene.Scene` or a `warehouse.scene.WarehouseScene`.

    Raises:
        UserError: for an id that is not one of the testbed's.
    """
    return import_module(_known(name)[1]).SCENE


def make_single(name: str, **options: Any) -> Any:
    """Return an environment's single form: highway-env's own, or one bench that renders.

    Raises:
        UserError: for an unknown id, and for options that it does not take.
    """
    return _made(name, 0, options)


def make_batch(name: str, **options: Any) -> Any:
    """Return an environment's batch form: the kernel's, or MuJoCo's; raises `UserError` as `make_single` does."""
    return _made(name, 1, options)


def forms(name: str) -> list[str]:
    """Return the modules of both forms of an environment, and of its scene; raises `UserError` for an unknown id."""
    domain, scene = _known(name)
    return [scene, *(form.split(":")[0] for form in _FORMS[domain])]


def _known(name: str) -> tuple[str, str]:
    """Return the domain and the module of an id."""
    if name not in names():
        raise unknown_name("environment", name, _SCENES)
    return _SCENES[name]


def _made(name: str, which: int, options: dict[str, Any]) -> Any:
    """Import a form only when it is asked for: highway-env and MuJoCo take a while."""
    module, form = _FORMS[_known(name)[0]][which].split(":")
    make = getattr(import_module(module), form)
    _, *taken = signature(make).parameters
    for option in options:
        if option not in taken:
            raise unknown_name(f"option of {name}", option, taken)
    return make(scene_of(name), **options)
