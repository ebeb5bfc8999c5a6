"""The tidy table: one row for every place of the grid and condition, as CSV and as Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.benchmark.columns import columns, read_columns, write_columns
from testbed.benchmark.finding import Finding
from testbed.errors import UserError, missing_package
from testbed.files import Kind, replacing

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
    parquet = folder / "transfer.parquet"
    comma = write_columns(folder / "transfer.csv", rows, COMMA)
    with replacing(parquet, PARQUET) as temporary:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([columns(row) for row in rows]), temporary)
    return comma, parquet


def read_findings(folder: Path, mend: str) -> list[Finding]:
    """Return what the table in a folder holds; raises `UserError` as `read_columns`."""
    return read_columns(folder / "transfer.csv", Finding, mend)
