"""An environment of its own for a package that a benchmark compares with, made once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from testbed.console import console
from testbed.errors import UserError


def prepare(folder: Path, packages: Sequence[str], imports: str, alone: Sequence[str] = ()) -> Path:
    """Return the Python of a peer's environment, which is made if need be.

    Args:
        folder: Where it is, or is made.
        packages: What is installed into it.
        imports: The modules that have to import there, with commas between.
        alone: What is installed without what it asks for.

    Raises:
        UserError: if it cannot be made, or does not run.
    """
    python = folder.absolute() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    check = [python, "-I", "-c", f"import {imports}"]
    if python.exists() and subprocess.run(check, capture_output=True).returncode == 0:
        return python
    console.print(f"make an environment with {', '.join(packages)} (some minutes) ...")
    install = [python, "-m", "pip", "install", "-q"]
    steps = [[sys.executable, "-m", "venv", folder], [*install, *packages]]
    steps += [[*install, "--no-deps", *alone]] if alone else []
    for command in (*steps, check):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise UserError(f"the peer cannot be installed, or does not run: {done.stderr.strip().splitlines()[-1:]}")
    return python
