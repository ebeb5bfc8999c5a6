"""Ctrl-C, and the signals by which a system ends a process: one line is said, and what was begun is put in order."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import parent_process
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks a process to end; not all systems have all of them."""
AGAIN = 1.0
"""A second signal so soon after the first means the same [s]: whoever ends a group of processes may send both."""

SOON = 0.02
"""After this a signal that was swallowed is heard again [s]."""

_last = -math.inf
"""When this process was last asked to end."""
_held: list[int] | None = None
"""Signals that came while none may interrupt; None while each may."""


class Stopped(KeyboardInterrupt):
    """This process was asked to end by a signal; raised wherever it was, so that every `finally` has its turn."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        """The signal."""


def told(error: KeyboardInterrupt) -> str:
    """Return what is said of an interruption."""
    number = number_of(error)
    by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
    return f"stopped{by}; run the same command again and it goes on from here"


def number_of(error: KeyboardInterrupt) -> int:
    """Return the signal of an interruption."""
    return error.number if isinstance(error, Stopped) else signal.SIGINT


def stop(number: int, frame: FrameType | None) -> None:
    """Raise `Stopped` (a handler of signals).

    While a module is imported nothing needs to be put in order, and some libraries swallow what is raised there:
    then the process ends at once.
    """
    global _last
    if time.monotonic() - _last < AGAIN:
        return
    _last = time.monotonic()
    if _held is not None:
        _held.append(number)
        return
    if is_importing(frame):
        with suppress(OSError, ValueError, AttributeError):
            print(told(Stopped(number)), file=sys.__stderr__, flush=True)
        os._exit(128 + number)
    raise Stopped(number)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put a signal off until a short `with` block has ended.

    For what must not be left half done: a process that is being begun is named by nobody yet, and a lock that another
    thread waits for may have been taken by somebody who cannot give it back.
    """
    global _held
    if _held is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    _held = came
    try:
        yield
    finally:
        _held = None
        if came:
            raise Stopped(came[0])


def hear_again(unraisable: sys.UnraisableHookArgs, handler: Callable, otherwise: Callable) -> None:
    """Let a signal come again a moment later that came in a finaliser, or in the callback of a weak reference.

    What is raised there goes nowhere: Python says that it ignores it, and goes on.

    Args:
        unraisable: What could not be raised.
        handler: What hears the signal.
        otherwise: What is done with anything else: the hook that was there.
    """
    global _last
    if not isinstance(unraisable.exc_value, Stopped):
        otherwise(unraisable)
        return
    _last = -math.inf
    number = unraisable.exc_value.number
    signal.signal(number, handler)
    threading.Thread(target=_send_soon, args=(number,), daemon=True).start()


def _send_soon(number: int) -> None:
    """Send this process a signal, once its main thread has left `hear_again`: what is raised in there is lost too."""
    me = threading.main_thread().ident
    while True:
        time.sleep(SOON)
        frame = sys._current_frames().get(me) if me is not None else None
        while frame is not None and frame.f_code is not hear_again.__code__:
            frame = frame.f_back
        if frame is None:
            os.kill(os.getpid(), number)
            return


def is_importing(frame: FrameType | None) -> bool:
    """Return whether a frame runs because a module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` in a `with` block when a signal asks to end, unless somebody else already sees to that signal.

    Afterwards signals do what they did before; after an interruption they end the process, which is about to end.
    """
    global _last
    if threading.current_thread() is not threading.main_thread() or parent_process() is not None:
        yield  # only main threads hear signals; a worker ends with whoever started it
        return
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in SIGNALS if signal.getsignal(number) in usual}
    if before:
        _last = -math.inf
    for number in before:
        signal.signal(number, stop)
    hook = sys.unraisablehook
    sys.unraisablehook = partial(hear_again, handler=stop, otherwise=hook)
    try:
        yield
    except KeyboardInterrupt:
        before = dict.fromkeys(before, signal.SIG_DFL)
        raise
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
