"""The `testbed` command. Every subcommand imports what it needs when it runs, so `--help` is quick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from testbed.stopping import stoppable

Task = TypeVar("Task")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the `testbed` command, with the arguments of this process if none are given."""
    with stoppable():  # from here on, while it is still being imported what says so
        from testbed.console import run_command

        run_command(lambda: _run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: Sequence[str]) -> None:
    from testbed.cli import auditing, cleaning, looking, making, measuring, tracing  # noqa: F401  (they register themselves)
    from testbed.cli.app import app

    if list(arguments) == ["--version"]:
        from testbed import __version__
        from testbed.console import console

        console.print(f"testbed {__version__}")
    else:
        app.parse(arguments)()


def run_task(choices: type[Task], work: Callable[[Task], None]) -> None:
    """Run a script of `tasks/`: read its choices from the arguments of this process, and do what they say."""
    with stoppable():
        from testbed.console import run_command

        run_command(lambda: _task(choices, work))


def _task(choices: type[Task] | Task, work: Callable[[Task], None]) -> None:
    """Read choices from the arguments of this process, of a type or with the defaults of an instance."""
    import tyro

    from testbed.cli.arguments import NUMBERS, read_plainly, require_clear

    require_clear(sys.argv[1:])
    with read_plainly():
        if isinstance(choices, type):
            chosen = tyro.cli(choices, registry=NUMBERS)
        else:
            chosen = tyro.cli(type(choices), default=choices, registry=NUMBERS)
    work(chosen)


def run_scene(reference: str) -> None:
    """Run the whole experiment in a scene of one's own: collect, teach, distil, audit, film, report.

    Args:
        reference: Where the scene is declared, as `module:SPEC`. A script that declares it itself gives its own name
            there, as in `run_scene("crossing:SPEC")`: other processes import it by that.
    """
    with stoppable():
        from testbed.console import run_command

        run_command(lambda: _scene(reference))


def _scene(reference: str) -> None:
    from testbed.experiment.choices import SceneChoices
    from testbed.scenes.registry import use

    _task(SceneChoices.of(use(reference), reference), SceneChoices.run_scene)
