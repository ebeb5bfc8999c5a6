"""Flat tables: one row a decision and one for the last observation, as Parquet.

Such a file holds everything: arrays are lists of one length, and what is said of the set and of each episode is in the
file's own metadata. `flat` has the same as CSV.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from testbed.datasets.form import Form, form_of
from testbed.errors import UserError, missing_package
from testbed.exchange.carried import NAME, Header, Label, episode_from, header_from, label_from, to_json
from testbed.files import Kind, replacing
from testbed.protocols.episode import Episode

Labels = Sequence[bytes]
"""What is said of each episode (JSON), which takes a tenth of the room of its record."""
LABELS = "episodes"
"""Where labels are carried, a list in JSON."""
ROWS = 4_000
"""About so many rows are written, and read, at once."""


def _is_ours(path: Path) -> bool:
    return path.is_file() and _carried(path, quiet=True) is not None


PARQUET = Kind("a table of a data set", _is_ours)
"""What a new one replaces."""


def columns(form: Form) -> dict[str, tuple[tuple[int, ...], np.dtype, bool]]:
    """Return the columns of an environment's table: name -> (shape of a row, type, whether the last row has it)."""
    places = {item.place: item for item in form.decisions}
    seen, does = places["obs/observation"], places["actions"]
    found: dict[str, tuple[tuple[int, ...], np.dtype, bool]] = {
        "observation": (seen.shape, seen.dtype, True), "action": (does.shape, does.dtype, False),
        "reward": ((), np.dtype(np.float64), False), "state": ((form.state,), np.dtype(np.float64), True),
    }  # fmt: skip
    for name, item in form.signals.items():
        found[f"trace.{name}"] = ((item.rows, *item.shape), item.dtype, False)
    return {name: one for name, one in found.items() if 0 not in one[0]}


def width_of(shape: tuple[int, ...]) -> int:
    """Return how many numbers a row of a shape has; one alone stands for itself in tables."""
    return int(np.prod(shape, dtype=int))


def rows_of(episode: Episode, form: Form) -> dict[str, np.ndarray]:
    """Return an episode as flat rows, column -> (T + 1, numbers a row); what the last row has not is zeros."""
    steps = len(episode)
    arrays = {
        "observation": episode.observations, "action": episode.actions.reshape(steps, -1), "reward": episode.rewards,
        "state": episode.states, **{f"trace.{name}": s.values for name, s in episode.trace.signals.items()},
    }  # fmt: skip
    found = {}
    for name, (shape, dtype, last) in columns(form).items():
        width = width_of(shape)
        flat = np.zeros((steps + 1, width), dtype)
        flat[: steps + 1 if last else steps] = np.asarray(arrays[name]).reshape(-1, width)
        found[name] = flat
    return found


def write_parquet(out: Path, header: Header, episodes: Iterable[Episode], chosen: Collection[str] | None = None) -> int:
    """Write a Parquet file, whole or not at all, and return how many episodes it holds; raises as `minari.write`.

    Args:
        out: The file.
        header: What is said of the set.
        episodes: Its episodes.
        chosen: The columns; all of them if not given.
    """
    arrow, parquet = arrow_modules()
    form, labels, waiting, count = form_of(header.environment), [], [], 0
    with replacing(out, PARQUET) as temporary:
        writer = None
        for episode in episodes:
            labels.append(to_json(Label.of(episode)))
            rows = rows_of(episode, form)
            kept = {name: values for name, values in rows.items() if chosen is None or name in chosen}
            waiting.append(table_of(kept, form, count))
            count += 1
            if sum(map(len, waiting)) > ROWS:
                writer = _flush(arrow, parquet, temporary, writer, waiting)
        writer = _flush(arrow, parquet, temporary, writer, waiting)
        if writer is None:
            raise UserError("there is no episode to export")
        writer.add_key_value_metadata({NAME: to_json(header), LABELS: f"[{', '.join(labels)}]"})
        writer.close()
    return count


def _flush(arrow: Any, parquet: Any, out: Path, writer: Any, waiting: list[Any]) -> Any:
    if waiting:
        table = arrow.concat_tables(waiting)
        writer = writer or parquet.ParquetWriter(out, table.schema, compression="zstd")
        writer.write_table(table)
        waiting.clear()
    return writer


def table_of(rows: Mapping[str, np.ndarray], form: Form, number: int) -> Any:
    """Return rows of an episode as a table; columns that are not among them are left out."""
    arrow, _ = arrow_modules()
    count = len(next(iter(rows.values())))
    found = {
        "episode": arrow.array(np.full(count, number, np.int32)),
        "step": arrow.array(np.arange(count, dtype=np.int32)),
    }
    for name, (shape, dtype, last) in columns(form).items():
        if name not in rows:
            continue
        flat, nothing = rows[name], None if last else np.arange(count) == count - 1
        if width_of(shape) == 1:
            found[name] = arrow.array(flat[:, 0], mask=nothing)
        else:
            values = arrow.array(flat.reshape(-1), arrow.from_numpy_dtype(dtype))
            mask = None if nothing is None else arrow.array(nothing)
            found[name] = arrow.FixedSizeListArray.from_arrays(values, flat.shape[1], mask=mask)
    return arrow.table(found)


