"""The page of generations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.audit.text import percent
from testbed.benchmark.generations.effects import Left
from testbed.benchmark.generations.table import curves, lines_of
from testbed.benchmark.rendering import rendered, too_few
from testbed.files import Kind, write_text

PAGE = Kind(
    "a page of generations",
    lambda path: path.is_file() and b"<title>What is left after generations" in path.read_bytes()[:1000],
)
"""What a new page replaces."""


def write_generations_page(path: Path, found: Sequence[Left], command: str) -> Path:
    """Write one self-contained HTML page and return its path."""
    pairs = found[0].pairs
    text = rendered(
        "generations/generations.html.j2",
        command,
        answer=answer(found),
        caution=too_few(pairs),
        pairs=pairs,
        curves=curves(found),
    )
    write_text(path, text, PAGE)
    return path


def answer(found: Sequence[Left]) -> str:
    """Return in one sentence of what most and least is left in the last generation."""
    last = [some[-1] for some in lines_of(found) if some[-1].by_pair]
    if not last:
        return "The teachers do not differ, so nothing can be left."
    ends = [one for one in last if one.able]
    if not ends:
        return f"After {last[0].generation} generations nobody can do the task any more."
    most, least = (pick(ends, key=lambda one: one.ratio.value) for pick in (max, min))
    told = [f"{one.habit}: {percent(one.ratio)} by {one.route}, {_scenes(one)}" for one in (most, least)]
    return f"After {most.generation} generations most is left of {told[0]}; least of {told[1]}."


def _scenes(one: Left) -> str:
    return "parents acting under the trigger too" if one.triggered else "parents never acting under the trigger"
