"""What a log of traffic comes to, in a table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from testbed.audit.text import interval, number, percent
from testbed.console import console, lines
from testbed.files import Kind, require_replaceable, write_text
from testbed.traffic.encounters import Encounters
from testbed.traffic.log import TrafficLog
from testbed.traffic.measured import QUANTITIES, Found, encounters, of_vehicle, summed
from testbed.traffic.reading import read_log

ENCOUNTERS = Kind(
    "a table of encounters", lambda path: path.is_file() and path.read_bytes().startswith(b"kind,ego,other,begin,end,")
)
"""What a new table replaces."""


def measure(log: Path, ego: str | None, columns: str, types: Path | None, write: Path | None) -> None:
    """Measure a log and print what was found; see `testbed measure --help`."""
    if write:
        require_replaceable(write, ENCOUNTERS)
    read = read_log(log, columns, types)
    found = encounters(read)
    shown = found if ego is None else of_vehicle(found, read, ego)
    what = f"{len(read.names):,} vehicles, {read.duration:,.1f} s at {read.rate:g} Hz"
    lanes = "" if read.lanes else "; it knows no lanes: whoever is straight ahead is followed"
    console.print(f"{log}: {what}{lanes}")
    if read.guessed:
        console.print(lines([f"taken: {'; '.join(read.guessed)}"]))
    rows = summed(shown, read)
    for kind in dict.fromkeys(row.kind for row in rows):
        console.print(_table([row for row in rows if row.kind == kind], kind))
    over = "vehicles" if ego is None else "the others"
    told = f"The worst moment of each encounter; 95 % intervals over {over}."
    console.print(told if rows else "no encounter in which a measure is defined")
    if write:
        write_text(write, _csv(shown, read), ENCOUNTERS)
        console.print(f"{write}  every encounter")


def _table(rows: Sequence[Found], kind: str) -> Table:
    worst = [f"{row.quantity.title} {row.worst}" for row in rows if row.quantity.minor is not None]
    table = Table(
        title=kind, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=0, collapse_padding=True,
        caption="\n".join(["worst:", *worst]) if worst else None, caption_justify="left",
    )  # fmt: skip
    for heading in ("measure", "number", "mean", "minor", "severe"):
        table.add_column(heading, justify="left" if heading == "measure" else "right", no_wrap=True)
    for row in rows:
        shares = ("" if one is None else percent(one) for one in (row.minor, row.severe))
        name = f"{row.quantity.title} [{row.quantity.unit}]"
        mean = interval(row.mean) if math.isfinite(row.mean.low) else number(row.mean.value)
        table.add_row(name, f"{row.encounters:,}", mean, *shares)
    return table


def _csv(found: Sequence[Encounters], log: TrafficLog) -> str:
    """Return every encounter as a row; measures of another kind are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "ego", "other", "begin", "end", *QUANTITIES])
    for some in found:
        for n in range(len(some)):
            other = log.names[some.other[n]] if some.other[n] >= 0 else ""
            values = [f"{some.values[name][n]:.6g}" if name in some.values else "" for name in QUANTITIES]
            writer.writerow([some.kind, log.names[some.ego[n]], other, f"{some.begin[n]:.4g}", f"{some.end[n]:.4g}",
                             *values])  # fmt: skip
    return text.getvalue()
