"""One thread for arithmetic: the last digits of a matrix product hang on how many threads share it.

Whoever asks for the same numbers gets the same bytes, on any number of cores and under any OMP_NUM_THREADS. Scenes are
still played on every core: there each world is computed by itself. To use more cores, use more processes.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from threadpoolctl import LibController, ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS, and torch if it is loaded, compute on one thread; also a decorator.

    Afterwards they have as many as before. Inside another call it costs two microseconds, outside some ten. A library
    that is loaded meanwhile counts from the next call inside.
    """
    _pin.begin()
    try:
        yield
    finally:
        _pin.end()


@dataclass(frozen=True)
class _Library:
    """What computes on threads of its own."""

    name: str
    """Its file, or `torch`."""
    count: Callable[[], int]
    """Returns how many threads it has."""
    set: Callable[[int], None]
    """Gives it so many."""
    by_thread: bool
    """Whether each thread that calls it has a number of its own; else there is one a process."""


class _Pin:
    """What all calls of a process, from whatever thread, share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._libraries: list[_Library] = []
        self._modules = 0
        """How many modules were loaded when libraries were last looked for, which takes milliseconds."""
        self._before: dict[str, int] = {}
        """Library -> threads that it had before the first of the calls that are going on."""
        self._held: set[str] = set()
        """Libraries of one number a process that compute on one thread now."""
        self._mine = _Mine()

    def begin(self) -> None:
        mine = self._mine
        with self._lock:
            if self._modules != len(sys.modules):
                self._libraries, self._modules = _loaded(), len(sys.modules)
            for library in self._libraries:
                held = mine.held if library.by_thread else self._held
                if library.name not in held:
                    self._before.setdefault(library.name, library.count())
                    library.set(1)
                    held.add(library.name)
            self._calls, mine.calls = self._calls + 1, mine.calls + 1

    def end(self) -> None:
        mine = self._mine
        with self._lock:
            self._calls, mine.calls = self._calls - 1, mine.calls - 1
            if not mine.calls:
                self._restore(mine.held)
            if not self._calls:
                self._restore(self._held)
                self._before.clear()

    def _restore(self, held: set[str]) -> None:
        for library in self._libraries:
            if library.name in held:
                library.set(self._before[library.name])
        held.clear()


class _Mine(threading.local):
    """What a thread has of its own."""

    def __init__(self) -> None:
        self.calls = 0
        self.held: set[str] = set()


def _loaded() -> list[_Library]:
    """Return what is loaded; torch if somebody has imported all of it, since acting must not wait for it."""
    found = [_blas(library) for library in ThreadpoolController().select(user_api="blas").lib_controllers]
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "set_num_threads"):
        # It gives a thread its number when it is first asked, whatever was set before; so it is asked first.
        found.append(_Library("torch", torch.get_num_threads, torch.set_num_threads, by_thread=True))
    return found


def _blas(library: LibController) -> _Library:
    by_thread = getattr(library, "threading_layer", "") == "openmp"
    # Where the number is the process's, threadpoolctl lets one thread alone set it, unless it is told to forget which.
    forget = getattr(library, "clear_controlling_thread", None)

    def set_(threads: int) -> None:
        if forget:
            forget(force=True)
        library.set_num_threads(threads)
        if forget:
            forget(force=True)

    return _Library(library.filepath, lambda: library.num_threads, set_, by_thread)


_pin = _Pin()
