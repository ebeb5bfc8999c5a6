"""The same tables as CSV: one column a number, and in a JSON file beside it all that is no number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from testbed.datasets.form import Form, form_of
from testbed.errors import UserError
from testbed.exchange.carried import NAME, Header, Label, episode_from, header_from, label_from, to_json
from testbed.exchange.table import (
    LABELS,
    Labels,
    arrow_modules,
    columns,
    labels_from,
    named,
    require_all,
    rows_of,
    shaped,
    split,
    width_of,
)
from testbed.files import Kind, replacing, require_replaceable, write_text
from testbed.protocols.episode import Episode
from testbed.records import read_bytes

CSV = Kind("a table of a data set", lambda path: path.is_file() and path.read_bytes().startswith(b"episode,step,"))
BESIDE = Kind(
    "what is said of a table",
    lambda path: path.is_file() and path.read_bytes().startswith(b'{"episodes": [{"constants"'),
)
"""What new ones replace."""
AGAIN = "export it again, and keep both files beside each other"


def write_csv(out: Path, header: Header, episodes: Iterable[Episode]) -> int:
    """Write a CSV file and a JSON file beside it, and return how many episodes they hold; raises as `minari.write`."""
    require_replaceable(side_file(out), BESIDE)  # both or none
    form, labels, count = form_of(header.environment), [], 0
    with replacing(out, CSV) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(_names(form)) + "\n")
        for episode in episodes:
            labels.append(to_json(Label.of(episode)))
            for step, row in enumerate(_texts(rows_of(episode, form), form)):
                file.write(f"{count},{step},{row}\n")
            count += 1
    beside = f'{{"{LABELS}": [{", ".join(labels)}], "{NAME}": {to_json(header)}}}'
    write_text(side_file(out), beside, BESIDE)
    return count


def _names(form: Form) -> list[str]:
    """Return the names of all columns, one a number."""
    return ["episode", "step", *(
        name if width == 1 else f"{name}.{n}" for name, (shape, *_) in columns(form).items()
        for width in [width_of(shape)] for n in range(width)
    )]  # fmt: skip


def _texts(rows: Mapping[str, np.ndarray], form: Form) -> Iterator[str]:
    """Yield rows as text that gives the same numbers again."""
    names = columns(form)
    for step in range(len(next(iter(rows.values())))):
        end = step == len(rows["observation"]) - 1
        parts = [
            "" if end and not names[name][2] else _number(value)
            for name, values in rows.items() for value in values[step]
        ]  # fmt: skip
        yield ",".join(parts)


def _number(value: np.generic) -> str:
    return str(int(value)) if value.dtype.kind in "bui" else str(value)


def side_file(out: Path) -> Path:
    """Return the file beside a CSV file that says what is no number."""
    return out.with_suffix(".json")


def read_csv(path: Path) -> tuple[Header, Iterator[Episode]]:
    """Return what a CSV file and the one beside it say, and its episodes; raises `UserError` as `minari.read`."""
    beside = side_file(path)
    try:
        told = msgspec.json.decode(read_bytes(beside, AGAIN), type=dict[str, msgspec.Raw])
        header, labels = header_from(bytes(told[NAME]), beside), labels_from(bytes(told[LABELS]), beside)
    except (ValueError, KeyError, msgspec.MsgspecError) as error:
        raise UserError(f"{beside} is damaged ({error}): {AGAIN}") from None
    return header, _episodes(path, form_of(header.environment), labels)


def _episodes(path: Path, form: Form, labels: Labels) -> Iterator[Episode]:
    arrow, _ = arrow_modules()
    import pyarrow.csv

    whole = {name for name, (_, dtype, _) in columns(form).items() if dtype.kind in "bui"}
    types = {
        name: arrow.int64() if name in ("episode", "step") or name.rsplit(".", 1)[0] in whole or name in whole
        else arrow.float64() for name in _names(form)
    }  # fmt: skip
    number = -1
    try:
        options = pyarrow.csv.ConvertOptions(column_types=types)
        with pyarrow.csv.open_csv(path, convert_options=options) as batches:
            for number, rows in enumerate(split((batch for batch in batches if len(batch)), "episode")):
                yield _episode(rows, form, label_from(bytes(labels[number]), path), path)
        require_all(number + 1, labels, path)
    except (arrow.ArrowInvalid, OSError, IndexError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{path} is damaged ({reason}): {AGAIN}") from None


def _episode(table: Any, form: Form, label: Label, path: Path) -> Episode:
    steps = len(table) - 1
    arrays = {}
    for name, (shape, dtype, last) in columns(form).items():
        width = width_of(shape)
        columns_ = [table[name] if width == 1 else table[f"{name}.{n}"] for n in range(width)]
        kept = [column.slice(0, steps + last).to_numpy() for column in columns_]
        arrays[name] = shaped(name, np.stack(kept, axis=1).astype(dtype), shape)
    return episode_from(form, label, named(arrays, form, steps), path)
