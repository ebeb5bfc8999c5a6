"""How long the lineages of very many artefacts take: reading them, asking the index, and checking one history.

    python benchmarks/artefacts.py --write docs/lineage.md

Families of policies are written: a data set's hash, a teacher, students, students of students. Reading must grow in
proportion; a question must not grow.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import tyro

from testbed.bounds import Count
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, run_command
from testbed.lineage import CONFIG, LINEAGE, WEIGHTS, Lineage, content_hash
from testbed.policies.checkpoint import save_policy
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour
from testbed.provenance.history import descent, history
from testbed.provenance.index import opened

SHAPE = PolicyConfig("testbed/Merge-v0", 56, 5, (4,))
FAMILY = 10
"""Policies of a family: a teacher, and a line of students, each of the one before."""


@dataclass(frozen=True)
class Options:
    """Time an index."""

    artefacts: tuple[Count, ...] = (1_000, 3_000, 10_000)
    """How many there are."""
    repeats: Count = 21
    """Questions of each kind that are timed."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


def main(options: Options) -> None:
    """Print the table."""
    require_page(options.write, "artefacts")
    rows = [_row(count, options.repeats) for count in options.artefacts]
    text = "\n".join([
        "| artefacts | read, once | read again | what descends from a teacher | what one was made from |",
        "|---|---|---|---|---|", *rows, "",
        f"`python benchmarks/artefacts.py`: medians of {options.repeats} questions.",
    ])  # fmt: skip
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "artefacts", text)


def _row(count: int, repeats: int) -> str:
    with tempfile.TemporaryDirectory() as place:
        home, file = Path(place) / "artefacts", Path(place) / "index.sqlite"
        teachers, last = _written(home, count)
        first = _seconds(lambda: _looked(file, home))
        again = _seconds(lambda: _looked(file, home))
        with opened(file, home) as index:
            down = [_seconds(lambda one=one: descent(index, one, "teacher")) for one in teachers[:repeats]]
            up = [_seconds(lambda one=one: history(index, one)) for one in last[:repeats]]
    return f"| {count:,} | {first:.2f} s | {again:.2f} s | {1e3 * median(down):.1f} ms | {1e3 * median(up):.1f} ms |"


def _looked(file: Path, home: Path) -> None:
    with opened(file, home):
        pass


def _written(home: Path, count: int) -> tuple[list[str], list[str]]:
    """Write families and return the hashes of the teachers and of the last students."""
    template = home.with_name("template")
    network = NetworkPolicy(SHAPE, random_arrays(SHAPE, np.random.default_rng(0)))
    save_policy(template, network, Behaviour("policy"), Lineage("dagger", 0))
    files = {name: (template / name).read_bytes() for name in (CONFIG, WEIGHTS)}
    teachers, last, parent = [], [], ""
    for number in range(count):
        begins = number % FAMILY == 0
        inputs = {"demonstrations": "0" * 64} if begins else {"teacher": parent}
        lineage = Lineage("dagger" if begins else "distil", number, inputs=inputs)
        folder = home / str(number // 1000) / str(number)
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / LINEAGE).write_text(json.dumps(json.loads(lineage.to_json())))
        parent = content_hash(folder)
        teachers += [parent] if begins else []
        last += [parent] if number % FAMILY == FAMILY - 1 else []
    return teachers, last


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
