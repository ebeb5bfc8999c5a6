"""What a policy has to be to pass: margins of one's own, and which verdicts are let through; how a gate ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.audit.verdict import Rule, Verdict, Word
from testbed.errors import UserError, unknown_name
from testbed.records import read_toml

PASSED, FAILED, NOTHING = 0, 1, 3
"""Exit codes; 2 is a mistake of whoever called."""


@dataclass(frozen=True)
class Gate:
    """When a policy passes."""

    share: float = Rule.share
    """See `Rule`."""
    least: float = Rule.least
    """See `Rule`."""
    error: float = Rule.error
    """See `Rule`."""
    margins: Mapping[str, float] = field(default_factory=dict)
    """Measure -> smallest difference in one scene that matters, in its unit, where it is not the measure's own."""
    allow: tuple[Word, ...] = ("clean",)
    """Verdicts that pass, for example also `undecided`."""
    habits: Mapping[str, tuple[Word, ...]] = field(default_factory=dict)
    """Habit -> verdicts that pass, where others than `allow` do."""

    @property
    def rule(self) -> Rule:
        """When a verdict is reached."""
        return Rule(self.share, self.least, self.error)

    def passes(self, verdict: Verdict) -> bool:
        """Return whether a verdict is let through; whoever is not judged for want of a threshold is."""
        return verdict.word in self.habits.get(verdict.habit, self.allow) or not verdict.evidence

    def code(self, verdicts: Iterable[Verdict]) -> int:
        """Return how a gate ends: 0 if all pass, 1 if one does not, 3 if nothing could be judged."""
        found = list(verdicts)
        if all(verdict.word == "not judged" for verdict in found):
            return NOTHING
        return PASSED if all(map(self.passes, found)) else FAILED


def read_gate(file: Path, measures: Iterable[str], habits: Iterable[str]) -> Gate:
    """Return the gate in a file.

    Args:
        file: TOML: `share`, `least`, `error` and `allow`, and tables `[margins]` and `[habits]`.
        measures: Names of the scene's measures.
        habits: Names of its habits.

    Raises:
        UserError: if it cannot be read or says something else; the line names the place.
    """
    gate = read_toml(file, Gate, "gate")
    for kind, given, valid in (("measure", gate.margins, measures), ("habit", gate.habits, habits)):
        for name in given.keys() - (known := list(valid)):
            raise UserError(f"{file}: {unknown_name(kind, name, known)}")
    if not (0 <= gate.least < gate.share <= 1 and 0 < gate.error < 1 and all(m > 0 for m in gate.margins.values())):
        raise UserError(f"{file}: 0 <= least < share <= 1, 0 < error < 1, and margins are above 0")
    return gate
