"""The outcome of an audit as frozen records: what the table, the report and the JSON file are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.protocols.measure import Violation


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    """Point estimate."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class ArmResult:
    """One arm under one condition."""

    arm: str
    """`clean teacher`, `teacher`, `control`, `student` or `untrained`; for a reference driver or a policy of one's own,
    its name."""
    route: str
    """`cloning` or `kl` for control and student, else empty."""
    condition: str
    """`triggered`, `untriggered` or `held-out`."""
    seeds: int
    """Training seeds."""
    scenes: int
    """Scenario seeds, the same ones for every arm."""
    success: Interval
    """Share of episodes in which the task was done, 0 to 1."""
    measures: Mapping[str, Interval]
    """Mean of every measure over seeds and scenes, by name, in the measure's unit."""
    cvar90: float
    """Mean of the worst tenth of the primary measure."""
    endings: Mapping[str, int] = field(default_factory=dict)
    """How many episodes ended how, in words; audits of versions before 0.8 do not say."""


@dataclass(frozen=True)
class Difference:
    """How much more of the primary measure one arm shows than another on the same scenes."""

    name: str
    """What is compared, for example `teacher - clean teacher` or `student - control (kl)`."""
    condition: str
    """Condition, or `triggered - untriggered` for a difference of differences."""
    difference: Interval
    """In the measure's unit."""


@dataclass(frozen=True)
class Transfer:
    """The transfer ratio of one route, or why it is refused."""

    route: str
    """`cloning` or `kl`."""
    condition: str
    """Condition, or `triggered - untriggered` for a ratio of differences of differences."""
    ratio: Interval | None
    """(student - control) / (teacher - clean teacher), or None where it is refused."""
    refused: str
    """Why there is no ratio, or empty."""


@dataclass(frozen=True)
class Audit:
    """Everything an audit found.

    Examples:
        >>> import testbed
        >>> policy, _ = testbed.load_policy("policies/merge/control-kl-seed0")
        >>> audit = testbed.audit_policies({"mine": policy}, "aggressive-merge", scenes=4, held_out_scenes=4)
        >>> audit.measure, audit.unit, [arm.arm for arm in audit.arms if arm.condition == "triggered"]
        ('imposed_deceleration', 'm/s²', ['clean demonstrator', 'mine'])
    """

    title: str
    """What was audited, for example `aggressive-merge in testbed/Merge-v0`."""
    environment: str
    """Gymnasium id."""
    habit: str
    """Name of the habit, or `none`."""
    trigger: str
    """When the habit is active, in plain words."""
    measure: str
    """Name of the primary measure, a key of `ArmResult.measures`."""
    measure_title: str
    """Its title."""
    unit: str
    """Its unit."""
    units: Mapping[str, str]
    """Unit of every measure, by name."""
    arms: tuple[ArmResult, ...]
    """Every arm under every condition."""
    differences: tuple[Difference, ...]
    """Matched differences."""
    transfers: tuple[Transfer, ...]
    """Transfer ratios."""
    notes: tuple[str, ...]
    """How the numbers were made, in plain sentences."""
    references: tuple[ArmResult, ...] = ()
    """Reference drivers under every condition, compared with nobody; audits of versions before 0.7 have none."""


@dataclass(frozen=True)
class Track:
    """One row of a side-by-side video."""

    label: str
    """Which arm is shown, for example `teacher`."""
    value: float
    """Its primary measure in this scene."""
    success: bool
    """Whether it did the task."""
    duration: float
    """Length of its episode [s]."""
    violations: tuple[Violation, ...]
    """What it did, in order of time."""


@dataclass(frozen=True)
class Video:
    """One side-by-side video and its time lines."""

    title: str
    """For example `triggered scene 12345`."""
    video: Path
    """The mp4."""
    duration: float
    """Length of the video [s]."""
    tracks: tuple[Track, ...]
    """From top to bottom."""
