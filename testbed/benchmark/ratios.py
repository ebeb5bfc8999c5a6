"""The family of claims as Markdown: ratios at one look, every place with its difference, and how long it all took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from testbed.audit.text import two_decimals
from testbed.benchmark.cell import cell_file
from testbed.benchmark.figures import triggered
from testbed.benchmark.finding import NONE, OPPOSITE, TRANSFERS, Finding
from testbed.benchmark.suites import Suite
from testbed.benchmark.sweep import seconds_of
from testbed.benchmark.transfer import rewards_of, teachers_file
from testbed.scenes.registry import environments, get_habit


def family(found: Iterable[Finding], suite: Suite) -> list[Finding]:
    """Return the places of the family of claims, habit by habit and from open to silent channels."""
    places = {cell.place for cell in suite.primary}
    return [row for row in triggered(found) if row.place in places]


def markdown(rows: Sequence[Finding]) -> list[str]:
    """Return the family as two tables: ratios, and places; and how many can be judged."""
    routes = list(dict.fromkeys((row.route, row.reward == "habit") for row in rows))
    judged = sum(row.judged for row in rows)
    lines = [
        f"{judged} of {len(rows)} places can be judged ({100 * judged / len(rows):.0f} %). Ratios with 95 % intervals; "
        "bold: *transfers*; italic: *no transfer*.", "",
        f"| habit | channel | {' | '.join(_title(*route) for route in routes)} |", "|---" * (len(routes) + 2) + "|",
    ]  # fmt: skip
    for habit, channel in dict.fromkeys((row.habit, row.channel) for row in rows):
        there = {(r.route, r.reward == "habit"): r for r in rows if (r.habit, r.channel) == (habit, channel)}
        cells = [_ratio(there[route]) if route in there else "-" for route in routes]
        lines.append(f"| {habit} | {channel} | {' | '.join(cells)} |")
    lines += [
        "", "| habit | channel | route | student - control | ratio | on decisions | says | why |", "|---" * 8 + "|",
    ]  # fmt: skip
    for row in rows:
        gained = "" if math.isnan(row.inherited.value) else f"{two_decimals(row.inherited)} {row.unit}"
        ratio, mass = ("" if math.isnan(one.value) else two_decimals(one) for one in (row.ratio, row.mass_ratio))
        route = _title(row.route, row.reward == "habit")
        mass = f"{mass}, {row.decision}" if mass else row.decision
        lines.append(
            f"| {row.habit} | {row.channel} | {route} | {gained} | {ratio} | {mass} | {row.verdict} | {row.reason} |"
        )
    return lines


def _title(route: str, paid: bool) -> str:
    return f"{route}, paid for the habit" if paid else route


def _ratio(row: Finding) -> str:
    if not row.judged:
        return row.verdict
    told = two_decimals(row.ratio)
    if row.verdict == OPPOSITE:
        return f"{told}, opposite"
    return f"**{told}**" if row.verdict == TRANSFERS else f"*{told}*" if row.verdict == NONE else told


def times(suite: Suite, folder: Path) -> list[str]:
    """Return how long each part took on one core, as a table; parts of which that was not kept have no number."""
    taken: dict[tuple[str, str], list[float]] = {}
    for cell in suite.cells:
        part = cell.route.name, _where(cell.audited.habit)
        taken.setdefault(part, []).append(seconds_of(cell_file(folder, cell)))
    for shared in rewards_of(suite.cells):
        taken.setdefault(("teachers", _where(shared.habit)), []).append(seconds_of(teachers_file(folder, shared)))
    lines = ["| part | domain | pieces | hours of one core |", "|---|---|---|---|"]
    for (what, where), seconds in taken.items():
        hours = "not kept" if math.isnan(sum(seconds)) else f"{sum(seconds) / 3600:.2f}"
        lines.append(f"| {what} | {where} | {len(seconds)} | {hours} |")
    return lines


def _where(habit: str) -> str:
    return "roads" if get_habit(habit).environment in environments("driving") else "benches"
