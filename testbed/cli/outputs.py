"""Places that commands write to, told from what they read, so that tests find every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated


@dataclass(frozen=True)
class Output:
    """Says of an argument that the command writes there."""

    folder: bool
    """Whether it is a folder, else a file."""
    names: tuple[str, ...] = ()
    """Files that are put into a folder beside whatever else is there; the whole folder is made if none are named."""


OutFile = Annotated[Path, Output(folder=False)]
OutFolder = Annotated[Path, Output(folder=True)]
TablesFolder = Annotated[Path, Output(folder=True, names=("transfer.csv", "transfer.parquet", "transfer.html"))]
RunFolder = Annotated[Path, Output(folder=True, names=("report.html",))]
