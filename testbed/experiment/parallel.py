"""Several pieces of work at once, one process each, under one progress bar."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import active_children, forkserver, get_context, resource_tracker
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from testbed.console import progress
from testbed.errors import UserError
from testbed.experiment import worker
from testbed.experiment.guard import GUARD, UNGUARDED, require_guard, unguarded
from testbed.experiment.leftovers import name_after_process, sweep_leftovers
from testbed.scenes.outside import references
from testbed.stopping import uninterrupted

Item = TypeVar("Item")
Result = TypeVar("Result")
SERVED = "testbed.experiment.served"
"""What the server of processes imports last."""
AGAIN = "run the same command again, it goes on from here"


def preload(modules: Sequence[str]) -> None:
    """Begin to import modules in the server that later processes are forked from, while this process goes on.

    Raises:
        UserError: if other processes cannot read this program.
    """
    require_guard()
    sweep_leftovers()
    name_after_process()
    get_context("forkserver").set_forkserver_preload([__name__, *modules, SERVED])
    with _unheard():
        resource_tracker.ensure_running()  # which lets signals through again
    with _unheard():
        forkserver.ensure_running()


@contextmanager
def _unheard() -> Iterator[None]:
    """Begin processes that never hear Ctrl-C or that the terminal is gone: this one does, and ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item], title: str, total: int) -> list[Result]:
    """Return what `work` makes of each item; it says how far it is with `worker.report_progress`.

    Args:
        work: A function of a module, so that another process finds it.
        items: What it is given, one a process; no more processes than cores run at once.
        title: What is being done.
        total: The sum of all that the pieces of work will report.

    Raises:
        UserError: if a process is ended from outside, or cannot read this program.
    """
    preload([work.__module__])  # nothing, if the server is there
    context = get_context("forkserver")
    counter, others = context.Value("q", 0), set(active_children())
    workers, mine = min(len(items), os.cpu_count() or 1), set[BaseProcess]()
    with (
        progress(title, total) as bar,
        ProcessPoolExecutor(workers, context, worker.begin, (counter, references())) as pool,
    ):
        try:
            futures = []
            for item in items:
                with uninterrupted():
                    futures.append(pool.submit(worker.do, work, item))
                mine |= set(active_children()) - others  # those that have ended are named here no more
            _watch(futures, mine, counter, bar, pool)
            return [future.result() for future in futures if not future.cancelled()]
        except KeyboardInterrupt:
            _end(set(active_children()) - others)
            raise
        except (BrokenExecutor, EOFError, ConnectionError):
            _end(set(active_children()) - others)
            raise _lost(title, mine) from None


def _watch(
    futures: Sequence[Future], processes: Iterable[BaseProcess], counter: Synchronized, bar: Callable[[int], None],
    pool: ProcessPoolExecutor,
) -> None:  # fmt: skip
    """Show how far it is until all is done, or something went wrong and what had been begun is done.

    Raises:
        BrokenExecutor: if a process has ended; the pool does not see it of one that was begun after another.
    """
    shown, running = 0, True
    while running:
        with uninterrupted():
            running = bool(wait(futures, timeout=0.2).not_done)
            bar(counter.value - shown)
            shown = counter.value
            failed = any(future.done() and future.exception() for future in futures)
        if failed:
            pool.shutdown(cancel_futures=True)
            running = False
        elif running and not all(process.is_alive() for process in processes):
            raise BrokenExecutor


def _end(processes: Iterable[BaseProcess]) -> None:
    for process in processes:
        process.terminate()


def _lost(title: str, processes: Iterable[BaseProcess]) -> UserError:
    """Return what is said where processes ended before their work did."""
    for process in processes:
        process.join(worker.PATIENCE)
    codes = {process.exitcode or 0 for process in processes}
    if UNGUARDED in codes:
        return unguarded(title)
    if min(codes, default=0) >= 0 and codes - {0, 255}:
        return UserError(
            f"a process that was to {title} ended by itself, as it may have said above: if it is this program that "
            f"it could not read, {GUARD}; else {AGAIN}"
        )
    memory = ", perhaps for want of memory" if -signal.SIGKILL in codes else ""
    return UserError(f"a process that was to {title} was ended from outside{memory}: {AGAIN}")
