"""Make a log of traffic, and alter a number in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from random import Random

DRIVEN = Path(__file__).parents[2] / "tests" / "sumo_fcd.xml"
"""Floating-car data of SUMO."""
TABLE = "time,id,x,y,lane\n" + "".join(
    f"{0.5 * n},{name},{start + speed * n},{3 * lane},{lane}\n"
    for name, start, speed, lane in (("a", 0, 10, 0), ("b", 40, 8, 0), ("c", 20, 9, 1))
    for n in range(20)
)
"""A table of trajectories: two vehicles on a lane, one beside."""
NUMBERS = (
    "nan", "inf", "-inf", "-1", "0", "1e308", "-1e308", "1e-308", "1e18", "9" * 20, "", "x", "0x10", "1,5", " 7 ",
)  # fmt: skip
"""What may stand in a number's place."""


def make(inside: Path, name: str) -> Path:
    """Make a valid log, as a table or as floating-car data by the ending of its name."""
    file = inside / name
    if file.suffix == ".xml":
        shutil.copy(DRIVEN, file)
    else:
        file.write_text(TABLE)
    return file


def alter_number(file: Path, rng: Random) -> str:
    """Put something else in the place of one number; return what was done."""
    text, odd = file.read_text(), rng.choice(NUMBERS)
    found = rng.choice(list(re.finditer(r"(?<=[\",])-?\d+(\.\d+)?(?=[\",\n])", text)))
    file.write_text(text[: found.start()] + odd + text[found.end() :])
    return f"{file.name}: {found[0]} is {odd!r}"
