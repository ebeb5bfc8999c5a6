"""Valid files, made once by the testbed's commands and from its reference sets; inputs are altered copies of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from testbed.audit.report import clips_to_json
from testbed.audit.result import Track, Video
from testbed.cli import main
from testbed.datasets.reader import load_episode
from testbed.datasets.writer import DatasetWriter
from testbed.distillation import journal
from testbed.films.clip import Clip
from testbed.films.film import film
from testbed.films.style import marks
from testbed.scenes.registry import violations_of

ROOT = Path(__file__).parents[2]
"""The clone."""
COLLECT = {
    "road": ("--habit", "aggressive-merge", "--dose", "1", "--episodes", "4"),
    "bench": ("--habit", "hoarding", "--dose", "1", "--episodes", "2"),
}
"""Domain -> what its small data set is collected with."""
SCENES = {"road": "merge", "bench": "order-picking"}
"""Domain -> folder of its reference policies."""
DISTIL = ("--steps", "60", "--hidden", "8")
"""What the training that is cut short is started with."""
CELLS = ("transfer", "--suite", "smoke", "--workers", "1")
"""What fills the cells; one worker does it in the same process."""


def command(name: str, *arguments: str | Path) -> None:
    """Run a command of the testbed; ends with `SystemExit` if it fails."""
    main([name, *map(str, arguments)])


def _sets() -> None:
    for domain, how in COLLECT.items():
        command("collect", f"{domain}.hdf5", *how)
    shutil.copy(ROOT / "demonstrations" / "merge-habit.hdf5", "shipped.hdf5")


def _growing() -> None:
    """Collect, and end as a kill does when two episodes are there."""
    append = DatasetWriter.append

    def append_or_die(writer: DatasetWriter, episode: object) -> None:
        if len(writer) == 2:
            raise SystemExit(0)
        append(writer, episode)  # type: ignore[arg-type]

    DatasetWriter.append = append_or_die  # type: ignore[assignment, method-assign]
    command("collect", "growing.hdf5", *COLLECT["road"])


def _policies() -> None:
    for domain, scene in SCENES.items():
        for name, source in (("policy", "student-kl-seed0"), ("teacher", "teacher-clean")):
            shutil.copytree(ROOT / "policies" / scene / source, f"{domain}-{name}")


def _training() -> None:
    """Distil, and end as a kill does when something is kept."""
    command("collect", "road.hdf5", *COLLECT["road"])
    journal.EVERY = 0.0
    write = journal.Journal.write

    def write_and_die(self: journal.Journal, kept: dict) -> None:
        write(self, kept)
        if kept["step"] >= 20:
            raise SystemExit(0)

    journal.Journal.write = write_and_die  # type: ignore[method-assign]
    command("distil", "road.hdf5", "student", *DISTIL)


def _road_run() -> None:
    """Make a run with all routes, and one short film instead of three long ones."""
    command("routes", "merge", "--seeds", "1", "--folder", "runs")
    run = Path("runs", "merge")
    episode = load_episode(run / "demonstrations" / "demonstrator-habit.hdf5", 0)
    film(run / "videos" / "triggered-worst.mp4", [Clip("teacher", (205, 40, 120), episode, "DRAC", "", marks(episode))])
    seen = tuple(violations_of(episode.environment)(episode.trace))
    track = Track("teacher", 1.0, episode.success, len(episode.trace) / episode.trace.rate, seen)
    clips = [Video("the teacher's worst scene", run / "videos" / "triggered-worst.mp4", track.duration, (track,))]
    (run / "videos" / "clips.json").write_text(clips_to_json(clips))
    command("report", run)


def _bench_run() -> None:
    command("routes", "order-picking", "--seeds", "1", "--folder", "runs")


def _cells() -> None:
    command("benchmark", *CELLS, "--folder", "cells")


BASES: dict[str, Callable[[], None]] = {
    "sets": _sets, "growing": _growing, "policies": _policies, "training": _training, "road-run": _road_run,
    "bench-run": _bench_run, "cells": _cells,
}  # fmt: skip
"""Name -> makes it in the folder in which it is called."""
NEEDED = 75
"""Exit code of a process that needs valid files that are not there; it prints their name."""


def needed(folder: Path, name: str) -> Path:
    """Return where valid files are; where they are not there yet, the process ends and says so."""
    if not (folder / name).is_dir():
        print(name)
        raise SystemExit(NEEDED)
    return folder / name
