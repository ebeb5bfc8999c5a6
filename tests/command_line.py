"""The `testbed` command in this process: an interpreter that imports everything takes seconds to start."""

from __future__ import annotations

import contextlib
import shlex
import warnings
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from testbed.cli import main


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


def run_testbed(line: str, cwd: Path) -> Done:
    """Run a command line in a folder; what libraries warn a user of is an error."""
    out, err, code = StringIO(), StringIO(), 0
    elsewhere = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with contextlib.chdir(cwd), elsewhere[0], elsewhere[1], warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            main(shlex.split(line))
        except SystemExit as ended:
            code = int(str(ended.code or 0))
    return Done(code, out.getvalue(), err.getvalue())
