"""Logs by the name of their file."""

from __future__ import annotations

from pathlib import Path

from testbed.errors import UserError
from testbed.traffic.fcd import read_fcd
from testbed.traffic.log import TrafficLog
from testbed.traffic.tables import read_table


def read_log(path: Path, columns: str = "plain", types: Path | None = None) -> TrafficLog:
    """Return the log in a file: floating-car data of SUMO (`.xml`, `.xml.gz`), or a table (`.csv`, `.txt`, `.parquet`).

    Args:
        path: The file.
        columns: What the columns of a table are called: a name of `testbed.traffic.columns.KNOWN`, or a TOML file.
        types: Of floating-car data, the file that declares the types of vehicles.

    Raises:
        UserError: if it is missing, of another kind, or no log.
    """
    if not path.is_file():
        raise UserError(f"{path} is no file: give floating-car data or a table of trajectories")
    try:
        if path.name.endswith((".xml", ".xml.gz")):
            return read_fcd(path, types)
        if path.suffix in (".csv", ".txt", ".tsv", ".parquet"):
            return read_table(path, columns)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error})") from None
    except UserError as error:
        raise UserError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    raise UserError(f"{path} ends in {path.suffix or 'nothing'}: give .xml or .xml.gz of SUMO, .csv, .tsv or .parquet")
