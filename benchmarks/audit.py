"""An audit beside cotterbot's: the same PPO of Stable-Baselines3 on Gymnasium's Reacher (MuJoCo), start included.

    python benchmarks/audit.py --write docs/audit-a-policy.md

The policy is trained once, in the peer's environment, which is made once. Both read the same zip file, in turns: ours
in the scene `tasks/own_scene/reacher.py`, for its habit, the peer's for success and a limit of joint speeds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from peer.environment import prepare

from testbed.cli.commands.pages import put
from testbed.console import console, lines, run_command
from testbed.errors import UserError

ROOT = Path(__file__).absolute().parents[1]
PACKAGES = ("cotterbot==0.3.0",)
CONTRACT = "[observations]\ntake = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
"""Of the scene's numbers the policy sees Reacher's own; it was never shown who watches."""
CONFIG = """env: Reacher-v5
algo: PPO
success: {type: min_return, value: -12}
performance: {p0: 0.8, p1: 0.95, alpha: 0.05, beta: 0.05, n_max: 100}
safety:
  n_episodes: 20
  limits: {cotter/joint_velocities: 10.0}
"""


@dataclass(frozen=True)
class Options:
    """Time both and say what each reports."""

    repeats: int = 5
    """How often each audits, in turns."""
    steps: int = 700_000
    """Steps of the policy's training."""
    folder: Path = Path("runs/peer-audit")
    """Where the peer's environment, the policy and both audits go; the first two are used again."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


def prepared(options: Options) -> Path:
    """Return the Python of the peer's environment; the policy lies beside, trained if need be."""
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    python = prepare(folder / "environment", PACKAGES, "cotter")
    if not (folder / "policy.zip").exists():
        console.print("train PPO on Reacher (minutes) ...")
        script = ROOT / "benchmarks/peer/sb3_reacher.py"
        timed([python, script, "policy.zip", options.steps], folder)
    (folder / "policy.toml").write_text(CONTRACT)
    (folder / "run.yaml").write_text(CONFIG)
    return python


def timed(command: Sequence[object], folder: Path) -> float:
    """Return what a command takes in a folder [s]; raises `UserError` if it fails, with its last line."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tasks/own_scene'}"}
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{command[1:3]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}")
    return time.perf_counter() - began


def table(ours: Sequence[float], theirs: Sequence[float], folder: Path) -> str:
    """Return both as a table in Markdown."""
    (mine,) = json.loads((folder / "audit/verdicts.json").read_text())["verdicts"]
    peer = json.loads((folder / "peer.json").read_text())
    said = "; ".join(f"{one['name']}: {one['summary']}" for one in peer["results"])
    trials = sum(one["data"]["n_trials"] for one in peer["results"])
    told = f"{mine['habit']}: {mine['word']}, {mine['why']}"
    episodes = 2 * sum(one["scenes"] for one in mine["evidence"])
    rows = (
        ("testbed audit", ours, f"{episodes}, half of them the reference's", told),
        ("cotter run", theirs, trials, said),
    )
    lines = ["`python benchmarks/audit.py`:", "", "| | time, median (range) | episodes | what it reports |",
             "|---|---|---|---|"]  # fmt: skip
    for name, times, count, words in rows:
        lines.append(
            f"| `{name}` | {np.median(times):.1f} s ({min(times):.1f} to {max(times):.1f}) | {count} | {words} |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    """Audit with both in turns, and print the table."""
    python, folder = prepared(options), options.folder
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(options.repeats):
        shutil.rmtree(folder / "audit", ignore_errors=True)  # nothing that was scored is used again
        mine = [Path(sys.executable).with_name("testbed"), "audit", "policy.zip", "--scene", "reacher:SPEC"]
        ours.append(timed([*mine, "--no-film", "--run", "audit"], folder))
        theirs.append(timed([python.with_name("cotter"), "run", "--policy", "policy.zip", "--config", "run.yaml",
                             "--report", "peer.json"], folder))  # fmt: skip
    text = table(ours, theirs, folder)
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "peer", text)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
