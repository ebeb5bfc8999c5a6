"""Several processes under one bar: results in order, a user's mistake comes through, nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from testbed.errors import UserError
from testbed.experiment.side_by_side import advance, side_by_side


def square(number: int) -> int:
    advance(1)
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
    assert side_by_side(square, [3, 1, 2], "square", 3) == [9, 1, 4]
    assert "✓ square" in capsys.readouterr().out


def test_a_users_mistake_comes_through():
    with pytest.raises(UserError, match="no such thing"):
        side_by_side(refuse, [0, 1, 2], "try", 3)


def test_an_ended_process_is_named():
    with pytest.raises(UserError, match="ended from outside"):
        side_by_side(end, [0, 1], "try", 2)


STUCK = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from test_side_by_side import wait_long
from testbed.experiment.side_by_side import side_by_side
if __name__ == "__main__":
    side_by_side(wait_long, [sys.argv[2]], "wait", 1)
"""


def wait_long(folder: str) -> None:
    with open(os.path.join(folder, "pid"), "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)


def test_killing_the_parent_ends_its_processes(tmp_path):
    script = tmp_path / "stuck.py"
    script.write_text(STUCK)
    process = subprocess.Popen([sys.executable, str(script), os.path.dirname(__file__), str(tmp_path)])
    found = tmp_path / "pid"
    deadline = time.monotonic() + 60
    while not (found.exists() and found.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
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
