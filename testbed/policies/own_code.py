"""A policy that is a person's own code, named as `module:object` by that person and by nothing else."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from typing import Any

from testbed.errors import UserError
from testbed.protocols.policy import Policy


def is_reference(place: str) -> bool:
    """Return whether somebody names code, not a file."""
    module, colon, name = place.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), name))


def load_own(reference: str) -> tuple[Policy, str]:
    """Return the policy at `module:object`, and a digest that is new each time: nobody knows on what code hangs, so no
    score of it is used again. The current folder is searched too.

    The object acts (`act(observations)`), or is called without arguments and returns what does.

    Raises:
        UserError: if it cannot be imported, or is no policy.
    """
    module, _, name = reference.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # last, so that no file in it takes the place of an installed package
    try:
        found: Any = getattr(import_module(module), name)
        policy = found() if isinstance(found, type) or not hasattr(found, "act") else found
    except Exception as error:  # whatever a person's own code raises
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"the policy {reference} cannot be had ({said}): mend it, or run this in its folder") from error
    if not callable(getattr(policy, "act", None)):
        raise UserError(f"{reference} is no policy: give an object that has act(observations), or what returns one")
    return policy, token_hex(32)
