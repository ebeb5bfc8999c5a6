"""What catches what, as a table of every number and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.audit.result import Interval
from testbed.audit.text import percent
from testbed.benchmark.catching.design import CHECKS
from testbed.benchmark.catching.effects import Attacked, uncaught
from testbed.benchmark.columns import write_columns
from testbed.benchmark.finding import NOWHERE
from testbed.files import Kind

CATCHING = Kind(
    "a table of what catches what",
    lambda path: path.is_file() and path.read_bytes().startswith(b"habit,attack,check,"),
)
"""What a new table replaces."""


@dataclass(frozen=True)
class Row:
    """An attack and a check."""

    habit: str
    """Habit, or `all`."""
    attack: str
    """What was attacked, or nothing."""
    check: str
    """What looked."""
    chains: int
    """Chains that it looked at."""
    ratio: Interval
    """What the attack hands down."""
    success: float
    """Share of triggered scenes in which students do their task."""
    caught: Interval
    """Share of chains in which the check found something; without an attack these are false alarms."""


def write_table(path: Path, found: Sequence[Attacked]) -> Path:
    """Write every number as CSV, a row for each attack and check, and return its path."""
    rows = [
        Row(one.habit, one.attack, check, one.chains if check in one.caught else 0, one.ratio, one.success,
            one.caught.get(check, NOWHERE)) for one in found for check in CHECKS
    ]  # fmt: skip
    return write_columns(path, rows, CATCHING)


def markdown(found: Sequence[Attacked]) -> list[str]:
    """Return the table over all habits: a row for each attack, a column for each check; and what nothing catches."""
    every = sorted((one for one in found if one.habit == "all"), key=lambda one: one.attacks)
    rows = [f"| attacked | handed down | {' | '.join(CHECKS)} |", "|---" * (2 + len(CHECKS)) + "|"]
    for one in every:
        cells = [_share(one.caught.get(check)) for check in CHECKS]
        handed = percent(one.ratio) if one.attacks else "none"
        rows.append(f"| {one.attack} | {handed} | {' | '.join(cells)} |")
    names = ", ".join(one.attack for one in uncaught(found))
    told = f"Hands a habit down, and no check tells it from a clean chain: {names}." if names else (
        "Every attack that hands a habit down is told from a clean chain by some check.")  # fmt: skip
    return [*rows, "", f"{every[0].chains} chains each. {told}"]


def _share(caught: Interval | None) -> str:
    return percent(caught) if caught is not None else "nothing to look at"
