"""Do what is missing of a list of pieces of work, each with a file of its own, until all of it is there."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from testbed.benchmark.engines import Cluster, LostWorkers, run_on
from testbed.console import console, progress, styled, ticked
from testbed.errors import UserError
from testbed.files import write_text
from testbed.threads import one_thread

Item = TypeVar("Item")
TRIES = 5
"""How often work goes on after a worker was lost without anything done in between."""
LOOK = 1.0
"""How often it is looked what is there [s]."""


@dataclass(frozen=True)
class Job(Generic[Item]):
    """A list of pieces of work."""

    title: str
    """What is done."""
    items: Sequence[Item]
    """The pieces; costly ones are begun first."""
    work: Callable[[Item], None]
    """Does one, and writes its file as the last thing, whole."""
    file: Callable[[Item], Path]
    """The file of one."""
    cost: Callable[[Item], float]
    """About how long one takes, in any unit."""
    whole: Callable[[Item], bool] | None = None
    """Whether the file of one is there with all that belongs into it; that it is there, if not given."""
    group: Callable[[Item], Hashable] | None = None
    """What it shares with others, which are done one after the other, so that a process need not read it again."""

    def missing(self, among: Sequence[Item]) -> list[Item]:
        """Return what of some pieces is not there yet, the costliest first; what was whole need not be asked again."""
        whole = self.whole or (lambda item: self.file(item).is_file())
        costly = sorted((item for item in among if not whole(item)), key=self.cost, reverse=True)
        if self.group is None:
            return costly
        groups: dict[Hashable, list[Item]] = {}
        for item in costly:
            groups.setdefault(self.group(item), []).append(item)
        return [item for group in groups.values() for item in group]


def sweep(job: Job[Item], cluster: Cluster) -> None:
    """Do what is missing.

    Raises:
        UserError: if workers are lost again and again, or leave files that are not whole.
    """
    missing = job.missing(job.items)
    if not missing:
        ticked(f"{job.title}: {len(job.items)} are there already")
        return
    stuck = 0
    with _watched(job, missing):
        while missing:
            lost = _done(job, cluster, missing)
            left = job.missing(missing)
            stuck = 0 if len(left) < len(missing) else stuck + 1
            missing = left
            if stuck == TRIES:
                raise _stuck(job, missing, lost)
            if lost:
                console.print(styled(f"a worker was lost ({lost});", "yellow"), f"{len(left)} left, going on")


def _done(job: Job[Item], cluster: Cluster, items: Sequence[Item]) -> LostWorkers | None:
    """Do some pieces of work and return who was lost over it, if anybody was."""
    try:
        run_on(cluster, partial(_quietly, job.work, job.file), items)
    except LostWorkers as error:
        return error
    return None


def _stuck(job: Job[Item], missing: Sequence[Item], lost: LostWorkers | None) -> UserError:
    again = "The same command goes on from here"
    if lost is None:
        file = job.file(missing[0])
        return UserError(f"{file} was made {TRIES} times and is not whole: see that its disk keeps files. {again}")
    return UserError(
        f"workers were lost {TRIES} times ({lost}) with {len(missing)} pieces of work left: perhaps there is "
        f"too little memory; give fewer --workers. {again}"
    )


@contextmanager
def _watched(job: Job[Item], items: Sequence[Item]) -> Iterator[None]:
    """Show how much of the cost is behind us, from the files that are there: any engine leaves them."""
    costs = {job.file(item): job.cost(item) for item in items}
    damaged = {file: _made(file) for file in costs}
    unit = 1000 / sum(costs.values())
    over = threading.Event()
    with progress(f"{job.title}: {len(items)}", 1000) as advance:

        def look() -> None:
            shown = 0
            while True:
                ended = over.wait(LOOK)
                done = round(unit * sum(cost for file, cost in costs.items() if _made(file) != damaged[file]))
                advance(done - shown)
                shown = done
                if ended:
                    return

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()


def _made(file: Path) -> int:
    """Return when a file was made [ns], or 0 where there is none."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


@one_thread()
def _quietly(work: Callable[[Item], None], file: Callable[[Item], Path], item: Item) -> None:
    """Do one piece of work in a worker that nobody looks at, and leave beside its file how long it took a core."""
    before, console.quiet, begun = console.quiet, True, time.process_time()
    try:
        work(item)
    finally:
        console.quiet = before
    write_text(_clock(file(item)), f"{time.process_time() - begun:.2f}\n")


def seconds_of(file: Path) -> float:
    """Return how long a core worked on a piece of work whose file this is [s]; not a number if that was not kept."""
    try:
        return float(_clock(file).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return math.nan


def _clock(file: Path) -> Path:
    return file.with_suffix(".seconds")
