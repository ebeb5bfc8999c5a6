"""The confined process: it reads a program from its standard input, and answers until that ends.

Limits come before the program is looked at: no new file, socket or process can be had by then, since each needs a file
descriptor and there are none left.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Mapping

import numpy as np

from testbed.policies.confined.messages import Asked, Told, packed, receive, send, unpacked
from testbed.policies.confined.runtimes import RUNTIMES, Program

MEMORY = 2**30
"""What a program may use beside its runtime [bytes]."""
SECONDS = 3600
"""Processor time that it may use in all [s], should nobody be left to end it."""


def main(runtime: str) -> None:
    """Answer until the standard input ends."""
    given, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a runtime prints is no answer
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    load = RUNTIMES[runtime]()
    first = receive(given, Asked)
    if first is None:
        return
    _confine()
    try:
        program = load(first.program)
        del first
        send(answers, Told(inputs=program.inputs, outputs=program.outputs))
    except BaseException as error:
        send(answers, Told(wrong=_line(error)))
        return
    while (asked := receive(given, Asked)) is not None:
        send(answers, _answer(program, unpacked(asked.arrays)))


def _answer(program: Program, arrays: Mapping[str, np.ndarray]) -> Told:
    try:
        return Told(arrays=packed(program.run(arrays)))
    except BaseException as error:
        return Told(wrong=_line(error))


def _confine() -> None:
    with open("/proc/self/statm", "rb") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    limits: list[tuple[int, int]] = [
        (resource.RLIMIT_AS, used + MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 0),
    ]  # fmt: skip
    for what, most in limits:
        resource.setrlimit(what, (most, most))


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _line(error: BaseException) -> str:
    """Return the last line of what an error says: what comes before it in torch's is where it happened."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]


if __name__ == "__main__":
    main(sys.argv[1])
