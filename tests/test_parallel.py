"""Several processes under one bar: results in order, a user's mistake comes through, nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from testbed.errors import UserError
from testbed.experiment.leftovers import PREFIX, SHARED
from testbed.experiment.parallel import in_parallel
from testbed.experiment.worker import report_progress


def square(number: int) -> int:
    report_progress(1)
    return number * number


def refuse(number: int) -> int:
    if number == 1:
        raise UserError("no such thing: give another")
    return number


def end(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_order(capsys):
    assert in_parallel(square, [3, 1, 2], "square", 3) == [9, 1, 4]
    assert "✓ square" in capsys.readouterr().out


def test_a_users_mistake_comes_through():
    with pytest.raises(UserError, match="no such thing"):
        in_parallel(refuse, [0, 1, 2], "try", 3)


def test_an_ended_process_is_named():
    with pytest.raises(UserError, match="ended from outside"):
        in_parallel(end, [0, 1], "try", 2)


STUCK = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from test_parallel import wait_long
from testbed.experiment.parallel import in_parallel
from testbed.experiment.worker import report_progress
if __name__ == "__main__":
    in_parallel(wait_long, [sys.argv[2]], "wait", 1)
"""


def wait_long(folder: str) -> None:
    with open(os.path.join(folder, "pid"), "w") as file:
        file.write(str(os.getpid()))
    time.sleep(600)


def _stuck(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that waits for another, in a group of their own; return it once both are there."""
    script = folder / "stuck.py"
    script.write_text(STUCK)
    command = [sys.executable, str(script), os.path.dirname(__file__), str(folder)]
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 600
    while not ((folder / "pid").exists() and (folder / "pid").read_text()):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    return process


@pytest.mark.skipif(not SHARED.is_dir(), reason="this system shows no semaphores")
def test_what_the_pool_of_a_killed_group_left_is_removed_by_the_next(tmp_path):
    """Python's own tracker is killed with the group, so nobody else removes them."""
    process = _stuck(tmp_path)
    folders = list(Path(tempfile.gettempdir()).glob(f"{PREFIX}-{process.pid}-*"))
    left = [*SHARED.glob(f"sem.{PREFIX}-{process.pid}-*"), *folders]
    assert len(left) > 1 and len(folders) == 1
    in_parallel(square, [1], "square", 1)
    assert all(file.exists() for file in left)  # of one that is at work
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    in_parallel(square, [1], "square", 1)
    assert not any(file.exists() for file in left)


def test_killing_the_parent_ends_its_processes(tmp_path):
    process, found = _stuck(tmp_path), tmp_path / "pid"
    process.kill()
    process.wait()
    deadline = time.monotonic() + 600
    while _runs(int(found.read_text())):
        assert time.monotonic() < deadline, "the process outlived its parent"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
