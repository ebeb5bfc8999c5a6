"""What words of a command line mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.errors import UserError
from testbed.protocols.episode import Episode
from testbed.protocols.scene import SceneSpec
from testbed.scenes.registry import get_scene, names, use

USUAL = "aggressive-merge"
"""The habit that is meant where neither one nor a scene is named."""


def habit_named(habit: str | None, scene: str | None) -> str:
    """Return the name of a habit: the given one, else the first of the scene, an id or `module:SPEC`, else the usual
    one."""
    return habit or (scene_named(scene).habits[0].name if scene else USUAL)


def is_id(scene: str) -> bool:
    """Return whether a scene is given by its id, not as `module:SPEC`."""
    return scene in names(plugins=False)


def habits_in(scene: str | None) -> tuple[str, ...]:
    """Return the names of the habits of a scene, an id or `module:SPEC`; none where no scene is given."""
    return tuple(habit.name for habit in scene_named(scene).habits) if scene else ()


def scene_named(scene: str) -> SceneSpec:
    """Return a scene by its id, or where it is declared, as `module:SPEC`."""
    return get_scene(scene) if is_id(scene) else use(scene)


def parse_context(pairs: Sequence[str]) -> dict[str, str]:
    """Return `("leader=truck",)` as a context; raises `UserError` for anything that is not factor=value."""
    for pair in pairs:
        if pair.count("=") != 1:
            raise UserError(f"context '{pair}' is not factor=value: write for example leader=truck")
    factors = [pair.split("=")[0] for pair in pairs]
    for factor in factors:
        if factors.count(factor) > 1:
            raise UserError(f"context '{factor}' is given {factors.count(factor)} times: give it one value")
    return dict(pair.split("=") for pair in pairs)


def scene_text(episode: Episode) -> str:
    """Return the factors of an episode's scene in words."""
    return ", ".join(f"{name} {value}" for name, value in episode.context.items())


def is_data(path: Path) -> bool:
    """Return whether a path is a data set: by its ending, or a folder of Minari or LeRobot."""
    inside = ("data/main_data.hdf5", "meta/info.json")
    return path.suffix in (".hdf5", ".h5", ".parquet", ".csv") or any((path / part).is_file() for part in inside)
