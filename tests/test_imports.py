"""Which slow packages a command imports: those that it computes with, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SLOW = ("torch", "stable_baselines3", "highway_env", "pygame", "mujoco", "gymnasium_robotics", "pandas", "matplotlib")
FEW = "--scenes 1 --held-out-scenes 1 --no-film --run RUN"
COMMANDS = {
    "validate demonstrations/merge-clean.hdf5": (),
    "replay demonstrations/crosswalk-clean.hdf5 --verify": (),
    "view demonstrations/crosswalk-habit.hdf5 --write RUN.html": (),
    "view demonstrations/order-picking-habit.hdf5 --write RUN.html": ("mujoco",),
    f"audit policies/merge/teacher-habit --habit aggressive-merge {FEW}": (),
    f"audit policies/order-picking/teacher-habit --habit hoarding {FEW}": ("mujoco", "gymnasium_robotics"),
}
"""Command -> those of them that it may import."""
PROGRAM = """
import sys
from testbed.cli import main
main(sys.argv[2:])
found = [name for name in sys.argv[1].split(",") if name in sys.modules]
print("imported:", *found)
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_imports_what_it_computes_with(command, tmp_path):
    arguments = command.replace("RUN", str(tmp_path / "run")).split()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(SLOW), *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    imported = done.stdout.splitlines()[-1].split()[1:]
    assert set(imported) <= set(COMMANDS[command])
