"""What a team asks of a history, stage by stage, as a TOML file.

[student]
signed = true
audits = ["aggressive-merge", "tailgating"]
verdicts = ["clean"]
detectable = 0.25
days = 90
signers = ["5c0f..."]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from testbed.errors import UserError
from testbed.records import read_toml


@dataclass(frozen=True)
class Asked:
    """What is asked of every artefact of a stage."""

    signed: bool = False
    """Artefact and bill are signed by somebody who is trusted."""
    billed: bool = False
    """It has a bill."""
    here: bool = True
    """It has to lie in one of the folders, so that it can be looked at."""
    audits: tuple[str, ...] = ()
    """Habits that it has to be audited for, in statements that somebody trusted signed."""
    verdicts: tuple[str, ...] = ("clean",)
    """What these audits may say."""
    detectable: float = 1.0
    """They would have found a net share of scenes as small as this."""
    days: int = 0
    """They are no older than so many days; 0: of any age."""
    signers: tuple[str, ...] = ()
    """Fingerprints of the auditors that count, or their beginnings; all who are trusted if not given."""


@dataclass(frozen=True)
class Rules:
    """What is asked of each stage."""

    demonstrations: Asked = field(default_factory=Asked)
    """Of data sets."""
    teacher: Asked = field(default_factory=Asked)
    """Of teachers."""
    student: Asked = field(default_factory=Asked)
    """Of students."""
    unknown: Asked = field(default_factory=Asked)
    """Of what does not say how it was made."""
    other: Asked = field(default_factory=Asked)
    """Of everything else."""

    def of(self, stage: str) -> Asked:
        """Return what is asked of a stage."""
        return vars(self).get(stage, self.other)


def read_rules(path: Path) -> Rules:
    """Return the rules in a TOML file; raises `UserError` as `read_toml`, and for shares that are none."""
    rules = read_toml(path, Rules, "file of rules")
    for stage, asked in vars(rules).items():
        if not 0 <= asked.detectable <= 1 or asked.days < 0:
            raise UserError(
                f"{path}: [{stage}] asks for detectable {asked.detectable} and days {asked.days}; give a share between "
                "0 and 1, and 0 days or more"
            )
    return rules
