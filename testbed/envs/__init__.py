"""Gymnasium environments. Each id exists as one scene (`make`) and as a batch (`make_vec`).

The rooms, from the bottom up: `kernel`, highway-env's equations compiled; `driving` and `warehouse`, the two forms that
every scene of a domain has; `merge` and `crosswalk`, `picking`, `sharing` and `stocking`, the scenes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gymnasium.envs.registration import register, registry

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


def scene_of(name: str) -> Any:
    """Return the declared scene of an id, a `driving.scene.Scene` or a `warehouse.scene.WarehouseScene`."""
    return import_module(_SCENES[name][1]).SCENE


def make_single(name: str, **options: Any) -> Any:
    """Return an environment's single form: highway-env's own, or one bench that renders."""
    return _form(name, 0)(scene_of(name), **options)


def make_batch(name: str, **options: Any) -> Any:
    """Return an environment's batch form: the kernel's, or MuJoCo's."""
    return _form(name, 1)(scene_of(name), **options)


def forms(name: str) -> list[str]:
    """Return the modules of both forms of an environment, and of its scene."""
    return [_SCENES[name][1], *(form.split(":")[0] for form in _FORMS[_SCENES[name][0]])]


def _form(name: str, which: int) -> Any:
    """Import a form only when it is asked for: highway-env and MuJoCo take a while."""
    module, form = _FORMS[_SCENES[name][0]][which].split(":")
    return getattr(import_module(module), form)
