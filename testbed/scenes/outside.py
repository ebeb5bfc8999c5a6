"""Scenes of somebody else's: imported by a reference `module:SPEC`, or from plug-ins that are installed.

Only a person, or a package that a person installed, names code here; no data set and no policy does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, version
from multiprocessing import parent_process
from pathlib import Path

from testbed.errors import UserError
from testbed.protocols.scene import SceneSpec
from testbed.scenes.declaration import problems

GROUP = "testbed.scenes"
"""Entry points of this group name scenes, as `module:SPEC`."""


@dataclass(frozen=True)
class Outside:
    """A scene of somebody else's, as it was made known."""

    reference: str
    """Where it is declared."""
    spec: SceneSpec
    """The scene."""


SCENES: dict[str, Outside] = {}
"""Gymnasium id -> scene of somebody else's that is known in this process."""
_plugins_loaded = False


def references() -> tuple[str, ...]:
    """Return where all known scenes of somebody else's are declared: what another process is told, to know them."""
    return tuple(known.reference for known in SCENES.values())


def imported(reference: str, whole: bool = True) -> SceneSpec:
    """Return the scene that lies at `module:SPEC`; raises `UserError` in one line where there is none.

    Args:
        reference: Where it is declared.
        whole: Whether it is refused where its declaration lacks something.
    """
    module, _, name = reference.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise UserError(f"'{_line(reference)}' is no scene: give module:SPEC, for example my_scene:SPEC")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)  # last, so that no file in it takes the place of an installed package
    try:
        found = getattr(import_module(module), name, None)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {_line(error)}"
        mend = f"run this in the folder of {module}.py, or install it" if _is_missing(error, module) else "mend it"
        raise UserError(f"the scene {reference} cannot be imported ({reason}): {mend}") from error
    if not isinstance(found, SceneSpec):
        has = [one for one, value in vars(sys.modules[module]).items() if isinstance(value, SceneSpec)]
        declared = f"it declares {', '.join(has)}" if has else "it declares none"
        raise UserError(f"{reference} is no SceneSpec of {sys.modules[module].__name__}: {declared}")
    for problem in problems(found) if whole else ():
        raise UserError(f"the scene {reference} is not whole: {problem} (testbed check {reference} says all)")
    return found


def load_plugins(use: Callable[[str], SceneSpec]) -> None:
    """Make the scenes of installed plug-ins known, once a process; one that fails is left out, with a warning."""
    global _plugins_loaded
    if _plugins_loaded:
        return
    _plugins_loaded = True
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        try:
            use(entry.value)
        except UserError as error:
            if parent_process() is None:  # said once, not in each process that works for this one
                from testbed.console import errors, styled  # late: whoever imports the testbed need not wait for it

                errors.print(styled("warning:", "yellow"), f"the plug-in {entry.name} is left out: {_line(error)}")


def versions(spec: SceneSpec) -> dict[str, str]:
    """Return the versions of the packages that a scene names; of one that is not installed, that it is not."""
    found = {}
    for package in spec.packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _is_missing(error: BaseException, module: str) -> bool:
    """Return whether it is the module itself that is not there, or the package that it is in."""
    return (
        isinstance(error, ModuleNotFoundError) and error.name is not None and f"{module}.".startswith(f"{error.name}.")
    )


def _line(value: object) -> str:
    return " ".join(str(value).split())
