"""Kills at a moment that is counted, not timed, so that each hits real work however busy the machine is.

Python imports a module of this name when it starts: with this folder on its path, and DYING set, a process and those
that it starts watch what they change in a folder.
"""

from __future__ import annotations

import fnmatch
import os
import signal
import sys
from collections.abc import Callable

CHANGED = {"os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.mkdir": 0, "shutil.rmtree": 0}
"""Audit event -> which of its arguments is the path that is changed."""


def on_change(pattern: str, do: Callable[[], None]) -> None:
    """Have this process do something just before it changes a path that matches a pattern (`*` goes over slashes)."""

    def hook(event: str, arguments: tuple) -> None:
        if event in CHANGED:
            path = arguments[CHANGED[event]]
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            path = arguments[0]
        else:
            return
        if isinstance(path, str | os.PathLike) and fnmatch.fnmatch(os.fspath(path), pattern):
            do()

    sys.addaudithook(hook)


def dying(pattern: str, moment: int, counter: str, path: str = "") -> dict[str, str]:
    """Return what is put into the environment of a process that leads a group, for all of the group to be killed.

    Args:
        pattern: Which paths they change.
        moment: At which change, counted over all of them, they are killed just before it.
        counter: File in which changes are counted, elsewhere.
        path: What else is on Python's path.
    """
    return {"DYING": f"{moment}:{counter}:{pattern}", "PYTHONPATH": f"{os.path.dirname(__file__)}{os.pathsep}{path}"}


if "DYING" in os.environ:
    _moment, _counter, _pattern = os.environ["DYING"].split(":", 2)

    def _count() -> None:
        with open(_counter, "ab", buffering=0) as file:
            file.write(b".")
            if os.fstat(file.fileno()).st_size >= int(_moment):
                os.killpg(os.getpgrp(), signal.SIGKILL)

    on_change(_pattern, _count)
