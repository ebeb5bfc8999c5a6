"""`testbed doctor`: what works on this machine, each check by doing the thing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.table import Table

from testbed.console import console, styled
from testbed.envs.warehouse.backend import MEND

SIMULATE = "import gymnasium, testbed; e = gymnasium.make('testbed/Merge-v0'); e.reset(seed=0); e.step(1)"
RENDER = (
    "import gymnasium, testbed; e = gymnasium.make('testbed/Merge-v0', render_mode='rgb_array'); "
    "e.reset(seed=0); assert e.render().std() > 0"
)
ENCODE = (
    "import imageio, numpy, sys; w = imageio.get_writer(sys.argv[1] + '/x.mp4', fps=15, codec='libx264'); "
    "[w.append_data(numpy.zeros((64, 64, 3), numpy.uint8)) for _ in range(3)]; w.close()"
)
STORE = "import h5py, sys; f = h5py.File(sys.argv[1] + '/x.hdf5', 'w'); f['a'] = 1; f.close()"
TRAIN = "import torch; torch.nn.Linear(2, 2)(torch.zeros(1, 2)).sum().backward()"

PICK = (
    "import gymnasium, testbed; e = gymnasium.make('testbed/OrderPicking-v0'); e.reset(seed=0); "
    "e.step(e.action_space.sample())"
)
BENCH = (
    "import gymnasium, testbed; e = gymnasium.make('testbed/OrderPicking-v0', render_mode='rgb_array'); "
    "e.reset(seed=0); assert e.render().std() > 0"
)

CHECKS = (
    ("simulate a road scene", SIMULATE, "install again: pip install -c constraints.txt -e ."),
    ("draw a road scene without a display", RENDER, "install pygame-ce: pip install -c constraints.txt -e ."),
    ("simulate the warehouse (MuJoCo, Fetch)", PICK, "install again: pip install -c constraints.txt -e ."),
    ("draw the warehouse without a display", BENCH, MEND),
    ("encode H.264 video", ENCODE, "install imageio-ffmpeg, which brings its own ffmpeg"),
    ("write HDF5", STORE, "install h5py, and see that the temporary folder can be written"),
    ("train a network", TRAIN, "install torch: pip install -c constraints.txt -e ."),
)
"""What is tried, the program that tries it (in a process of its own), and the mend."""


def run() -> None:
    """Try everything and print what works; exits with 1 if anything needed does not."""
    table = Table(title=f"Python {sys.version.split()[0]}, {os.cpu_count()} processors", title_justify="left")
    for heading in ("what", "works", "how to mend it"):
        table.add_column(heading)
    failed = False
    for what, program, mend in CHECKS:
        reason = _try(program)
        failed |= reason is not None
        works = styled("no", "red") if reason else styled("yes", "green")
        table.add_row(what, works, f"{mend} ({reason})" if reason else "")
    browser = _first(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    mend = "" if browser else "only the browser tests need it: install your system's chromium package"
    found = styled("yes", "green") if browser else styled("no", "yellow")
    table.add_row("find a browser for the tests", found, mend)
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    table.add_row("free disk", f"{free:.0f} GB", "" if free > 1 else "a quick run needs about 0.1 GB, a full one 1 GB")
    console.print(table)
    if failed:
        sys.exit(1)


def _try(program: str) -> str | None:
    """Run a program; return None if it worked, else the last line of what it said."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", program, folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            return "no answer in 120 s"
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else (lines[-1] if lines else f"exit code {done.returncode}")


def _first(find: Callable[[str], str | None], names: tuple[str, ...]) -> str | None:
    return next((found for found in map(find, names) if found), None)
