"""The `testbed` command. Every subcommand imports what it needs when it runs, so `--help` is quick."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.cli import making, measuring  # noqa: F401  (they register their subcommands)
from testbed.cli.app import app
from testbed.console import run_command


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the `testbed` command, with the arguments of this process if none are given."""
    run_command(
        lambda: app.cli(
            prog="testbed", description="Measure what a distilled policy inherited from its teacher.", args=arguments
        )
    )
