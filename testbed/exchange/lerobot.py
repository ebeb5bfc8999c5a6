"""LeRobot's data sets (v3.0, without films): Parquet for decisions, tasks and episodes, JSON for the rest.

LeRobot has its own place for observations, actions, rewards, ends and success, one row a decision. Each signal of the
trace is a feature of one dimension, whose shape and unit stand in `info.json`. What it has no place for - the last
observation, states, labels and lineage - is in `carried.parquet` beside, which its loader leaves alone. Decisions are
read back from LeRobot's own files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from testbed.datasets.form import Form, form_of
from testbed.errors import UserError
from testbed.exchange import table
from testbed.exchange.carried import Header
from testbed.exchange.table import arrow_modules, columns, rows_of, width_of
from testbed.files import Kind, replacing
from testbed.protocols.episode import Episode

INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
EPISODES, DATA = "meta/episodes/chunk-000/file-000.parquet", "data/chunk-000/file-000.parquet"
BESIDE = "carried.parquet"
"""A flat table of observations and states, with what is said of the set and its episodes."""
KIND = Kind("a LeRobot data set", lambda path: (path / INFO).is_file() and (path / BESIDE).is_file())
"""What a new one replaces."""
NAMES = {"observation": "observation.state", "action": "action", "reward": "next.reward"}
"""Our column -> LeRobot's."""


def recognises(path: Path) -> bool:
    """Return whether a path is a LeRobot data set."""
    return (path / INFO).is_file()


def write(out: Path, header: Header, episodes: Iterable[Episode]) -> int:
    """Write a folder, whole or not at all, and return how many episodes it holds; raises as `minari.write`."""
    _, parquet = arrow_modules()
    form = form_of(header.environment)
    with replacing(out, KIND) as temporary:
        for file in (INFO, EPISODES, DATA):
            (temporary / file).parent.mkdir(parents=True)
        tally = _Tally(form)
        writer: Any = None

        def noted() -> Iterator[Episode]:
            nonlocal writer
            for episode in episodes:
                rows = tally.add(episode)
                writer = writer or parquet.ParquetWriter(temporary / DATA, rows.schema, compression="snappy")
                writer.write_table(rows)
                yield episode

        count = table.write_parquet(temporary / BESIDE, header, noted(), ("observation", "state"))
        writer.close()
        parquet.write_table(tally.episodes(), temporary / EPISODES)
        parquet.write_table(_tasks(header.environment), temporary / TASKS)
        (temporary / INFO).write_text(json.dumps(tally.info(header), indent=4))
        (temporary / STATS).write_text(json.dumps(tally.stats(), indent=4))
    return count


class _Tally:
    """What is told of all decisions: how many, and their least, greatest, mean and spread."""

    def __init__(self, form: Form) -> None:
        self.form, self.lengths, self.rows = form, list[int](), 0
        self.moments: dict[str, _Moments] = {}

    def add(self, episode: Episode) -> Any:
        """Take an episode, and return its rows."""
        arrow, _ = arrow_modules()
        steps, number, start = len(episode), len(self.lengths), self.rows
        self.rows += steps
        rows = rows_of(episode, self.form).items()
        flat = {NAMES.get(name, name): values[:steps] for name, values in rows if name != "state"}
        ends = np.arange(steps) == steps - 1
        flat |= {
            "next.done": ends[:, None], "next.success": (ends & episode.success)[:, None],
            "timestamp": (np.arange(steps) / rate_of(self.form)).astype(np.float32)[:, None],
            "frame_index": np.arange(steps)[:, None], "episode_index": np.full((steps, 1), number),
            "index": start + np.arange(steps)[:, None], "task_index": np.zeros((steps, 1), np.int64),
        }  # fmt: skip
        self.lengths.append(steps)
        for name, values in flat.items():
            exact = values.astype(np.float64)
            found = _Moments(
                len(exact), exact.min(axis=0), exact.max(axis=0), exact.sum(axis=0), (exact**2).sum(axis=0)
            )
            self.moments[name] = self.moments[name] + found if name in self.moments else found
        return arrow.table({name: _column(arrow, values) for name, values in flat.items()})

    def episodes(self) -> Any:
        """Return the table of episodes."""
        arrow, _ = arrow_modules()
        count, ends = len(self.lengths), np.cumsum(self.lengths)
        nought = np.zeros(count, np.int64)
        return arrow.table({
            "episode_index": np.arange(count), "tasks": [[self.form.environment]] * count,
            "length": np.array(self.lengths), "data/chunk_index": nought, "data/file_index": nought,
            "dataset_from_index": ends - self.lengths, "dataset_to_index": ends,
            "meta/episodes/chunk_index": nought, "meta/episodes/file_index": nought,
        })  # fmt: skip

    def info(self, header: Header) -> dict[str, Any]:
        """Return `info.json`."""
        count, frames = len(self.lengths), int(sum(self.lengths))
        return {
            "codebase_version": "v3.0", "robot_type": header.environment, "total_episodes": count,
            "total_frames": frames, "total_tasks": 1, "chunks_size": 1000, "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200, "fps": round(rate_of(self.form)), "splits": {"train": f"0:{count}"},
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet", "video_path": None,
            "features": self._features(),
        }  # fmt: skip

    def _features(self) -> dict[str, dict[str, Any]]:
        types = {NAMES.get(name, name): (shape, dtype) for name, (shape, dtype, _) in columns(self.form).items()}
        types |= {"next.done": ((1,), np.dtype(bool)), "next.success": ((1,), np.dtype(bool)),
                  "timestamp": ((1,), np.dtype(np.float32))}  # fmt: skip
        found = {}
        for name in self.moments:
            shape, dtype = types.get(name, ((1,), np.dtype(np.int64)))
            flat = {"dtype": str(dtype), "shape": [width_of(shape)], "names": None}
            signal = self.form.signals.get(name.removeprefix("trace."))
            found[name] = flat if signal is None else {**flat, "info": {"shape": list(shape), "unit": signal.unit}}
        return found

    def stats(self) -> dict[str, dict[str, list[float]]]:
        """Return `stats.json`."""
        return {name: found.told() for name, found in self.moments.items()}


