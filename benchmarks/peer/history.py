"""Sources of an earlier version, from the repository's history, and a process that runs with them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

BEFORE = "4c3209f"
"""The commit of 0.6.0."""


@contextmanager
def sources_of(commit: str = BEFORE) -> Iterator[Path]:
    """Give a folder with the package as it was at a commit."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", commit, "testbed"], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive)
        yield Path(folder)


@contextmanager
def asking(sources: Path, script: str, arguments: Sequence[str] = ()) -> Iterator[Callable[[float], float]]:
    """Give what asks a script in `benchmarks/`, which answers a number in a line with a number, under other sources."""
    command = [sys.executable, str(Path(__file__).parents[1] / script), *arguments]
    path = os.pathsep.join((str(sources), os.environ.get("PYTHONPATH", "")))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        asked, said = process.stdin, process.stdout

        def ask(number: float) -> float:
            print(number, file=asked, flush=True)
            return float(said.readline())

        yield ask
        asked.close()
