"""What a person sees in the terminal: progress with a time to the end, tables, and errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from testbed.errors import UserError

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

Item = TypeVar("Item")


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar while a `with` block runs; call what it yields with the number of things done since.

    On a terminal the bar moves; in a log a line says when the work began and when it ended.
    """
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=28), MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )  # fmt: skip
    if not console.is_terminal:
        console.print(f"{title} ...")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)
        elapsed = bar.tasks[0].elapsed
    seconds = f" [dim]{elapsed:.0f} s[/dim]" if elapsed else ""
    console.print(f"[green]✓[/green] {title}{seconds}")


def tracked(items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """Yield items while a bar counts them."""
    with progress(title, total) as advance:
        for item in items:
            yield item
            advance(1)


def run_command(command: Callable[[], None]) -> None:
    """Run a command; a user's mistake becomes one line and exit code 2, an interruption exit code 130."""
    try:
        command()
    except UserError as error:
        errors.print(f"[red]error:[/red] {error}", markup=True)
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("stopped; run the same command again and it goes on from here")
        sys.exit(130)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        errors.print(
            f"[red]error:[/red] cannot read or write{where} ({error.strerror or error}): check the path and the disk"
        )
        sys.exit(2)
