"""Several pieces of work at once, one process each, under one progress bar."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, wait
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from testbed.console import progress
from testbed.errors import UserError
from testbed.experiment.semaphores import name_after_process, sweep_semaphores
from testbed.threads import one_thread

Item = TypeVar("Item")
Result = TypeVar("Result")

_done: Synchronized | None = None
"""How much all processes have done together; set in each of them."""


def get_ready(modules: Sequence[str]) -> None:
    """Begin to import modules in the server that later processes are forked from, while this process goes on."""
    get_context("forkserver").set_forkserver_preload([__name__, *modules])
    forkserver.ensure_running()


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], title: str, total: int) -> list[Result]:
    """Return what `work` makes of each item; it says how far it is with `advance`.

    Args:
        work: A function of a module, so that another process finds it.
        items: What it is given, one a process; no more processes than cores run at once.
        title: What is being done.
        total: The sum of all that the pieces of work will report.

    Raises:
        UserError: if a process is ended from outside.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, work.__module__])  # unless the server is there: see `get_ready`
    sweep_semaphores()
    name_after_process()
    counter = context.Value("q", 0)
    workers = min(len(items), os.cpu_count() or 1)
    with progress(title, total) as bar, ProcessPoolExecutor(workers, context, _begin, (counter,)) as pool:
        futures = [pool.submit(_do, work, item) for item in items]
        shown = 0
        running = True
        while running:
            running = bool(wait(futures, timeout=0.2).not_done)
            bar(counter.value - shown)
            shown = counter.value
            if any(future.done() and future.exception() for future in futures):
                pool.shutdown(cancel_futures=True)
                running = False
        try:
            return [future.result() for future in futures if not future.cancelled()]
        except BrokenExecutor:
            raise UserError(
                f"a process that was to {title} was ended from outside, perhaps for want of memory: "
                f"run the same command again, it goes on from here"
            ) from None


@one_thread()
def _do(work: Callable[[Item], Result], item: Item) -> Result:
    return work(item)


def advance(count: int) -> None:
    """Say that a piece of work got further; does nothing outside `side_by_side`."""
    if _done is not None:
        with _done.get_lock():
            _done.value += count


def counted(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items and count each with `advance`."""
    for item in items:
        yield item
        advance(1)


def _begin(counter: Synchronized) -> None:
    """Prepare a process: it ends with the one that started it, and at Ctrl-C without a word."""
    global _done
    _done = counter
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
