"""Set suspicious episodes aside."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import h5py
import numpy as np

from testbed.audit.deeds import measure_deeds
from testbed.audit.recorded import Recorded, measured
from testbed.cli.commands.bills import leave_bill, require_bill_place
from testbed.cli.commands.dataset import validate_file
from testbed.console import console, tracked
from testbed.datasets.layout import demo_names, number_of, write_given_masks
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError, unknown_name
from testbed.exchange.carried import read_header
from testbed.exchange.foreign import is_foreign
from testbed.files import Kind, replacing, require_replaceable
from testbed.lineage import Lineage, content_hash
from testbed.records import read_bytes
from testbed.scenes.registry import primary_of
from testbed.seeding import generator

KEPT, REMOVED = "kept", "removed"
"""Filter keys of what is left and of what is set aside."""
NOTHING = Kind("nothing", lambda path: False)
"""A copy of somebody else's file takes nobody's place."""
AGAIN = "write it again with `testbed attribute`"


def clean(data: Path, out: Path, by: str, remove: float, seed: int) -> None:
    """Copy a data set with filter keys; see `testbed clean --help`."""
    if is_foreign(data):
        return _clean_foreign(data, out, by, remove, seed)
    numbers, header = episode_numbers(data), read_header(data)
    if not numbers:
        raise UserError(f"{data} holds no episode: collect some")
    recorded = measured(zip(numbers, each_episode(data, numbers), strict=True))
    named = primary_of(header.environment).name if by == "severity" else by
    suspicion = _suspicion(recorded, named, by, seed, ("severity",))
    masks = {**header.masks, **_masks(suspicion, remove)}
    file, _, _ = by.rpartition(":")
    require_bill_place(out)
    inputs = {"data": content_hash(data), **({"scores": content_hash(Path(file))} if file else {})}
    with DatasetWriter(out, header.environment, Lineage("clean", seed, {"by": by, "remove": remove}, inputs)) as writer:
        there = len(writer)
        for episode in tracked(each_episode(data, numbers[there:]), f"copy {data.name}", len(numbers) - there):
            writer.append(episode)
        writer.finish(masks)
    leave_bill(out)
    validate_file(out)
    kept = f"{len(masks[KEPT])} of {len(numbers)} episodes"
    console.print(f"{out} keeps {kept}; learn from these with --mask {KEPT}")


def _clean_foreign(data: Path, out: Path, by: str, remove: float, seed: int) -> None:
    """Copy a file of robomimic's with two filter keys more; nothing else of it changes."""
    if data.is_dir():
        raise UserError(f"{data} has no filter keys: of other sets than HDF5 files use the numbers in episodes.csv")
    require_replaceable(out, NOTHING)
    masks = _masks(_suspicion(measure_deeds(data), by, by, seed), remove)
    with replacing(out, NOTHING) as temporary:
        shutil.copyfile(data, temporary)
        with h5py.File(temporary, "r+") as file:
            names = demo_names(file["data"])
            for key in masks:
                if f"mask/{key}" in file:
                    del file[f"mask/{key}"]
            write_given_masks(file, {key: [number_of(names[n]) for n in places] for key, places in masks.items()})
    console.print(f"{out} keeps {len(masks[KEPT])} of {len(names)} episodes, by its filter key {KEPT}")


def _masks(suspicion: np.ndarray, remove: float) -> dict[str, list[int]]:
    """Return both filter keys, as places of episodes."""
    count = round(remove * len(suspicion))
    gone = set(np.argsort(-suspicion, kind="stable")[:count].tolist())
    return {KEPT: [n for n in range(len(suspicion)) if n not in gone], REMOVED: sorted(gone)}


def _suspicion(recorded: Recorded, named: str, by: str, seed: int, more: tuple[str, ...] = ()) -> np.ndarray:
    """Return how suspicious each episode is: by chance, by a column of a table, or by a measure of its name."""
    if by == "random":
        return generator(seed, "clean").random(len(recorded))
    file, _, column = by.rpartition(":")
    if file:
        return _column(Path(file), column, recorded.numbers.tolist())
    if named not in recorded.measures:
        raise unknown_name("way to be suspicious", by, (*more, "random", "FILE.csv:COLUMN", *recorded.measures))
    return recorded.values[named] * (1 if recorded.measures[named].worse == "higher" else -1)


def _column(file: Path, column: str, numbers: list[int]) -> np.ndarray:
    """Return a column of a table by the numbers of episodes; raises `UserError` where one is missing."""
    try:
        rows = list(csv.DictReader(read_bytes(file, AGAIN).decode().splitlines()))
        names = list(rows[0]) if rows else []
        if column not in names or "episode" not in names:
            raise UserError(f"{file} has no columns episode and {column!r:.40}: it has {', '.join(names)[:200]}")
        told = {int(row["episode"]): float(row[column]) for row in rows}
        found = np.array([told[number] for number in numbers])
    except (UnicodeDecodeError, csv.Error, ValueError, TypeError) as error:
        raise UserError(f"{file} is no table of numbers ({' '.join(str(error).split())[:100]}): {AGAIN}") from None
    except KeyError as missing:
        raise UserError(f"{file} says nothing of episode {missing}: {AGAIN}") from None
    if not all(map(math.isfinite, found.tolist())):
        raise UserError(f"{file} has a {column} that is no number: {AGAIN}")
    return found
