"""A confined process as this one sees it: begun when it is first asked, ended when nobody needs it or it takes too
long."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections.abc import Mapping
from contextlib import suppress
from threading import Timer
from typing import Any

import msgspec
import numpy as np

from testbed.errors import UserError
from testbed.policies.confined.messages import Asked, Told, packed, receive, send, unpacked

LOADING, ANSWERING = 60.0, 20.0
"""How long a program may take to be loaded, its runtime included, and for one answer [s]."""


class Confined:
    """A program that runs in a process of its own.

    Args:
        runtime: A name in `runtimes.RUNTIMES`.
        program: The file.
        source: What it is, for errors.
    """

    def __init__(self, runtime: str, program: bytes, source: str) -> None:
        self.runtime, self.program, self.source = runtime, program, source
        self._process: subprocess.Popen[bytes] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the process: a copy has its own."""
        return self.__dict__ | {"_process": None}

    def describe(self) -> Told:
        """Return what the program takes and gives; raises `UserError` if it cannot be loaded within limits."""
        self.close()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "testbed.policies.confined.worker", self.runtime],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_surroundings(),
        )  # fmt: skip
        weakref.finalize(self, _end, self._process)
        return self._ask(Asked(self.program), LOADING)

    def run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return what the program gives; raises `UserError` if it fails, or does not come to an end."""
        if self._process is None:
            self.describe()
        try:
            return unpacked(self._ask(Asked(arrays=packed(arrays)), ANSWERING).arrays)
        except ValueError as error:
            raise UserError(f"{self.source} gives what is no array ({error})") from None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _ask(self, asked: Asked, seconds: float) -> Told:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        late = Timer(seconds, process.kill)
        late.start()
        try:
            send(process.stdin, asked)
            told = receive(process.stdout, Told)
        except (OSError, ValueError, msgspec.MsgspecError):
            told = None
        finally:
            overdue = late.finished.is_set()
            late.cancel()
        if told is None:
            self.close()
            why = f"took more than {seconds:g} s" if overdue else f"ended its process{_signal(process.returncode)}"
            raise UserError(f"{self.source} {why}, within its limits of memory, time and files: it is not audited")
        if told.wrong:
            raise UserError(f"{self.source} fails within its limits of memory, time and files ({told.wrong})")
        return told


def _surroundings() -> dict[str, str]:
    """Return the variables of a confined process: it imports nothing from the current folder, which may be a
    stranger's."""
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(place)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}


def _signal(code: int | None) -> str:
    return f" (signal {-code})" if code is not None and code < 0 else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.wait()
