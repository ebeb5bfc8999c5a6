"""Do what is missing of a list of pieces of work, each with a file of its own, until all of it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from testbed.benchmark.engines import Cluster, LostWorkers, run_on
from testbed.console import console, progress, styled, ticked
from testbed.errors import UserError
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

    @property
    def missing(self) -> list[Item]:
        """What is not there yet, the costliest first."""
        return sorted((item for item in self.items if not self.file(item).is_file()), key=self.cost, reverse=True)


def sweep(job: Job[Item], cluster: Cluster) -> None:
    """Do what is missing.

    Raises:
        UserError: if workers are lost again and again.
    """
    before = job.missing
    if not before:
        ticked(f"{job.title}: {len(job.items)} are there already")
        return
    lost = 0
    with _watched(job, before):
        while missing := job.missing:
            try:
                run_on(cluster, partial(_quietly, job.work), missing)
            except LostWorkers as error:
                left = len(job.missing)
                lost = 0 if left < len(missing) else lost + 1
                if lost == TRIES:
                    raise UserError(
                        f"workers were lost {TRIES} times ({error}) with {left} pieces of work left: perhaps there is "
                        "too little memory; give fewer --workers. The same command goes on from here"
                    ) from error
                console.print(styled(f"a worker was lost ({error});", "yellow"), f"{left} left, going on")


@contextmanager
def _watched(job: Job[Item], items: Sequence[Item]) -> Iterator[None]:
    """Show how much of the cost is behind us, from the files that are there: any engine leaves them."""
    costs = {job.file(item): job.cost(item) for item in items}
    unit = 1000 / sum(costs.values())
    over = threading.Event()
    with progress(f"{job.title}: {len(items)}", 1000) as advance:

        def look() -> None:
            shown = 0
            while True:
                ended = over.wait(LOOK)
                done = round(unit * sum(cost for file, cost in costs.items() if file.is_file()))
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


@one_thread()
def _quietly(work: Callable[[Item], None], item: Item) -> None:
    """Do one piece of work in a worker that nobody looks at."""
    console.quiet = True
    work(item)
