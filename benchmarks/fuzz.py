"""What becomes of damaged files and wrong arguments: alters them, runs the commands on them, and says how each ended.

    python benchmarks/fuzz.py --inputs 5000 --seed 0

Data sets are altered as bytes and in their structure, policies as bytes, in their configuration, their arrays and their
folders, the records of runs, the files of the transfer benchmark and command lines. Each is run by the commands that
take it, each command in a process of its own (see `fuzzing/child.py` for the limits). Good endings: the command
accepts the input, or refuses it in one line with exit code 2, or is `validate` or `replay --verify` and says what is
wrong. Exit code 1 if any ending is bad. An input follows from seed and number: `--only NUMBER` makes it again, shows
what its commands say, and leaves its folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))

from fuzzing.endings import GOOD, MEANING, Ending
from fuzzing.turns import SHARES, kind_of

from testbed.console import console, progress, run_command, styled
from testbed.errors import UserError

THREADS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"
WIDTH = 132
"""Of the table, at least."""
SHOWN = 8
"""Numbers of inputs that are listed of those that end badly in the same way."""


@dataclass(frozen=True)
class Options:
    """Alter inputs and say how commands end on them."""

    inputs: int = 500
    """How many inputs."""
    seed: int = 0
    """Seed of all that is altered."""
    first: int = 0
    """Number of the first one."""
    only: int | None = None
    """Number of the one input to make again."""
    kind: str = ""
    """Inputs of the kinds alone whose names begin so, for example `data`; the others keep their numbers."""
    jobs: int = 2
    """Inputs at once."""
    folder: Path | None = None
    """Where it is done, and left; valid files that are there are used. A temporary folder if not given."""

    @property
    def numbers(self) -> list[int]:
        """Of the inputs that are run."""
        if self.only is not None:
            return [self.only]
        return [n for n in range(self.first, self.first + self.inputs) if kind_of(n).startswith(self.kind)]


class Server:
    """A warm parent in a process of its own."""

    def __init__(self, seed: int, folder: Path) -> None:
        paths = [str(Path(__file__).parent), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **dict.fromkeys(THREADS, "1")}
        environment |= {"MESA_SHADER_CACHE_DISABLE": "true", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "fuzzing.server", str(seed), str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, number: int, keep: bool) -> list[Ending]:
        """Make and run an input."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"number": number, "keep": keep}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise UserError(f"the parent of the commands ended at input {number}: see what it said above")
        return [Ending(**one) for one in json.loads(answer)]

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def fuzz(options: Options, folder: Path) -> list[Ending]:
    """Run all inputs and return how their commands ended, in the order of the inputs."""
    numbers = options.numbers
    jobs = min(options.jobs, len(numbers))
    servers = [Server(options.seed, folder) for _ in range(jobs)]
    own = threading.local()
    free = iter(servers)

    def begin() -> None:
        own.server = next(free)

    def do(number: int) -> list[Ending]:
        found = own.server.run(number, keep=options.only is not None)
        advance(1)
        return found

    try:
        title = f"run {len(numbers)} inputs, seed {options.seed}"
        with ThreadPoolExecutor(jobs, initializer=begin) as pool, progress(title, len(numbers)) as advance:
            return [one for found in pool.map(do, numbers) for one in found]
    finally:
        for server in servers:
            server.close()


def show(endings: list[Ending], seed: int) -> None:
    """Print the table of endings, and what ended badly, by what it was."""
    names = [name for name in MEANING if any(one.ending == name for one in endings)]
    table = Table(title=f"endings of {len(endings)} commands, seed {seed}", title_justify="left")
    for heading in ("altered", "command", *names):
        table.add_column(heading, justify="left" if heading in ("altered", "command") else "right", no_wrap=True)
    counts = Counter((one.kind, one.command, one.ending) for one in endings)
    last = ""
    for kind, command in dict.fromkeys((one.kind, one.command) for one in sorted(endings, key=lambda e: e.kind)):
        cells = [str(counts[kind, command, name] or "") for name in names]
        table.add_row("" if kind == last else kind, command, *cells)
        last = kind
    table.add_section()
    table.add_row("all", "", *(str(sum(one.ending == name for one in endings)) for name in names))
    console.width = max(console.width, WIDTH)
    console.print(table)
    for name in names:
        console.print(styled(name, "green" if name in GOOD else "red"), MEANING[name])
    most = max(endings, key=lambda one: one.peak)
    longest = max(endings, key=lambda one: one.seconds)
    console.print(f"most memory: {most.peak / 1e6:.0f} MB (input {most.number}, {most.command})")
    console.print(f"longest: {longest.seconds:.1f} s (input {longest.number}, {longest.command})")
    _show_bad([one for one in endings if one.bad])


def _show_bad(bad: list[Ending]) -> None:
    groups: dict[tuple[str, str, str], list[Ending]] = {}
    for one in bad:
        groups.setdefault((one.ending, one.command, "".join(c for c in one.why if not c.isdigit())[:90]), []).append(
            one
        )
    for (name, command, _), group in sorted(groups.items(), key=lambda item: -len(item[1])):
        numbers = ", ".join(str(one.number) for one in group[:SHOWN]) + (" ..." if len(group) > SHOWN else "")
        console.print(styled(f"{len(group)} x {name}, {command}:", "red"), group[0].why[:300])
        console.print(f"    {group[0].what[:200]}; inputs {numbers}")


def main(options: Options) -> None:
    """Run all inputs and print the tables; exits with 1 if any ending is bad."""
    if not options.numbers or options.jobs < 1:
        raise UserError(f"give at least 1 input and 1 job; kinds are {'; '.join(SHARES)}")
    with _folder(options) as folder:
        endings = fuzz(options, Path(folder).resolve())
        show(endings, options.seed)
    if any(one.bad for one in endings):
        sys.exit(1)


def _folder(options: Options) -> AbstractContextManager[str | Path]:
    """Return the folder to work in, as a context: one that is given stays."""
    if options.folder is not None or options.only is not None:
        place = options.folder or Path(tempfile.mkdtemp(prefix="testbed-fuzz-"))
        place.mkdir(parents=True, exist_ok=True)
        console.print(f"everything is left in {place}")
        return nullcontext(place)
    return tempfile.TemporaryDirectory(prefix="testbed-fuzz-")


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
