"""The page of the crossed experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.benchmark.rendering import rendered, too_few
from testbed.benchmark.silent.design import CHIEF
from testbed.benchmark.silent.effects import Effect
from testbed.benchmark.silent.table import forest, share
from testbed.files import Kind, write_text

PAGE = Kind(
    "a page of the crossed experiment",
    lambda path: path.is_file() and b"<title>States and targets" in path.read_bytes()[:1000],
)
"""What a new page replaces."""


def write_silent_page(path: Path, found: Sequence[Effect], command: str) -> Path:
    """Write one self-contained HTML page and return its path."""
    pairs = found[0].pairs
    text = rendered(
        "silent/silent.html.j2",
        command,
        answer=answer(found),
        caution=too_few(pairs),
        pairs=pairs,
        plot=forest(found),
        chief=CHIEF,
        habits=len({one.habit for one in found}),
    )
    write_text(path, text, PAGE)
    return path


def answer(found: Sequence[Effect]) -> str:
    """Return what the claims say, in one sentence."""
    last = max(one.length for one in found)
    chief = [one for one in found if one.is_chief and one.length == last]
    told = "; ".join(f"{one.habit}: {one.verdict}, {share(one)}" for one in chief)
    return f"What soft targets add in states at most {100 * CHIEF:.0f} % apart, as a share of the habit: {told}."
