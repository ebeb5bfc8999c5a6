"""The page of the crossed experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from testbed import __version__, audit
from testbed.benchmark.finding import ENOUGH
from testbed.benchmark.silent.design import CHIEF
from testbed.benchmark.silent.effects import Effect
from testbed.benchmark.silent.table import forest, share
from testbed.files import Kind, write_text
from testbed.lineage import Lineage

PAGE = Kind(
    "a page of the crossed experiment",
    lambda path: path.is_file() and b"<title>States and targets" in path.read_bytes()[:1000],
)
"""What a new page replaces."""


def write_silent_page(path: Path, found: Sequence[Effect], command: str) -> Path:
    """Write one self-contained HTML page and return its path."""
    folders = [Path(__file__).parent, *(Path(folder) for folder in audit.__path__)]
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    pairs = found[0].pairs
    few = f"{pairs} pairs of teachers are too few for a claim: it takes {ENOUGH}." if pairs < ENOUGH else ""
    text = environment.get_template("silent.html.j2").render(
        answer=answer(found), caution=few, pairs=pairs, plot=forest(found), chief=CHIEF, command=command,
        habits=len({one.habit for one in found}), versions={"testbed": __version__, **Lineage("page", 0).versions},
    )  # fmt: skip
    write_text(path, text, PAGE)
    return path


def answer(found: Sequence[Effect]) -> str:
    """Return what the claims say, in one sentence."""
    last = max(one.length for one in found)
    chief = [one for one in found if one.is_chief and one.length == last]
    told = "; ".join(f"{one.habit}: {one.verdict}, {share(one)}" for one in chief)
    return f"What soft targets add in states at most {100 * CHIEF:.0f} % apart, as a share of the habit: {told}."
