"""Mistakes a user can mend. The command line prints them as one line, without a traceback."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable


class UserError(Exception):
    """A problem with what the user gave us: names the thing, the reason and the mend in one line.

    Examples:
        >>> import testbed
        >>> testbed.get_habit("agressive-merge")
        Traceback (most recent call last):
        testbed.errors.UserError: unknown habit 'agressive-merge': choose one of ...
    """


def missing_package(package: str, extra: str, purpose: str) -> UserError:
    """Return the error for a package that is not installed and comes with an extra of this one.

    It installs from the clone: `testbed` is another project's name among published packages.

    Args:
        package: What could not be imported.
        extra: The extra that brings it.
        purpose: What needs it, for example `ONNX files need`.
    """
    return UserError(
        f"{purpose} {package}, which is not installed: in your clone, pip install -c constraints.txt -e '.[{extra}]'"
    )


def unknown_name(kind: str, name: object, valid: Iterable[str]) -> UserError:
    """Return the error for a name that is not in a table; it lists the valid ones.

    Args:
        kind: What the name should have been, in plain words, for example ``"habit"``.
        name: What was given; not always a name.
        valid: The names that exist.
    """
    given = " ".join(str(name).split())
    return UserError(f"unknown {kind} '{given}': {choose_one(given, valid)}")


def choose_one(given: str, valid: Iterable[str]) -> str:
    """Return what a user is told to do who gave a name that is not in a table: the valid ones, and the nearest."""
    names = sorted(valid)
    close = difflib.get_close_matches(given, names, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"choose one of {', '.join(names)}.{hint}"


def suggested(*words: object) -> str:
    """Return a command that a person can paste into a shell, whatever the names in it."""
    return shlex.join(map(str, words))
