"""The page of the benchmark: answers first, then the plots and the tables they come from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from testbed.benchmark import figures
from testbed.benchmark.answers import Answer
from testbed.benchmark.finding import Finding, caution
from testbed.benchmark.rendering import rendered
from testbed.benchmark.suites import Suite
from testbed.files import Kind, write_text

PAGE = Kind(
    "a page of the benchmark", lambda path: path.is_file() and b"<title>Transfer benchmark" in path.read_bytes()[:1000]
)
"""What a new page replaces."""


COLOURS = {
    "cloning": ("#0069a8", "#5bb6f0"), "kl": ("#9c1f5c", "#f0569f"), "value": ("#8a5a00", "#f0b44a"),
    "adversarial": ("#007a57", "#2fc393"),
}  # fmt: skip
"""Route -> its colour on light and on dark ground."""
FURTHER = ("#5b46b8", "#ab9cf7"), ("#6d4f3a", "#d0ab8d"), ("#3d6670", "#8fc3cf")
"""Those of routes that came later, in turn."""


def _colours(found: Sequence[Finding]) -> dict[str, tuple[str, str]]:
    """Return the colours of all routes that something is found of."""
    further = cycle(FURTHER)
    return {name: COLOURS.get(name) or next(further) for name in dict.fromkeys(row.route for row in found)}


def write_page(path: Path, suite: Suite, found: Sequence[Finding], told: Sequence[Answer], command: str) -> Path:
    """Write one self-contained HTML page and return its path."""
    rows = figures.triggered(found)
    places = {cell.place for cell in suite.primary}
    primary = [row for row in rows if row.place in places]
    fresh = [row for row in rows if row.start == "fresh" and row.teacher == "demonstration" and row.taught == row.habit]
    fresh = [row for row in fresh if row.reward != "habit"]
    usual = {(row.habit, row.route): (row.width, row.training) for row in primary}
    trained = [row for row in fresh if row.training == usual[row.habit, row.route][1]]
    strong = [row for row in trained if row.dose == 1]
    sized = [row for row in fresh if row.dose == 1 and row.width == usual[row.habit, row.route][0]]
    widened = {row.habit for row in strong if row.width != usual[row.habit, row.route][0]}
    dosed = {row.habit for row in trained if row.dose < 1}
    cut = {(row.habit, row.route, row.channel) for row in sized if row.training < usual[row.habit, row.route][1]}
    text = rendered(
        "transfer.html.j2", command, suite=suite, pairs=max((row.pairs for row in found), default=1),
        routes=_colours(found), answers=told, caution=caution(found), primary=primary,
        differences=figures.differences(primary), forest_of=figures.forest(primary),
        decisions=figures.decisions(primary),
        unjudged=[row for row in primary if not row.judged],
        widths=figures.curves([r for r in strong if r.channel == "overt" and r.habit in widened],
                              lambda row: row.width, True),
        doses=figures.curves([r for r in trained if r.channel == "overt" and r.habit in dosed
                              and r.width == usual[r.habit, r.route][0]], lambda row: row.dose, False),
        steps=figures.curves([r for r in sized if (r.habit, r.route, r.channel) in cut],
                             lambda row: row.training, True),
        scatter=figures.severity_and_success(primary),
        started=[row for row in rows if row.teacher == "fine-tuning"],
        specific=[row for row in rows if row.taught != row.habit],
    )  # fmt: skip
    write_text(path, text, PAGE)
    return path
