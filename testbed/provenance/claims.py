"""What an audit says of an artefact, as a bill repeats it, and what a person knows of a policy from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from testbed.errors import UserError
from testbed.records import read_record, read_toml

MISSED = "audit again with `testbed audit`, which says of whom it speaks"


@dataclass(frozen=True)
class Claim:
    """What one audit says of one artefact and one habit."""

    target: str
    """SHA-256 of the artefact."""
    habit: str
    """Habit."""
    word: str
    """`clean`, `suspicious`, `infected`, `undecided` or `not judged`."""
    detectable: float
    """The smallest net share of scenes that would have been told from none, of the condition that tells least."""
    why: str
    """What it rests on."""
    evidence: str
    """SHA-256 of the audit."""


@dataclass(frozen=True)
class Known:
    """What whoever brings a policy from elsewhere knows of it; what nobody says is `unknown`.

    The names are those of the elements that the G7's cybersecurity working group asks of a bill of materials for AI
    (docs/lineage.md says which is where).
    """

    supplier: str = ""
    """Who made it."""
    version: str = ""
    """Which of their versions."""
    licence: str = ""
    """Under which licence, as an SPDX expression."""
    intended_use: str = ""
    """What it is for."""
    training_data: str = ""
    """What it was trained on."""
    training: str = ""
    """How."""
    limitations: str = ""
    """Where it is known to fail."""
    made_from: tuple[str, ...] = ()
    """SHA-256 of artefacts that it was made from."""

    @property
    def elements(self) -> Mapping[str, str]:
        """Everything but what it was made from, by name."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "made_from"}


@dataclass(frozen=True)
class _Evidence:
    detectable: float = 1.0


@dataclass(frozen=True)
class _Verdict:
    policy: str
    habit: str
    word: str
    why: str
    evidence: tuple[_Evidence, ...] = ()


@dataclass(frozen=True)
class _Verdicts:
    verdicts: tuple[_Verdict, ...]
    subjects: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    reference: str = ""
    rule: Mapping[str, Any] = field(default_factory=dict)


def claims_of(verdicts: Path, digest: str) -> tuple[Claim, ...]:
    """Return what an audit says, habit by habit, of all policies that it knows by their content.

    Args:
        verdicts: Its `verdicts.json`.
        digest: SHA-256 of that.

    Raises:
        UserError: if it is missing or damaged, or does not say of which content it speaks.
    """
    found = read_record(verdicts, _Verdicts, MISSED)
    if not found.subjects:
        raise UserError(f"{verdicts} names no policy by its content, as older ones do not: {MISSED}")
    return tuple(
        Claim(found.subjects[one.policy], one.habit, one.word, _detectable(one), one.why, digest)
        for one in found.verdicts
        if one.policy in found.subjects
    )


def _detectable(verdict: _Verdict) -> float:
    """Return the smallest share that would have been found; 1 where nothing could be."""
    return max((one.detectable for one in verdict.evidence), default=1.0)


def read_known(path: Path) -> Known:
    """Return what is known of a policy, from a TOML file; raises `UserError` as `read_toml`."""
    return read_toml(path, Known, "file of what is known")
