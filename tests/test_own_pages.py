"""The pages on a habit and on a scene of one's own: what they quote is in the file, and their commands run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
INTERSECTION = ROOT / "tasks/own_scene/intersection.py"
COMMANDS = """
import shlex, sys
from testbed.cli import main
for line in sys.stdin.read().splitlines():
    print("$", line, flush=True)
    try:
        main(shlex.split(line)[1:])
    except SystemExit as ended:
        if ended.code:
            raise
"""
"""Runs command lines one after the other, in a process of its own: scenes of somebody else's become known in it."""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / f"docs/{page}.md").read_text(), re.DOTALL)


def ran(lines: list[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input="\n".join(lines),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_the_page_on_scenes_quotes_is_in_the_file_in_this_order():
    text = INTERSECTION.read_text()
    quoted = blocks("own-scene", "python")
    assert len(quoted) > 4 and sum(map(len, quoted)) > len(text) / 2
    assert all(block in text for block in quoted)
    assert f"such a file of {len(text.splitlines())} lines" in (ROOT / "docs/own-scene.md").read_text()


def test_the_commands_of_the_page_on_scenes_run(tmp_path):
    shutil.copy(INTERSECTION, tmp_path)
    lines = [line for block in blocks("own-scene", "sh") for line in block.splitlines() if line.startswith("testbed ")]
    assert len(lines) >= 5
    said = ran(lines, tmp_path)
    assert "look at one with: testbed replay parcels.hdf5 --episode 0 --scene intersection:SPEC" in said
    assert "parcels.hdf5: 4 episodes, nothing wrong" in said and "room in the crossing" in said


def test_the_commands_of_the_page_on_habits_run(tmp_path):
    """With a file that holds what the page declares, without the block that measures."""
    declared = [block for block in blocks("own-habit", "python") if "print(" not in block]
    assert len(declared) == len(blocks("own-habit", "python")) - 1
    (tmp_path / "brake_check.py").write_text("\n\n".join(declared))
    lines = [line for block in blocks("own-habit", "sh") for line in block.splitlines() if line.startswith("testbed ")]
    assert len(lines) >= 3
    said = ran(lines, tmp_path)
    assert "brake-check in 16 triggered scenes: speed lost on the main road" in said
