"""A parent that has imported everything a command may need, and forks a process for every command.

    python -m fuzzing.server SEED FOLDER

It reads orders from the standard input, one JSON line each: `{"number": N, "keep": false}` makes and runs an input, and
before it the valid files that it needs, if they are not there. It answers each with a line, a list of endings.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pickle
import pkgutil
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import testbed
from fuzzing import bases, child, decoys, logs
from fuzzing.endings import ACCEPTED, UNMADE, Ending, judge
from fuzzing.kinds import Input, make_input
from fuzzing.small import shrink
from fuzzing.turns import kind_of
from testbed.envs.warehouse.backend import failures
from testbed.scenes.registry import environments, make_vector
from testbed.traffic.measured import encounters
from testbed.traffic.reading import read_log

FURTHER = "torch._dynamo", "imageio.plugins.ffmpeg", "onnx", "onnxruntime", "pyarrow.csv", "pyarrow.parquet", "joblib"
"""What commands import when they come to it."""


def warm_up() -> None:
    """Import what commands import, load the kernels, and find out what draws; no thread is started by that."""
    for module in pkgutil.walk_packages(testbed.__path__, "testbed."):
        importlib.import_module(module.name)
    for name in FURTHER:
        importlib.import_module(name)
    for name in (*environments("driving"), *environments("warehouse")):
        env = make_vector(name, 1)
        env.reset(seed=[0])
        env.step(env.action_space.sample())
        env.close()
    driven = read_log(logs.DRIVEN)
    for known in (driven, replace(driven, lanes=())):  # followers are found in two ways
        encounters(known)
    if "MUJOCO_GL" not in os.environ:
        failures()
    shrink()
    gc.collect()
    gc.freeze()


def make_base(name: str, folder: Path) -> str:
    """Make valid files; return what went wrong, or an empty string. Another parent may do so at the same time."""
    root = folder / "making" / f"{name}-{os.getpid()}"
    for part in (folder / "bases", root / "home", root / decoys.INSIDE / "tmp"):
        part.mkdir(parents=True, exist_ok=True)
    outcome = child.run(bases.BASES[name], root, root / decoys.INSIDE, patience=300.0)
    if outcome.code or outcome.stopped:
        return f"{name}: {outcome.stopped}\n{outcome.out}{outcome.err}"
    with suppress(OSError):  # the other one was first
        (root / decoys.INSIDE).rename(folder / "bases" / name)
    return ""


def run_input(seed: int, number: int, folder: Path, keep: bool) -> list[Ending]:
    """Make an input and run its commands; return how they ended."""
    root = folder / "inputs" / str(number)
    shutil.rmtree(root, ignore_errors=True)
    inside = decoys.make(root)
    made = root / "input"
    make = partial(_make_input, seed, number, folder / "bases", inside, made)
    failed = ""
    while (outcome := child.run(make, root, inside)).code == bases.NEEDED and not failed:
        failed = make_base(outcome.out.strip(), folder)
        shutil.rmtree(root)
        decoys.make(root)
    if outcome.code != 0 or outcome.stopped:
        endings = [_ending(number, "", "make", (), (UNMADE, failed or outcome.err[-300:]), outcome)]
    else:
        endings = _run_lines(number, pickle.loads(made.read_bytes()), root, folder / "bases", keep)
    if not keep:
        shutil.rmtree(root)
    return endings


def _make_input(seed: int, number: int, folder: Path, inside: Path, made: Path) -> None:
    made.write_bytes(pickle.dumps(make_input(seed, number, folder, inside)))


def _run_lines(number: int, made: Input, root: Path, folder: Path, keep: bool) -> list[Ending]:
    endings: list[Ending] = []
    watched = [root / "beside", root / "home", *folder.iterdir()]
    for line in made.lines:
        before = decoys.snapshot(root, watched)
        outcome = child.run(partial(bases.command, line.command, *line.arguments), root, root / decoys.INSIDE)
        changed = decoys.changed(before, decoys.snapshot(root, watched))
        accepted = line.judged and endings[-1].ending == ACCEPTED
        found = judge(line.command, outcome, changed, accepted)
        endings.append(_ending(number, made.what, line.command, line.arguments, found, outcome))
        if keep:
            print(f"\n$ testbed {line.command} {' '.join(line.arguments)}\n{outcome.out}{outcome.err}", file=sys.stderr)
    return endings


def _ending(
    number: int, what: str, command: str, line: tuple[str, ...], found: tuple, outcome: child.Outcome
) -> Ending:
    name, why = found
    return Ending(number, kind_of(number), what, command, line, name, str(why), outcome.seconds, outcome.peak)


def main(seed: int, folder: Path) -> None:
    """Do what is ordered until nothing is."""
    warm_up()
    (folder / "bases").mkdir(exist_ok=True)
    for order in map(json.loads, sys.stdin):
        print(json.dumps([asdict(one) for one in run_input(seed, order["number"], folder, order["keep"])]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
