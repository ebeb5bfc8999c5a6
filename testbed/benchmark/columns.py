"""Records as rows of a table, and back: an interval is three columns, several numbers are one with spaces between."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from testbed.audit.result import Interval
from testbed.errors import UserError
from testbed.files import Kind, write_text
from testbed.records import read_bytes

Row = TypeVar("Row")


def columns(row: Any) -> dict[str, Any]:
    """Return a record as columns, all of its fields but those that are not compared and hold no numbers alone."""
    cells: dict[str, Any] = {}
    for one in fields(row):
        value = getattr(row, one.name)
        if isinstance(value, Interval):
            cells |= {one.name: value.value, f"{one.name}_low": value.low, f"{one.name}_high": value.high}
        elif one.type == "tuple[float, ...]":
            cells[one.name] = " ".join(map(repr, value))
        elif isinstance(value, str | float | int):
            cells[one.name] = value
    return cells


def write_columns(path: Path, rows: Sequence[Any], kind: Kind) -> Path:
    """Write records as CSV, whole or not at all, and return its path; raises `UserError` as `write_text`."""
    records = [columns(row) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_text(path, text.getvalue(), kind)
    return path


def read_columns(path: Path, kind: type[Row], mend: str) -> list[Row]:
    """Return the records of a CSV file that `write_columns` made.

    Args:
        path: The file.
        kind: What a row holds, a dataclass.
        mend: What a user is told to do if the file is not there or not whole.

    Raises:
        UserError: if it is missing, empty, or holds anything else.
    """
    try:
        text = read_bytes(path, mend).decode("utf-8")
        rows = [msgspec.convert(_fields(kind, row), kind, strict=False) for row in csv.DictReader(io.StringIO(text))]
    except (ValueError, KeyError, csv.Error) as error:
        raise UserError(f"{path} is damaged, or of another version ({error}): {mend}") from None
    if not rows:
        raise UserError(f"{path} has no rows: {mend}")
    return rows


def _fields(kind: Any, row: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in fields(kind):
        if one.type == "Interval":
            names = one.name, f"{one.name}_low", f"{one.name}_high"
            found[one.name] = dict(zip(("value", "low", "high"), (row[name] for name in names), strict=True))
        elif one.type == "tuple[float, ...]":
            found[one.name] = row[one.name].split()
        elif one.name in row:
            found[one.name] = row[one.name]
    return found
