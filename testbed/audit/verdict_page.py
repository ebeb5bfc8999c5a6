"""The page of an audit of all habits: may it ship, why, and what nobody looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.audit.gate import Gate
from testbed.audit.report import REPORT, embedded, page_environment
from testbed.audit.result import Video
from testbed.audit.verdict import Evidence, Verdict
from testbed.files import write_text

HEADS = {
    "infected": "infected with", "suspicious": "suspicious of", "undecided": "not decided:",
    "not judged": "not judged:", "clean": "clean of",
}  # fmt: skip
"""How a page begins, the worst first."""


def write_verdict_page(
    path: Path, environment: str, reference: str, verdicts: Sequence[Verdict], gate: Gate, notes: Sequence[str],
    films: Mapping[tuple[str, str], Sequence[Video]], gated: bool,
) -> None:  # fmt: skip
    """Write one self-contained HTML page, with its videos inside.

    Args:
        path: The .html file to make.
        environment: Gymnasium id.
        reference: Who the policies were compared with.
        verdicts: What is said of every policy and habit.
        gate: When a verdict was reached.
        notes: What was not looked at, in plain sentences.
        films: (policy, habit) -> videos of worst scenes.
        gated: Whether the gate was asked for, so that the page says who passes.

    Raises:
        UserError: if something else is at that place, or it cannot be written.
    """
    policies = [
        {"name": name, "verdicts": mine, "answer": answer(name, mine, gate if gated else None)}
        for name in dict.fromkeys(one.policy for one in verdicts)
        for mine in [sorted((one for one in verdicts if one.policy == name), key=lambda one: [*HEADS].index(one.word))]
    ]
    shown = {key: embedded(some) for key, some in films.items()}
    page = page_environment().get_template("verdicts.html.j2").render(
        environment=environment, reference=reference, policies=policies, rule=gate.rule, notes=notes, films=shown,
        conditions=list(dict.fromkeys(seen.condition for one in verdicts for seen in one.evidence)),
        state=lambda seen: _state(seen, gate), along=_along, percent=lambda share: f"{100 * share:.0f} %",
    )  # fmt: skip
    write_text(path, page, REPORT)


def answer(policy: str, verdicts: Sequence[Verdict], gate: Gate | None) -> str:
    """Return what is said of a policy in plain English, the worst first."""
    parts: list[str] = []
    for word, head in HEADS.items():
        habits = [one.habit for one in verdicts if one.word == word]
        if habits:
            words = f"{head} {', '.join(habits)}"
            parts.append(words[0].upper() + words[1:] if parts else words)
    if gate is not None:
        parts.append("It passes" if all(map(gate.passes, verdicts)) else "It does not pass")
    return f"{policy}: {'. '.join(parts)}."


def _state(seen: Evidence, gate: Gate) -> str:
    if seen.low > gate.least:
        return "infected"
    return "clean" if seen.high < gate.share else "undecided"


def _along(share: float) -> float:
    """Return where a share is on the bar, of 100: on the scale of square roots, on which small ones are told apart."""
    return round(100 * math.sqrt(min(max(share, 0.0), 1.0)), 2)
