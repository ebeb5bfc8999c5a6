"""What every subcommand belongs to, and how its arguments become values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, TypeVar, get_type_hints

import tyro

from testbed.bounds import require
from testbed.cli.arguments import NUMBERS, read_plainly, require_clear

Command = TypeVar("Command", bound=Callable[..., None])
DESCRIPTION = "Measure what a distilled policy inherited from its teacher. --version says which testbed this is."


class App:
    """The subcommands. Arguments are held to their bounds before a subcommand begins."""

    def __init__(self) -> None:
        self.commands: dict[str, Callable[..., None]] = {}
        """Name -> what it does."""
        self._parser = tyro.extras.SubcommandApp()

    def command(self, function: Command) -> Command:
        """Make a function a subcommand of its name (a decorator)."""

        @wraps(function)
        def ready(*given: Any, **named: Any) -> Callable[[], None]:
            values = inspect.signature(function).bind(*given, **named).arguments
            require(get_type_hints(function, include_extras=True), values, partial(_called, function))
            if values.get("scene") is not None:
                _make_known(values["scene"])
            return partial(function, *given, **named)

        name = function.__name__.rstrip("_").replace("_", "-")  # `import` is no name of a function
        self._parser.command(name=name)(ready)
        self.commands[name] = function
        return function

    def parse(self, arguments: Sequence[str]) -> Callable[[], None]:
        """Return what the arguments of a command line ask for, ready to be done."""
        require_clear(arguments)
        with read_plainly():
            return self._parser.cli(prog="testbed", description=DESCRIPTION, args=arguments, registry=NUMBERS)


def _make_known(scene: str) -> None:
    """Make the scene that a command line names known to everything that the command does."""
    from testbed.scenes.registry import names, use

    if scene not in names(plugins=False):
        use(scene)


def _called(function: Callable[..., None], name: str) -> str:
    """Return what a parameter is called at the command line."""
    positional = inspect.signature(function).parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY
    return name if positional else "--" + name.replace("_", "-")


app = App()
"""The `testbed` command."""
