"""How what is simulated is compiled: once a machine and version of the sources, and a user who waits is told why."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numba
from numba.core import event as events

from testbed.envs.cache import cache_folder, folder_of, told_in

_FOLDER = cache_folder()


def compiled(function: Callable | None = None, *, nogil: bool = False, inline: bool = True) -> Any:
    """Compile a function with Numba on its first call, and keep the machine code for the next time.

    Args:
        function: What is compiled.
        nogil: Whether it lets go of Python's lock, so that several threads can be in it; it is called from Python.
        inline: Whether it becomes a part of whoever calls it. A function that is given arrays and is seldom reached is
            better left alone: where it is a part, its arrays are counted each time that it is passed by.
    """
    if function is None:
        return lambda f: compiled(f, nogil=nogil, inline=inline)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder_of(function, _FOLDER)) if _FOLDER else ""
    try:
        options = {"nogil": nogil, "forceinline": inline and not nogil, "error_model": "numpy"}
        return numba.njit(cache=_FOLDER is not None, **options)(function)
    finally:
        numba.config.CACHE_DIR = before


class _Announcer(events.Listener):
    """Says on the standard error that the simulation is being compiled, when Numba begins to: not when it loads."""

    told = False

    def on_start(self, event: events.Event) -> None:
        """Take notice that Numba compiles a function, of the testbed or of somebody else."""
        if self.told or not event.data["dispatcher"].py_func.__module__.startswith("testbed."):
            return
        self.told = True
        if _FOLDER is None:
            print("compiling the simulation, about 15 s, in every process, for want of a folder to keep it in: "
                  "set NUMBA_CACHE_DIR to one", file=sys.stderr, flush=True)  # fmt: skip
        elif not told_in(_FOLDER):
            print("compiling the simulation, once on this machine: about 15 s ...", file=sys.stderr, flush=True)

    def on_end(self, event: events.Event) -> None:
        """Take no notice."""


_ANNOUNCER = _Announcer()
events.register("numba:compile", _ANNOUNCER)