@dataclass(frozen=True)
class _Moments:
    """Of the numbers of a column, each array of shape (numbers a row,)."""

    count: int
    least: np.ndarray
    most: np.ndarray
    total: np.ndarray
    squares: np.ndarray

    def __add__(self, other: _Moments) -> _Moments:
        return _Moments(
            self.count + other.count, np.minimum(self.least, other.least), np.maximum(self.most, other.most),
            self.total + other.total, self.squares + other.squares,
        )  # fmt: skip

    def told(self) -> dict[str, list[float]]:
        """Return it as LeRobot has it."""
        mean = self.total / self.count
        spread = np.sqrt(np.maximum(self.squares / self.count - mean**2, 0.0))
        told = {"min": self.least, "max": self.most, "mean": mean, "std": spread}
        return {**{key: value.tolist() for key, value in told.items()}, "count": [self.count]}


def rate_of(form: Form) -> float:
    """Return how many decisions there are a second."""
    rows = next(iter(form.signals.values())).rows
    return form.rate / rows


def _tasks(environment: str) -> Any:
    """Return the table of tasks, as pandas writes one whose index is the task."""
    arrow, _ = arrow_modules()
    column = {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64",
              "metadata": None}  # fmt: skip
    index = {"name": None, "field_name": "__index_level_0__", "pandas_type": "unicode", "numpy_type": "object",
             "metadata": None}  # fmt: skip
    pandas = {"index_columns": ["__index_level_0__"], "column_indexes": [], "columns": [column, index]}
    found = arrow.table({"task_index": np.zeros(1, np.int64), "__index_level_0__": [environment]})
    return found.replace_schema_metadata({"pandas": json.dumps(pandas)})


def _column(arrow: Any, values: np.ndarray) -> Any:
    kind = arrow.from_numpy_dtype(values.dtype)
    if values.shape[1] == 1:
        return arrow.array(values[:, 0], kind)
    return arrow.FixedSizeListArray.from_arrays(arrow.array(values.reshape(-1), kind), values.shape[1])


def read(path: Path) -> tuple[Header, Iterator[Episode]]:
    """Return what a LeRobot data set says of itself, and its episodes; raises `UserError` as `minari.read`."""
    if not (path / BESIDE).is_file():
        raise UserError(f"{path} was not exported by the testbed: it has no physical trace, which is what is measured")
    header, labels = table.read_carried(path / BESIDE)
    return header, _episodes(path, form_of(header.environment), labels)


def _episodes(path: Path, form: Form, labels: table.Labels) -> Iterator[Episode]:
    both = zip(table.pieces(path / DATA, "episode_index"), table.pieces(path / BESIDE, "episode"), strict=False)
    number = -1
    for number, (decisions, beside) in enumerate(both):
        steps = len(decisions)
        if len(beside) != steps + 1:
            raise UserError(
                f"{path}: episode {number} has {steps} rows, and {len(beside)} beside: keep both as they were"
            )
        try:
            rows = _joined(decisions, beside, form)
        except (KeyError, ValueError, AttributeError) as error:  # a column is missing, or is another one
            raise UserError(f"{path} is damaged: episode {number} cannot be read ({error}); export it again") from None
        yield table.episode_of(rows, form, labels, number, path)
    table.require_all(number + 1, labels, path)


def _joined(decisions: Any, beside: Any, form: Form) -> Any:
    """Return the rows of an episode as a flat table has them, observations but for the last one from LeRobot's own."""
    arrow, _ = arrow_modules()
    found = {}
    for name, (shape, dtype, last) in columns(form).items():
        theirs = NAMES.get(name, name)
        if name == "state":
            found[name] = beside[name]
            continue
        own = decisions[theirs].combine_chunks()
        flat = own if width_of(shape) == 1 else own.flatten()
        end = beside[name].combine_chunks().slice(len(decisions)) if last else None
        tail = np.zeros(width_of(shape), dtype) if end is None else end.flatten().to_numpy()
        values = np.concatenate([flat.to_numpy(zero_copy_only=False).astype(dtype, copy=False), tail])
        found[name] = arrow.chunked_array([_column(arrow, values.reshape(len(decisions) + 1, -1))])
    return arrow.table(found)
