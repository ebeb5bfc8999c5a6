"""Other processes read the program that starts them; here it is seen whether they can."""

from __future__ import annotations

import os
import sys
from multiprocessing import current_process
from pathlib import Path

from testbed.errors import UserError

UNGUARDED = 87
"""Exit code of a process that was about to do all of the program's work again."""
GUARD = "put what it does under `if __name__ == '__main__':`"


def require_guard() -> None:
    """Raise `UserError` where other processes cannot read this program; in one that is reading it, end at once.

    Python reads the program's file in each process that it starts. What stands there unguarded is then done again.
    """
    if getattr(current_process(), "_inheriting", False):  # as `multiprocessing` itself asks; there is no public way
        os._exit(UNGUARDED)
    program = sys.modules.get("__main__")
    file = getattr(program, "__file__", None)
    if file is not None and getattr(program, "__spec__", None) is None and not Path(file).exists():
        raise UserError(
            f"other processes do the work and read this program, but {file} is no file: save it as one, and {GUARD}"
        )


def unguarded(title: str) -> UserError:
    """Return what is said when a process ended as unguarded."""
    program = getattr(sys.modules.get("__main__"), "__file__", "the program")
    return UserError(f"processes that were to {title} read {program} first, and would do it all again: {GUARD}")
