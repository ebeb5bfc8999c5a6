"""Set suspicious episodes aside."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from testbed.audit.recorded import measured
from testbed.cli.commands.dataset import validate_file
from testbed.console import console, tracked
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError, unknown_name
from testbed.exchange.carried import read_header
from testbed.lineage import Lineage, content_hash
from testbed.records import read_bytes
from testbed.scenes.registry import measures_of, primary_of
from testbed.seeding import generator

KEPT, REMOVED = "kept", "removed"
"""Filter keys of what is left and of what is set aside."""
AGAIN = "write it again with `testbed attribute`"


def clean(data: Path, out: Path, by: str, remove: float, seed: int) -> None:
    """Copy a data set with filter keys; see `testbed clean --help`."""
    numbers, header = episode_numbers(data), read_header(data)
    if not numbers:
        raise UserError(f"{data} holds no episode: collect some")
    suspicion, inputs = _suspicion(data, numbers, header.environment, by, seed)
    count = round(remove * len(numbers))
    gone = set(np.argsort(-suspicion, kind="stable")[:count].tolist())
    masks = {**header.masks, KEPT: [n for n in range(len(numbers)) if n not in gone], REMOVED: sorted(gone)}
    lineage = Lineage("clean", seed, {"by": by, "remove": remove}, {"data": content_hash(data), **inputs})
    with DatasetWriter(out, header.environment, lineage) as writer:
        there = len(writer)
        for episode in tracked(each_episode(data, numbers[there:]), f"copy {data.name}", len(numbers) - there):
            writer.append(episode)
        writer.finish(masks)
    validate_file(out)
    console.print(f"{out} keeps {len(numbers) - count} of {len(numbers)} episodes; learn from these with --mask {KEPT}")


def _suspicion(
    data: Path, numbers: list[int], environment: str, by: str, seed: int
) -> tuple[np.ndarray, dict[str, str]]:
    """Return how suspicious each episode is, and the hashes of what that comes from."""
    if by == "random":
        return generator(seed, "clean").random(len(numbers)), {}
    file, _, column = by.rpartition(":")
    if file:
        return _column(Path(file), column, numbers), {"scores": content_hash(Path(file))}
    measures, name = measures_of(environment), primary_of(environment).name if by == "severity" else by
    if name not in measures:
        raise unknown_name("way to be suspicious", by, ("severity", "random", "FILE.csv:COLUMN", *measures))
    values = measured(zip(numbers, each_episode(data, numbers), strict=True)).values[name]
    return values if measures[name].worse == "higher" else -values, {}


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
