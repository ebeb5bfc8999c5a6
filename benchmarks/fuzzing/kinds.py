"""The kinds of input: what is altered, how, and which commands are run on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fuzzing import arguments, hdf5, logs, raw, tensors, texts
from fuzzing.bases import CELLS, COLLECT, DISTIL, needed
from fuzzing.turns import kind_of

STEPS = ("--steps", "5", "--hidden", "8")
HABITS = {"road": "aggressive-merge", "bench": "hoarding"}
WIDTHS = {"road": ("64", "64"), "bench": ("64", "64")}
"""Domain -> hidden layers of its reference students."""
ROUTES = {"road": "merge", "bench": "order-picking"}
"""Domain -> what the table of routes calls its scene."""


@dataclass(frozen=True)
class Line:
    """A command line."""

    command: str
    """Subcommand of `testbed`."""
    arguments: tuple[str, ...]
    """What it is given."""
    judged: bool = False
    """Whether the command before it is the judge: what that one accepts, this one does not refuse."""


@dataclass(frozen=True)
class Input:
    """An altered input and what is run on it."""

    what: str
    """How it was altered."""
    lines: tuple[Line, ...]
    """What is run, in this order, in the same folder."""


Make = Callable[[Random, Path, Path], Input]
"""Makes an input, given chance, the folder of valid files, and the folder to work in."""


def make_input(seed: int, number: int, bases: Path, inside: Path) -> Input:
    """Make an input; the same seed, number and valid files give the same one."""
    return KINDS[kind_of(number)](Random(f"{seed}/{number}"), bases, inside)


def _copy(source: Path, target: Path) -> Path:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy(source, target)
    return target


def _domain(rng: Random) -> str:
    return rng.choice(("road", "road", "road", "bench"))


def _data(rng: Random, bases: Path, inside: Path, alter: Callable[[Path, Path], str]) -> Input:
    domain = _domain(rng)
    large = domain == "road" and rng.random() < 0.06
    file = _copy(needed(bases, "sets") / ("shipped.hdf5" if large else f"{domain}.hdf5"), inside / "data.hdf5")
    _copy(needed(bases, "policies") / f"{domain}-teacher", inside / "teacher")
    what = alter(file, needed(bases, "sets") / f"{'bench' if domain == 'road' else 'road'}.hdf5")
    return Input(f"{domain}: {what}", (Line("validate", ("data.hdf5",)), _use(rng, file, domain)))


def _use(rng: Random, file: Path, domain: str) -> Line:
    """Return one of the ways in which a data set is used."""
    distil = ("data.hdf5", "student", *STEPS)
    way = rng.random()
    if way < 0.3:
        return Line("replay", ("data.hdf5", "--episode", str(hdf5.first_episode(file))), judged=True)
    if way < 0.5:
        return Line("replay", ("data.hdf5", "--verify", "--every"))
    if way < 0.53:
        return Line("view", ("data.hdf5",), judged=True)
    if way < 0.56:
        episode = str(hdf5.first_episode(file))
        return Line("replay", ("data.hdf5", "--episode", episode, "--video", "film.mp4"), judged=True)
    if way < 0.8:
        return Line("distil", (*distil, *rng.choice(((), ("--memory", "4"), ("--seeds", "2")))), judged=True)
    if way < 0.95 or domain == "bench":  # by the other routes hundreds of episodes are played, which takes long there
        return Line("distil", (*distil, "--route", "kl", "--teacher", "teacher"), judged=True)
    if way < 0.98:
        return Line("distil", (*distil, "--route", "value", "--teacher", "teacher"), judged=True)
    return Line("distil", (*distil, "--route", "adversarial", "--iterations", "1"), judged=True)


def _data_bytes(rng: Random, bases: Path, inside: Path) -> Input:
    return _data(rng, bases, inside, lambda file, _: raw.alter_bytes(file, rng))


def _data_structure(rng: Random, bases: Path, inside: Path) -> Input:
    return _data(rng, bases, inside, lambda file, other: hdf5.alter_structure(file, rng, other))


def _data_path(rng: Random, bases: Path, inside: Path) -> Input:
    return _data(rng, bases, inside, lambda file, _: raw.replace_path(file, rng))


def _growing(rng: Random, bases: Path, inside: Path) -> Input:
    """Alter a collection that was cut short, its index or its parts; it goes on."""
    for name in ("growing.hdf5", "growing.hdf5.parts"):
        _copy(needed(bases, "growing") / name, inside / name)
    files = [inside / "growing.hdf5", *sorted((inside / "growing.hdf5.parts").iterdir())]
    file, way = rng.choice(files), rng.random()
    if way < 0.3:
        what = raw.replace_path(file, rng)
    elif way < 0.4:
        what = raw.replace_path(inside / "growing.hdf5.parts", rng)
    elif way < 0.7 or file != files[0]:
        what = raw.alter_bytes(file, rng)
    else:
        what = hdf5.alter_structure(file, rng, needed(bases, "sets") / "bench.hdf5")
    lines = Line("collect", ("growing.hdf5", *COLLECT["road"])), Line("validate", ("growing.hdf5",), judged=True)
    return Input(what, lines)


def _training(rng: Random, bases: Path, inside: Path) -> Input:
    """Alter what a training that was cut short left; it goes on."""
    _copy(needed(bases, "training") / "road.hdf5", inside / "road.hdf5")
    _copy(needed(bases, "training") / "student-curve", inside / "student-curve")
    files = [file for file in sorted((inside / "student-curve").rglob("*")) if file.is_file()]
    file = rng.choice([file for file in files if file.suffix in (".pt", ".jsonl")] or files)
    what = raw.replace_path(file, rng) if rng.random() < 0.3 else raw.alter_bytes(file, rng)
    return Input(what, (Line("distil", ("road.hdf5", "student", *DISTIL)),))


def _policy(rng: Random, bases: Path, inside: Path, alter: Callable[[Path], str]) -> Input:
    domain = _domain(rng)
    folder = _copy(needed(bases, "policies") / f"{domain}-policy", inside / "policy")
    _copy(needed(bases, "sets") / f"{domain}.hdf5", inside / "data.hdf5")
    what, habit, way = alter(folder), HABITS[domain], rng.random()
    distil = ("data.hdf5", "student", "--steps", "5", "--hidden")
    if way < 0.4:
        line = Line("export", ("policy", "policy.onnx"), judged=True)
    elif way < 0.6:
        line = Line("collect", ("new.hdf5", "--habit", habit, "--policy", "policy", "--episodes", "2"), judged=True)
    elif way < 0.75:
        line = Line("distil", (*distil, "8", "--route", "kl", "--teacher", "policy"), judged=True)
    elif way < 0.9:
        line = Line("distil", (*distil, *WIDTHS[domain], "--start", "policy"), judged=True)
    else:
        line = Line("film", ("policy", "--out", "film.mp4"), judged=True)
    few = "--scenes", "2", "--held-out-scenes", "2", "--no-film"
    return Input(f"{domain}: {what}", (Line("audit", ("policy", "--habit", habit, *few)), line))


def _policy_bytes(rng: Random, bases: Path, inside: Path) -> Input:
    names = ("config.json", "model.safetensors", "model.safetensors", "lineage.json")
    return _policy(rng, bases, inside, lambda folder: raw.alter_bytes(folder / rng.choice(names), rng))


def _policy_config(rng: Random, bases: Path, inside: Path) -> Input:
    def alter(folder: Path) -> str:
        if rng.random() < 0.5:
            return tensors.alter_config(folder, rng)
        return texts.alter_json(folder / "config.json", rng)

    return _policy(rng, bases, inside, alter)


def _policy_tensors(rng: Random, bases: Path, inside: Path) -> Input:
    return _policy(rng, bases, inside, lambda folder: tensors.alter_tensors(folder, rng))


def _policy_strays(rng: Random, bases: Path, inside: Path) -> Input:
    return _policy(rng, bases, inside, lambda folder: tensors.add_stray(folder, rng))


def _alter_file(file: Path, rng: Random) -> str:
    """Alter a file of a run by what it is, or put something else in its place."""
    if rng.random() < 0.2:
        return raw.replace_path(file, rng)
    if file.suffix == ".json" and rng.random() < 0.8:
        return texts.alter_json(file, rng)
    return raw.alter_bytes(file, rng)


def _records(rng: Random, bases: Path, inside: Path) -> Input:
    """Alter what a report or a table is made from."""
    run = _copy(needed(bases, "road-run") / "runs" / "merge", inside / "run")
    films = sorted((run / "videos").glob("*.mp4"))
    file = rng.choice((run / "audit.json", run / "audit.json", run / "videos" / "clips.json", rng.choice(films)))
    what = _alter_file(file, rng)
    if file.name == "audit.json" and rng.random() < 0.5:
        return Input(what, (Line("transfers", ("run", "run", "--write", "page.md")),))
    return Input(what, (Line("report", ("run",)),))


def _going_on(rng: Random, bases: Path, inside: Path) -> Input:
    """Alter any file of a run: it goes on from what is whole, and then has its table."""
    domain = _domain(rng)
    runs = _copy(needed(bases, f"{domain}-run") / "runs", inside / "runs")
    kinds: dict[tuple[str, ...], list[Path]] = {}
    for file in sorted(runs.rglob("*")):
        if file.is_file() and not file.is_symlink() and file.suffix in (".json", ".jsonl", ".hdf5", ".safetensors"):
            kinds.setdefault((*file.relative_to(runs).parts[1:2], file.name.split("-")[0], file.suffix), []).append(
                file
            )
    file = rng.choice(kinds[rng.choice(sorted(kinds))])
    scene = ROUTES[domain]
    what = f"{domain}: {file.parent.relative_to(runs)}/{_alter_file(file, rng)}"
    lines = (
        Line("routes", (scene, "--seeds", "1", "--folder", "runs")),
        Line("transfers", (f"runs/{scene}",), judged=True),
    )
    return Input(what, lines)


def _cells(rng: Random, bases: Path, inside: Path) -> Input:
    """Alter a file of the transfer benchmark: cells, tables, what teachers left."""
    folder = _copy(needed(bases, "cells") / "cells", inside / "cells")
    cells, teachers = sorted((folder / "cells").iterdir()), sorted(folder.rglob("teachers.json"))
    others = [
        file for file in sorted(folder.rglob("*")) if file.suffix in (".json", ".hdf5", ".safetensors", ".csv", ".html")
    ]
    file = rng.choice((rng.choice(cells), rng.choice(cells), rng.choice(teachers), rng.choice(others)))
    what = f"{file.parent.relative_to(inside)}/{_alter_file(file, rng)}"
    return Input(what, (Line("benchmark", (*CELLS, "--folder", "cells")),))


def _traffic(rng: Random, bases: Path, inside: Path) -> Input:
    """Alter a log of traffic, of SUMO or a table."""
    file = logs.make(inside, rng.choice(("traffic.csv", "traffic.xml")))
    what = logs.alter_number(file, rng) if rng.random() < 0.6 else _alter_file(file, rng)
    return Input(what, (Line("measure", (file.name, "--write", "encounters.csv")),))


LINES: dict[str, tuple[list[str], dict[str, list[str]]]] = {
    "collect": (["new.hdf5"], {"--episodes": ["1"]}),
    "distil": (["data.hdf5", "student"], {"--steps": ["5"], "--hidden": ["8"], "--iterations": ["1"]}),
    "practise": (["testbed/Merge-v0", "practised", "jerk=99"], {"--iterations": ["1"], "--seeds": ["1"]}),
    "film": (["policy"], {"--out": ["film.mp4"]}),
    "export": (["policy", "policy.onnx"], {}),
    "import": (["data.parquet", "new.hdf5"], {}),
    "replay": (["data.hdf5"], {"--episode": ["1"]}),
    "view": (["data.hdf5"], {"--episodes": ["0"], "--write": ["page.html"]}),
    "attribute": (
        ["policy", "data.hdf5"],
        {"--scenes": ["4"], "--steps": ["5"], "--seeds": ["1"], "--write": ["a.csv"]},
    ),
    "lineage": (["show", "policy"], {"--among": ["policy"], "--picture": ["a.svg"]}),
    "trace-back": (["data.hdf5"], {"--episode": ["1"], "--policy": ["policy"], "--scenes": ["4"]}),
    "clean": (["data.hdf5", "cleaned.hdf5"], {"--remove": ["0.2"]}),
    "gallery": (["run"], {"--out": ["films"]}),
    "validate": (["data.hdf5"], {}),
    "audit": (["policy"], {"--scenes": ["2"], "--held-out-scenes": ["2"], "--run": ["audited"]}),
    "compare": (["older", "policy"], {"--scenes": ["2"], "--held-out-scenes": ["2"], "--run": ["compared"]}),
    "hunt": (["policy"], {"--scene": ["testbed/Merge-v0"], "--budget": ["60"], "--run": ["hunted"]}),
    "report": (["run"], {}),
    "measure": (["traffic.csv"], {"--write": ["encounters.csv"]}),
    "routes": (["merge"], {"--seeds": ["1"], "--folder": ["runs"]}),
    "habits": ([], {"--scenes": ["2"]}),
    "doses": (["tailgating"], {"--scenes": ["2"]}),
    "ranks": (["tailgating"], {"--scenes": ["2"]}),
    "references": ([], {"--scenes": ["2"]}),
    "transfers": (["run"], {"--write": ["page.md"]}),
    "benchmark": (["transfer"], {"--workers": ["1"], "--folder": ["cells"]}),
    "check": (["testbed/Merge-v0"], {"--scenes": ["2"]}),
    "doctor": ([], {}),
}
"""Command -> a valid line of it: what comes by its place, and options. `doctor`, which starts a Python for every check,
is run with unknown arguments alone."""


def _arguments(rng: Random, bases: Path, inside: Path) -> Input:
    """Alter a valid command line."""
    names = sorted(arguments.commands())
    name = rng.choice(names + [name for name in names if name not in arguments.COSTLY] * 3)
    if name in ("report", "transfers", "gallery"):
        _copy(needed(bases, "road-run") / "runs" / "merge", inside / "run")
    if name in ("routes", "benchmark"):
        folder = "runs" if name == "routes" else "cells"
        _copy(needed(bases, "road-run" if name == "routes" else "cells") / folder, inside / folder)
    _copy(needed(bases, "sets") / "road.hdf5", inside / "data.hdf5")
    _copy(needed(bases, "policies") / "road-policy", inside / "policy")
    _copy(needed(bases, "policies") / "road-policy", inside / "older")
    logs.make(inside, "traffic.csv")
    positional, options = LINES[name]
    line, what = arguments.alter_line(name, list(positional), {o: list(v) for o, v in options.items()}, rng)
    return Input(what, (Line(name, tuple(line)),))


KINDS: dict[str, Make] = {
    "data, bytes": _data_bytes, "data, structure": _data_structure, "data, path": _data_path, "collection": _growing,
    "training": _training, "policy, bytes": _policy_bytes, "policy, config": _policy_config,
    "policy, tensors": _policy_tensors, "policy, files": _policy_strays, "records": _records, "run": _going_on,
    "cells": _cells, "arguments": _arguments, "traffic": _traffic,
}  # fmt: skip
"""Name -> makes an input of the kind."""
