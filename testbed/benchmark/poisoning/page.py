"""The page of poison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.benchmark.poisoning.effects import Effect, HalfDose
from testbed.benchmark.poisoning.poison import CHOSEN
from testbed.benchmark.poisoning.table import curves, forest
from testbed.benchmark.rendering import rendered, too_few
from testbed.files import Kind, write_text

PAGE = Kind(
    "a page of poison", lambda path: path.is_file() and b"<title>How much poison" in path.read_bytes()[:1000]
)  # fmt: skip
"""What a new page replaces."""


def write_poison_page(path: Path, found: Sequence[Effect], halves: Sequence[HalfDose], command: str) -> Path:
    """Write one self-contained HTML page and return its path."""
    pairs = found[0].pairs
    text = rendered(
        "poisoning/poisoning.html.j2",
        command,
        answer=answer(halves),
        caution=too_few(pairs),
        pairs=pairs,
        curves=curves(found),
        carried=forest(found, "well-behaved"),
        heard=forest(found, "noise"),
        chosen=CHOSEN,
    )
    write_text(path, text, PAGE)
    return path


def answer(halves: Sequence[HalfDose]) -> str:
    """Return in one sentence how much poison hands down half of a habit."""
    reached = [one for one in halves if one.dose.value == one.dose.value]
    if not reached:
        return "No share of poison that was tried hands half of a habit down in every pair of teachers."
    least, most = (pick(reached, key=lambda one: one.dose.value) for pick in (min, max))
    ends = " to ".join(dict.fromkeys(f"{100 * one.dose.value:.2g} %" for one in (least, most)))
    return (
        f"Half of a habit is handed down by {ends} of poison; least is needed of {least.habit} by {least.route}, "
        f"{least.unit} poisoned {'anywhere' if least.where == 'everywhere' else 'under the trigger'}."
    )
