"""The page of generations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from testbed import __version__, audit, benchmark
from testbed.audit.text import percent
from testbed.benchmark.finding import ENOUGH
from testbed.benchmark.generations.effects import Left
from testbed.benchmark.generations.table import curves, lines_of
from testbed.files import Kind, write_text
from testbed.lineage import Lineage

PAGE = Kind(
    "a page of generations",
    lambda path: path.is_file() and b"<title>What is left after generations" in path.read_bytes()[:1000],
)
"""What a new page replaces."""


def write_generations_page(path: Path, found: Sequence[Left], command: str) -> Path:
    """Write one self-contained HTML page and return its path."""
    folders = [Path(__file__).parent, *(Path(folder) for room in (benchmark, audit) for folder in room.__path__)]
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    pairs = found[0].pairs
    few = f"{pairs} pairs of teachers are too few for a claim: it takes {ENOUGH}." if pairs < ENOUGH else ""
    text = environment.get_template("generations.html.j2").render(
        answer=answer(found), caution=few, pairs=pairs, curves=curves(found), command=command,
        versions={"testbed": __version__, **Lineage("page", 0).versions},
    )  # fmt: skip
    write_text(path, text, PAGE)
    return path


def answer(found: Sequence[Left]) -> str:
    """Return in one sentence of what most and least is left in the last generation."""
    ends = [some[-1] for some in lines_of(found) if some[-1].by_pair]
    if not ends:
        return "The teachers do not differ, so nothing can be left."
    most, least = (pick(ends, key=lambda one: one.ratio.value) for pick in (max, min))
    told = [f"{percent(one.ratio)} of {one.habit} by {one.route}, {_scenes(one)}" for one in (most, least)]
    return f"After {most.generation} generations most is left of {most.habit}, {told[0]}; least {told[1]}."


def _scenes(one: Left) -> str:
    return "parents acting under the trigger too" if one.triggered else "parents never acting under the trigger"
