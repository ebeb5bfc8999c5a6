"""What a person sees in the terminal: progress with a time to the end, tables, and errors in one line.

A string is printed as it is, on one line: no mark-up is read in it, and nothing of it reaches the terminal that would
steer it, so a name may hold anything. What has a colour, or more than one line, is a text made by `styled` or `lines`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeVar, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from testbed.errors import UserError
from testbed.legible import Steady, legible
from testbed.stopping import number_of, stoppable, told
from testbed.threads import one_thread


class _Terminal(Console):
    """A console that takes every string for what it says: in lines, cells, titles and captions."""

    def __init__(self, name: str) -> None:
        self.stream = Steady(name)
        super().__init__(file=cast(IO[str], self.stream), highlight=False, markup=False, emoji=False, soft_wrap=True)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as text, without mark-up."""
        return super().render_str(legible(text), **{**options, "markup": False, "emoji": False})


console = _Terminal("stdout")
errors = _Terminal("stderr")

Item = TypeVar("Item")


def styled(text: str, style: str) -> Text:
    """Return a text in a style, for example `bold` or `green`."""
    return Text(legible(text), style)


def lines(texts: Iterable[str]) -> Text:
    """Return several lines, for example of a caption."""
    return Text("\n").join(Text(legible(text)) for text in texts)


def headed(head: str, texts: Iterable[str]) -> Text:
    """Return several lines that begin with a head in bold, for example of an entry in a tree."""
    found = lines(texts)
    found.stylize("bold", 0, len(legible(head)))
    return found


def ticked(text: str, note: str = "") -> None:
    """Print that something is done, with a note beside it."""
    console.print(styled("✓", "green"), text, *([styled(note, "dim")] if note else []))


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar while a `with` block runs; call what it yields with the number of things done since.

    On a terminal the bar moves; in a log a line says when the work began and when it ended.
    """
    columns = (
        SpinnerColumn("dots" if console.encoding.startswith("utf") else "line"),
        TextColumn("{task.description}", markup=False), BarColumn(bar_width=28), MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )  # fmt: skip
    if not console.is_terminal:
        console.print(f"{title} ...")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(legible(title), total=total)
        yield lambda count: bar.advance(task, count)
        elapsed = bar.tasks[0].elapsed
    ticked(title, f"{elapsed:.0f} s" if elapsed else "")


def tracked(items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """Yield items while a bar counts them."""
    with progress(title, total) as advance:
        for item in items:
            yield item
            advance(1)


def run_command(command: Callable[[], None]) -> None:
    """Run a command; a user's mistake becomes one line and exit code 2, a signal that ends it one line and 128 + n."""
    try:
        with stoppable(), one_thread():
            command()
    except UserError as error:
        _fail(str(error))
    except KeyboardInterrupt as error:
        errors.print(told(error))
        sys.exit(128 + number_of(error))
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        _fail(f"cannot read or write{where} ({error.strerror or error}): check the path and the disk")
    lost = console.stream.lost
    if lost and not isinstance(lost, BrokenPipeError):
        _fail(f"not everything could be printed ({lost}): the work is done; see that standard output can be written")


def _fail(reason: str) -> None:
    errors.print(styled("error:", "red"), reason)
    sys.exit(2)
