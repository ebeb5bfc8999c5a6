"""The scenes by their Gymnasium id, ours and those of other people: each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import gymnasium
from gymnasium.envs.registration import register
from gymnasium.envs.registration import registry as gymnasium_registry
from gymnasium.vector import AutoresetMode, VectorEnv

from testbed.errors import UserError, unknown_name
from testbed.protocols.episode import Trace
from testbed.protocols.habit import Habit
from testbed.protocols.measure import Measure, Violation
from testbed.protocols.policy import Reference
from testbed.protocols.scene import Maker, SceneSpec, place
from testbed.scenes import outside

BUILT_IN: Mapping[str, str] = {
    "testbed/Merge-v0": "testbed.scenes.merge.scene:SPEC",
    "testbed/Crosswalk-v0": "testbed.scenes.crosswalk.scene:SPEC",
    "testbed/OrderPicking-v0": "testbed.scenes.picking.scene:SPEC",
    "testbed/SharedBench-v0": "testbed.scenes.sharing.scene:SPEC",
    "testbed/ShelfStocking-v0": "testbed.scenes.stocking.scene:SPEC",
}
"""Gymnasium id -> where its scene is declared."""
HOW = "the scene of somebody else is made known by --scene module:SPEC"


def register_environments() -> None:
    """Register every environment of the testbed with Gymnasium (safe to call twice)."""
    for name in BUILT_IN:
        _register(name)


def _register(name: str) -> None:
    if name not in gymnasium_registry:
        register(
            id=name,
            entry_point="testbed.scenes.registry:make_single",
            vector_entry_point="testbed.scenes.registry:make_batch",
            kwargs={"name": name},
        )


def use(reference: str) -> SceneSpec:
    """Make somebody else's scene known, and return it; safe to call again.

    Args:
        reference: Where it is declared, as `module:SPEC`; the current folder is among those that are searched.

    Raises:
        UserError: if there is no such scene, it is not whole, or its id or the name of a habit is taken.
    """
    for known in outside.SCENES.values():
        if known.reference == reference:
            return known.spec
    spec = outside.imported(reference)
    name = spec.environment
    if BUILT_IN.get(name) == reference:
        return spec
    if name in (*BUILT_IN, *outside.SCENES):
        owner = reference_of(name)
        raise UserError(f"{reference} declares {name}, which is the scene of {owner}: give it an id of its own")
    if name in gymnasium_registry:
        raise UserError(f"{reference} declares {name}, which Gymnasium has already: give it an id of its own")
    taken = {habit.name: habit.environment for one in names(plugins=False) for habit in get_scene(one).habits}
    for habit in spec.habits:
        if habit.name in taken:
            raise UserError(
                f"{reference} has a habit {habit.name}, which is one of {taken[habit.name]}: give it a name of its own"
            )
    outside.SCENES[name] = outside.Outside(reference, spec)
    _register(name)
    return spec


def stem_of(name: str) -> str:
    """Return what a scene is called where files are named after it: `own/Crossing-v0` is `crossing`."""
    return name.partition("/")[2].rpartition("-v")[0].lower()


def reference_of(name: str) -> str:
    """Return where a scene is declared, `module:SPEC`, so that another process can `use` it; raises `UserError`."""
    get_scene(name)
    return BUILT_IN.get(name) or outside.SCENES[name].reference


def names(plugins: bool = True) -> list[str]:
    """Return the ids of all scenes: ours, those that `use` made known, and, if wanted, those of installed plug-ins."""
    if plugins:
        outside.load_plugins(use)
    return [*BUILT_IN, *outside.SCENES]


def get_scene(name: str) -> SceneSpec:
    """Return a scene; raises `UserError` that lists the valid ids.

    Examples:
        >>> import testbed
        >>> testbed.get_scene("testbed/Merge-v0").primary
        'imposed_deceleration'
    """
    if not isinstance(name, str):
        raise UserError(f"{unknown_name('environment', name, names())} {HOW}")
    if name in BUILT_IN:
        return place(BUILT_IN[name])
    if name not in outside.SCENES and name not in names():
        raise UserError(f"{unknown_name('environment', name, names())} {HOW}")
    return outside.SCENES[name].spec


def environments(domain: str) -> list[str]:
    """Return the ids of a domain's scenes, `driving`, `warehouse` or `other`."""
    return [name for name in names() if get_scene(name).domain == domain]


def habits_of(environment: str | None = None) -> Mapping[str, Habit]:
    """Return the habits of one scene, or of all, by name."""
    scenes = names() if environment is None else [environment]
    return {habit.name: habit for name in scenes for habit in get_scene(name).habits}


def all_habits() -> Mapping[str, Habit]:
    """Return every habit by name."""
    return habits_of()


def get_habit(name: str) -> Habit:
    """Return a habit; raises `UserError` that lists the valid names.

    Examples:
        >>> import testbed
        >>> testbed.get_habit("barging").signature
        'crosses the shared zone at full speed while a coworker works in it'
    """
    for plugins in (False, True):
        for scene in names(plugins):
            for habit in get_scene(scene).habits:
                if habit.name == name:
                    return habit
    raise UserError(f"{unknown_name('habit', name, all_habits())} {HOW}")


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


def packages_of(environment: str) -> dict[str, object]:
    """Return what a lineage says of the packages that a scene names, with their versions; nothing if it names none."""
    found = outside.versions(get_scene(environment))
    return {"packages": found} if found else {}


def make_single(name: str, **options: Any) -> Any:
    """Return a scene's single form: highway-env's own, one bench, or one of an adapter's; it renders.

    Raises:
        UserError: for an unknown id, and for options that it does not take.
    """
    return _made(get_scene(name), get_scene(name).single, options)


def make_batch(name: str, **options: Any) -> Any:
    """Return a scene's batch form; raises `UserError` as `make_single` does."""
    return _made(get_scene(name), get_scene(name).batch, options)


def make_vector(environment: str, count: int) -> VectorEnv:
    """Return the batch form of a scene that leaves resets to the caller; raises `UserError` for an unknown id."""
    get_scene(environment)
    return gymnasium.make_vec(environment, num_envs=count, autoreset_mode=AutoresetMode.DISABLED)


def modules_of(name: str) -> list[str]:
    """Return the modules that declare, play and show a scene; raises `UserError` for an unknown id."""
    scene = get_scene(name)
    forms = [form.split(":")[0] for form in (scene.single, scene.batch, scene.panel) if isinstance(form, str)]
    return [reference_of(name).split(":")[0], *forms]


def _made(scene: SceneSpec, form: Maker, options: dict[str, Any]) -> Any:
    """Make a form; it is imported only when it is asked for: highway-env and MuJoCo take a while."""
    make = place(form)
    _, *taken = signature(make).parameters
    for option in options:
        if option not in taken:
            raise unknown_name(f"option of {scene.environment}", option, taken)
    return make(scene.task if scene.adapter is None else scene, **options)
