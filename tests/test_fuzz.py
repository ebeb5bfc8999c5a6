"""The benchmark of damaged inputs: its judge, its limits, and a fixed part of its inputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from fuzzing import arguments, decoys, endings, hdf5, kinds, raw, tensors, texts, turns
from fuzzing.child import Outcome

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "benchmarks"), str(ROOT)])}
LIMITS = """
import dataclasses, json, sys, time
from pathlib import Path
from fuzzing import child
root = Path(sys.argv[1])
def burn():
    while True: pass
child.ROOM = 4e8
die = lambda: child.os.kill(child.os.getpid(), 11)
works = [lambda: time.sleep(60), burn, lambda: bytearray(10**9), lambda: sys.exit(2), lambda: 1 / 0, die]
print(json.dumps([dataclasses.asdict(child.run(work, root, root / "inside", 0.5)) for work in works]))
"""


def outcome(code: int, out: str = "", err: str = "", stopped: str = "") -> Outcome:
    return Outcome(code, stopped, 1.0, 1e8, out, err)


TRACE = "Traceback (most recent call last):\nKeyError: 'x'\n"


@pytest.mark.parametrize(
    ("command", "done", "changed", "accepted", "ending"),
    [
        ("audit", outcome(0, "a table"), [], False, endings.ACCEPTED),
        ("audit", outcome(0, "", "RuntimeWarning: overflow"), [], False, endings.NOISE),
        ("audit", outcome(2, "", "error: no such file\n"), [], False, endings.REFUSED),
        ("audit", outcome(2, "", "error: no such file\n"), [], True, endings.JUDGE),
        ("audit", outcome(2, "", "RuntimeWarning: overflow\nerror: no such file\n"), [], False, endings.LINES),
        ("audit", outcome(2), [], False, endings.LINES),
        ("audit", outcome(2, "", "╭─ Required options ─╮\n│ x │\n╰──╯\n"), [], False, endings.PARSER),
        ("audit", outcome(1, "", TRACE), [], False, endings.TRACEBACK),
        ("audit", outcome(0, TRACE), [], False, endings.TRACEBACK),
        ("validate", outcome(1, "✗ demo_0: it is gone"), [], False, endings.TOLD),
        ("validate", outcome(1, "✗ demo_0: it is gone"), [], True, endings.JUDGE),
        ("audit", outcome(1, "✗ demo_0: it is gone"), [], False, endings.CODE),
        ("validate", outcome(1), [], False, endings.CODE),
        ("audit", outcome(3, "", "error: x"), [], False, endings.CODE),
        ("audit", outcome(-11), [], False, endings.DIED),
        ("audit", outcome(-9, stopped="hang"), [], False, endings.HANG),
        ("audit", outcome(0, stopped="memory"), [], False, endings.MEMORY),
        ("audit", outcome(0), ["beside/thesis.txt"], False, endings.OUTSIDE),
    ],
)
def test_endings_are_told_apart(command, done, changed, accepted, ending):
    assert endings.judge(command, done, changed, accepted)[0] == ending


def test_a_process_is_stopped_at_its_limits(tmp_path):
    decoys.make(tmp_path)
    command = [sys.executable, "-c", LIMITS, str(tmp_path)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    waits, burns, takes, leaves, fails, dies = (Outcome(**one) for one in json.loads(done.stdout))
    assert (waits.stopped, burns.stopped, takes.stopped) == ("hang", "hang", "memory")
    assert takes.peak > 4e8 > waits.peak
    assert leaves.code == 2 and not leaves.stopped
    assert "ZeroDivisionError" in fails.err and dies.code == -11


def test_what_a_stranger_has_is_watched(tmp_path):
    """A file that changes, goes or comes where a stranger's are is seen; what a command makes for itself is not."""
    inside = decoys.make(tmp_path)
    watched = [tmp_path / "beside", tmp_path / "home"]
    before = decoys.snapshot(tmp_path, watched)
    (inside / "made.hdf5").write_text("x")
    assert decoys.changed(before, decoys.snapshot(tmp_path, watched)) == []
    (inside / "link").write_text("through the link")
    (inside / "thesis" / "chapter1.txt").unlink()
    (tmp_path / "home" / "new").write_text("x")
    found = decoys.changed(before, decoys.snapshot(tmp_path, watched))
    assert found == ["beside/thesis.txt", "home/new", "thesis/chapter1.txt"]


def test_the_same_number_makes_the_same_input(tmp_path):
    source, other = (ROOT / "demonstrations" / f"{name}-clean.hdf5" for name in ("shelf-stocking", "merge"))
    policy = ROOT / "policies" / "merge" / "student-kl-seed0"
    ways = {
        "bytes": lambda place, rng: raw.alter_bytes(place / "data.hdf5", rng),
        "structure": lambda place, rng: hdf5.alter_structure(place / "data.hdf5", rng, other),
        "text": lambda place, rng: texts.alter_json(place / "config.json", rng),
        "tensors": lambda place, rng: tensors.alter_tensors(place, rng),
    }
    for name, alter in ways.items():
        for number in range(3):
            made = []
            for turn in "ab":
                place = tmp_path / f"{name}-{number}-{turn}"
                place.mkdir()
                for file in policy.iterdir():
                    (place / file.name).write_bytes(file.read_bytes())
                (place / "data.hdf5").write_bytes(source.read_bytes())
                what = alter(place, Random(f"0/{number}"))
                files = {} if name == "structure" else {file.name: file.read_bytes() for file in place.iterdir()}
                made.append((what, files))  # HDF5 puts addresses of the moment into what it writes
            assert made[0] == made[1], name


def test_every_command_and_every_kind_has_its_turn():
    assert kinds.LINES.keys() == arguments.commands().keys()
    assert {turns.kind_of(number) for number in range(60)} == set(kinds.KINDS) == set(turns.SHARES)


def test_no_input_ends_badly():
    """A fixed part of what `python benchmarks/fuzz.py --inputs 5000` does, over all kinds.

    With seed 2 no run at a bench is among them, which takes as long to make as all other valid files.
    """
    command = [sys.executable, str(ROOT / "benchmarks" / "fuzz.py"), "--inputs", "30", "--seed", "2", "--jobs", "1"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