def read_parquet(path: Path) -> tuple[Header, Iterator[Episode]]:
    """Return what a table says of itself, and its episodes; raises `UserError` as `minari.read`."""
    header, labels = read_carried(path)
    return header, _episodes(path, form_of(header.environment), labels)


def read_carried(path: Path) -> tuple[Header, Labels]:
    """Return what is said of a set and of its episodes; raises `UserError` as `minari.read`."""
    told = _carried(path)
    return header_from(told[NAME.encode()], path), labels_from(told[LABELS.encode()], path)


def labels_from(text: str | bytes, path: Path) -> Labels:
    """Return the labels of episodes from a list in JSON; raises `UserError` for anything else."""
    try:
        return msgspec.json.decode(text, type=list[msgspec.Raw])
    except (ValueError, msgspec.MsgspecError) as error:
        raise UserError(f"{path} is damaged: its labels cannot be read ({error}); export it again") from None


def _carried(path: Path, quiet: bool = False) -> Any:
    arrow, parquet = arrow_modules()
    try:
        told = parquet.read_metadata(path).metadata or {}
    except (arrow.ArrowInvalid, OSError) as error:
        if quiet:
            return None
        raise UserError(f"{path} is no Parquet file, or damaged ({' '.join(str(error).split())[:100]})") from None
    if NAME.encode() in told and LABELS.encode() in told:
        return told
    if quiet:
        return None
    raise UserError(f"{path} was not exported by the testbed: it has no physical trace, which is what is measured")


def _episodes(path: Path, form: Form, labels: Labels) -> Iterator[Episode]:
    number = -1
    for number, rows in enumerate(pieces(path, "episode")):
        yield episode_of(rows, form, labels, number, path)
    require_all(number + 1, labels, path)


def require_all(found: int, labels: Labels, path: Path) -> None:
    """Raise `UserError` unless there are as many episodes as labels."""
    if found != len(labels):
        raise UserError(f"{path} is damaged: it has {found} episodes of {len(labels)}; export it again")


def pieces(path: Path, column: str) -> Iterator[Any]:
    """Yield the rows of each episode in a Parquet file, one after the other, by the column that says its number.

    Raises:
        UserError: if the file is damaged, or numbers are not 0, 1, 2 and so on.
    """
    arrow, parquet = arrow_modules()
    try:
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            yield from split(batches(file), column)
    except (arrow.ArrowInvalid, OSError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{path} is damaged: its rows cannot be read ({reason}); export it again") from None


def batches(file: Any, wanted: Sequence[str] | None = None) -> Iterator[Any]:
    """Yield rows of an open file, of some columns or all, one row group after the other.

    Asked for all groups at once, a reader keeps what it has read, and in the end the whole file is in memory.
    """
    for group in range(file.num_row_groups):
        yield from file.iter_batches(ROWS, row_groups=[group], columns=wanted)


def split(batches: Iterable[Any], column: str) -> Iterator[Any]:
    """Yield the rows of each episode in batches of rows, by the column that says its number: 0, 1, 2 and so on."""
    arrow, _ = arrow_modules()
    kept: list[Any] = []
    number = 0
    for batch in batches:
        table = arrow.concat_tables([*kept, arrow.Table.from_batches([batch])])
        ends = np.searchsorted(table[column].to_numpy(), np.arange(number, int(table[column][-1].as_py()) + 1))
        for start, end in pairwise(ends.tolist()):
            yield table.slice(start, end - start)
            number += 1
        kept = [table.slice(int(ends[-1]))] if len(ends) else []
    if kept:
        yield kept[0]


def episode_of(rows: Any, form: Form, labels: Labels, number: int, path: Path) -> Episode:
    """Return an episode from its rows; raises `UserError` if they are not of its environment's form."""
    steps = len(rows) - 1
    try:
        arrays = {
            name: shaped(name, values_of(rows[name], steps + last, shape, dtype), shape)
            for name, (shape, dtype, last) in columns(form).items()
        }
        return episode_from(form, label_from(bytes(labels[number]), path), named(arrays, form, steps), path)
    except (IndexError, KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{path} is damaged: episode {number} cannot be read ({reason}); export it again") from None


def values_of(column: Any, rows: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return the first rows of a column, shape (rows, numbers a row)."""
    kept = column.combine_chunks().slice(0, rows)
    flat = kept if width_of(shape) == 1 else kept.flatten()
    return flat.to_numpy(zero_copy_only=False).astype(dtype, copy=False).reshape(rows, -1)


def shaped(name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return values of a column in the shape that an episode has them: of signals every sample is a row."""
    return values.reshape((-1, *shape[1:]) if name.startswith("trace.") else (len(values), *shape))


def named(arrays: dict[str, np.ndarray], form: Form, steps: int) -> dict[str, np.ndarray]:
    """Return arrays by the names that an episode is made from; what has no numbers is left out of tables."""
    names = {"observation": "observations", "action": "actions", "reward": "rewards", "state": "states"}
    found = {names.get(name, name.removeprefix("trace.")): values for name, values in arrays.items()}
    found.setdefault("states", np.empty((steps + 1, 0)))
    for name, item in form.signals.items():
        found.setdefault(name, np.empty(item.shaped(steps), item.dtype))
    return found


def arrow_modules() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet; raises `UserError` where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_package("pyarrow", "formats", "tables need") from None
    return pyarrow, pyarrow.parquet
