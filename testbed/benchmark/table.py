"""The tidy table: one row for every place of the grid and condition, as CSV and as Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from testbed.benchmark.finding import Finding, columns
from testbed.errors import UserError, missing_package
from testbed.files import Kind, replacing, write_text

COMMA = Kind("a table of the benchmark", lambda path: path.is_file() and path.read_bytes().startswith(b"habit,taught,"))
PARQUET = Kind(
    "a table of the benchmark", lambda path: path.is_file() and path.read_bytes()[:4] == b"PAR1" and _is_table(path)
)
"""What new tables replace."""


def _is_table(path: Path) -> bool:
    return b"taught" in path.read_bytes()


def write_tables(folder: Path, rows: Sequence[Finding]) -> tuple[Path, Path]:
    """Write `transfer.csv` and `transfer.parquet`, whole or not at all, and return both.

    Raises:
        UserError: if pyarrow is not installed, or there is nothing to write.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_package("pyarrow", "benchmark", "Parquet needs") from None
    if not rows:
        raise UserError("there is nothing to put into a table")
    records = [columns(row) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    comma, parquet = folder / "transfer.csv", folder / "transfer.parquet"
    write_text(comma, text.getvalue(), COMMA)
    with replacing(parquet, PARQUET) as temporary:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), temporary)
    return comma, parquet
