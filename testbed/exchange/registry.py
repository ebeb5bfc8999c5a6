"""The formats there are, and which one a path is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import UserError, unknown_name
from testbed.exchange import flat, lerobot, minari, table
from testbed.exchange.carried import Header
from testbed.files import Kind
from testbed.protocols.episode import Episode


@dataclass(frozen=True)
class Format:
    """A format of data sets."""

    ending: str
    """What a file of it ends in; empty for a folder."""
    kind: Kind
    """What a new one replaces."""
    write: Callable[[Path, Header, Iterable[Episode]], int]
    """Writes episodes, and returns how many."""
    read: Callable[[Path], tuple[Header, Iterator[Episode]]]
    """Returns what a set says of itself, and its episodes."""


FORMATS = {
    "minari": Format("", minari.KIND, minari.write, minari.read),
    "lerobot": Format("", lerobot.KIND, lerobot.write, lerobot.read),
    "parquet": Format(".parquet", table.PARQUET, table.write_parquet, table.read_parquet),
    "csv": Format(".csv", flat.CSV, flat.write_csv, flat.read_csv),
}
"""Name -> format."""


def format_for(out: Path, name: str | None) -> Format:
    """Return a format by name, or by what a file is to be called.

    Raises:
        UserError: for an unknown name, or a file that ends in something else.
    """
    if name is not None and name not in FORMATS:
        raise unknown_name("format", name, FORMATS)
    endings = {one.ending: one for one in FORMATS.values() if one.ending}
    found = FORMATS[name] if name else endings.get(out.suffix)
    if found is None or (found.ending and out.suffix != found.ending):
        ends = ", ".join(f"{one.ending} ({name})" for name, one in FORMATS.items() if one.ending)
        ended = out.suffix or "nothing"
        raise UserError(f"{out} ends in {ended}: give a name that ends in {ends}, or --to minari or lerobot")
    return found


def format_of(path: Path) -> Format:
    """Return the format that a path is of; raises `UserError` if it is of none."""
    if path.suffix in (".csv", ".parquet"):
        return format_for(path, None)
    if minari.recognises(path):
        return FORMATS["minari"]
    if lerobot.recognises(path):
        return FORMATS["lerobot"]
    raise UserError(
        f"{path} is no data set of {', '.join(FORMATS)}: give a folder of Minari or LeRobot, or a .parquet or .csv file"
    )
