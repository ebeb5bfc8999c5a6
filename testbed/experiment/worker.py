"""A process that does pieces of work: it says how far it is, and ends with the process that started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing import parent_process
from multiprocessing.sharedctypes import Synchronized
from types import FrameType
from typing import TypeVar

from testbed.scenes.registry import use
from testbed.stopping import Stopped, hear_again, is_importing
from testbed.threads import one_thread

Item = TypeVar("Item")
Result = TypeVar("Result")
PATIENCE = 5
"""How long a process that was asked to end may take to put things in order [s]."""

_done: Synchronized | None = None
"""How much all processes have done together; set in each of them."""
_working = False
_stopping = False
"""Whether it was asked to end, and puts things in order."""


def begin(counter: Synchronized, scenes: tuple[str, ...] = ()) -> None:
    """Prepare a process: it ends with the one that started it, and without a word when it is asked to.

    Args:
        counter: How much all processes have done together.
        scenes: Where scenes of somebody else's are declared that the process is to know, as `module:SPEC`.
    """
    global _done
    _done = counter
    signal.signal(signal.SIGTERM, _stop)
    sys.unraisablehook = partial(hear_again, handler=_stop, otherwise=sys.unraisablehook)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for scene in scenes:
        use(scene)


@one_thread()
def do(work: Callable[[Item], Result], item: Item) -> Result:
    """Do a piece of work."""
    global _working
    _working = True
    try:
        return work(item)
    except Stopped as error:
        _end(error.number)
        raise
    finally:
        _working = False


def report_progress(count: int) -> None:
    """Say that a piece of work got further; does nothing outside a worker."""
    if _done is not None:
        with _done.get_lock():
            _done.value += count


def counted(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items and count each with `report_progress`."""
    for item in items:
        yield item
        report_progress(1)


def _stop(number: int, frame: FrameType | None) -> None:
    global _stopping
    signal.signal(number, signal.SIG_IGN)  # a group may hear it twice: from outside, and from its first process
    _stopping = True  # no `Event`: its lock may be taken already, if this is heard within this
    signal.alarm(PATIENCE)  # ends the process, if what is raised here is swallowed
    if not _working or is_importing(frame):
        _end(number)
    raise Stopped(number)


def _end(number: int) -> None:
    """End by a signal, as everybody expects who sent it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        time.sleep(0.2)  # a group is asked to end at once, and its first process may be the quickest
        if _stopping:
            time.sleep(PATIENCE)
        os._exit(1)
