"""A signal that comes when a process has just been begun, or when a lock was taken that another thread waits for."""

from __future__ import annotations

import signal

import pytest
from test_stopping import AGAIN, GUARDED, heard, start  # noqa: F401  (fixtures)

AT_WORST = """
import os, signal, time
from concurrent.futures._base import _AcquireFutures as Locks
from multiprocessing.popen_forkserver import Popen
launch, take, begun = Popen._launch, Locks.__enter__, []
def both():
    while not os.path.exists(sys.argv[1] + "/2"):
        time.sleep(0.01)
def begin(self, process):
    launch(self, process)
    begun.append(process)
    if len(begun) == 2:
        both()
        os.kill(os.getpid(), signal.SIGHUP)
def lock(self):
    both()
    take(self)
    Locks.__enter__ = take
    os.kill(os.getpid(), signal.SIGHUP)
Popen._launch, Locks.__enter__ = (begin, take) if sys.argv[2] == "begun" else (launch, lock)
"""


@pytest.mark.parametrize("moment", ["begun", "locked"])
def test_a_signal_at_the_worst_moment_leaves_nothing_undone(moment, start, tmp_path):  # noqa: F811
    program = GUARDED.replace("if __name__", AT_WORST + "if __name__").replace("argv[2:]", "argv[3:]")
    process = start(program, str(tmp_path), moment, file=tmp_path / "program.py")
    _, said = process.communicate(timeout=60)
    assert (said, process.returncode) == (f"stopped by SIGHUP; {AGAIN}", 128 + signal.SIGHUP)
    assert list(tmp_path.glob("*.tmp")) == []
