"""The scenes by their Gymnasium id: each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

import gymnasium
from gymnasium.envs.registration import register
from gymnasium.envs.registration import registry as gymnasium_registry
from gymnasium.vector import AutoresetMode, VectorEnv

from testbed.errors import unknown_name
from testbed.protocols.episode import Trace
from testbed.protocols.habit import Habit
from testbed.protocols.measure import Measure, Violation
from testbed.protocols.policy import Reference
from testbed.protocols.scene import Maker, SceneSpec

BUILT_IN: Mapping[str, str] = {
    "testbed/Merge-v0": "testbed.scenes.merge.scene:SPEC",
    "testbed/Crosswalk-v0": "testbed.scenes.crosswalk.scene:SPEC",
    "testbed/OrderPicking-v0": "testbed.scenes.picking.scene:SPEC",
    "testbed/SharedBench-v0": "testbed.scenes.sharing.scene:SPEC",
    "testbed/ShelfStocking-v0": "testbed.scenes.stocking.scene:SPEC",
}
"""Gymnasium id -> where its scene is declared."""


def register_environments() -> None:
    """Register every environment of the testbed with Gymnasium (safe to call twice)."""
    for name in BUILT_IN:
        if name not in gymnasium_registry:
            register(
                id=name,
                entry_point="testbed.scenes.registry:make_single",
                vector_entry_point="testbed.scenes.registry:make_batch",
                kwargs={"name": name},
            )


def names() -> list[str]:
    """Return the ids of all scenes."""
    return list(BUILT_IN)


def get_scene(name: str) -> SceneSpec:
    """Return a scene; raises `UserError` that lists the valid ids.

    Examples:
        >>> import testbed
        >>> testbed.get_scene("testbed/Merge-v0").primary
        'imposed_deceleration'
    """
    if name not in names():
        raise unknown_name("environment", name, names())
    return _load(BUILT_IN[name])


def environments(domain: str) -> list[str]:
    """Return the ids of a domain's scenes, `driving` or `warehouse`."""
    return [name for name in names() if get_scene(name).domain == domain]


@cache
def all_habits() -> Mapping[str, Habit]:
    """Return every habit by name."""
    return {habit.name: habit for name in names() for habit in get_scene(name).habits}


def get_habit(name: str) -> Habit:
    """Return a habit; raises `UserError` that lists the valid names.

    Examples:
        >>> import testbed
        >>> testbed.get_habit("barging").signature
        'crosses the shared zone at full speed while a coworker works in it'
    """
    habits = all_habits()
    if name not in habits:
        raise unknown_name("habit", name, habits)
    return habits[name]


def measures_of(environment: str) -> Mapping[str, Measure]:
    """Return the measures of a scene by name; raises `UserError` that lists the scenes."""
    return get_scene(environment).measures


def violations_of(environment: str) -> Callable[[Trace], list[Violation]]:
    """Return what finds the violations in a trace of a scene; raises `UserError` as `measures_of`."""
    return get_scene(environment).violations


def primary_of(environment: str) -> Measure:
    """Return the measure shown where no habit names one; raises `UserError` as `measures_of`."""
    scene = get_scene(environment)
    return scene.measures[scene.primary]


def references_of(environment: str) -> tuple[Reference, ...]:
    """Return the reference drivers of a scene; raises `UserError` as `measures_of`."""
    return get_scene(environment).references


def make_single(name: str, **options: Any) -> Any:
    """Return a scene's single form: highway-env's own, or one bench that renders.

    Raises:
        UserError: for an unknown id, and for options that it does not take.
    """
    return _made(get_scene(name), get_scene(name).single, options)


def make_batch(name: str, **options: Any) -> Any:
    """Return a scene's batch form: the kernel's, or MuJoCo's; raises `UserError` as `make_single` does."""
    return _made(get_scene(name), get_scene(name).batch, options)


def make_vector(environment: str, count: int) -> VectorEnv:
    """Return the batch form of a scene that leaves resets to the caller; raises `UserError` for an unknown id."""
    get_scene(environment)
    return gymnasium.make_vec(environment, num_envs=count, autoreset_mode=AutoresetMode.DISABLED)


def modules_of(name: str) -> list[str]:
    """Return the modules that playing and showing a scene imports; raises `UserError` for an unknown id."""
    scene = get_scene(name)
    forms = [form.split(":")[0] for form in (scene.single, scene.batch) if isinstance(form, str)]
    return [BUILT_IN[name].split(":")[0], *forms]


def _load(place: Maker) -> Any:
    """Return what lies at `module:name`."""
    if not isinstance(place, str):
        return place
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def _made(scene: SceneSpec, form: Maker, options: dict[str, Any]) -> Any:
    """Make a form; it is imported only when it is asked for: highway-env and MuJoCo take a while."""
    make = _load(form)
    _, *taken = signature(make).parameters
    for option in options:
        if option not in taken:
            raise unknown_name(f"option of {scene.environment}", option, taken)
    return make(scene.task, **options)
