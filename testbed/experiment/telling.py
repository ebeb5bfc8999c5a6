"""Scenes that tell: those in which a habit would show, as its own demonstrator has it, and the clean one does not.

In others a policy with the habit and one without do the same, and an audit learns nothing. Who is audited has no part
in the choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from testbed.audit import names
from testbed.experiment.arms import Arm
from testbed.experiment.config import Run
from testbed.experiment.evaluate import Part, contexts, score_parts
from testbed.experiment.own import demonstrator_arm
from testbed.protocols.episode import Scenario
from testbed.protocols.measure import Measure

FIRST = 64
"""Scenes that are drawn of a condition at first."""
MOST = 4
"""No more scenes are drawn of a condition than so many times those that are to be played."""


@dataclass
class Telling:
    """The telling scenes of one condition, found so far."""

    run: Run
    """The habit's, in a folder of its own."""
    measure: Measure
    """What shows it; it has a margin."""
    condition: str
    """`triggered`, `untriggered` or `held-out`."""
    most: int
    """Scenes that may be drawn."""
    drawn: int = 0
    """Scenes that were drawn."""
    blocks: int = 0
    """In how many blocks."""
    scenes: list[Scenario] = field(default_factory=list)
    """Those that tell."""
    values: list[float] = field(default_factory=list)
    """The clean demonstrator's measure in each."""
    success: list[float] = field(default_factory=list)
    """Whether it did the task there."""

    @property
    def share(self) -> float:
        """Share of drawn scenes that tell."""
        return len(self.scenes) / max(self.drawn, 1)

    def lacking(self, wanted: int) -> int:
        """Return how many more scenes are to be drawn so that about so many tell; 0 if they do, or no more may be."""
        missing = wanted - len(self.scenes)
        if missing <= 0:
            return 0
        expected = math.ceil(missing / max(self.share, 1 / MOST)) if self.drawn else FIRST
        return min(max(expected, FIRST), self.most - self.drawn)

    def block(self, count: int) -> Part:
        """Return the next scenes as what both demonstrators are to play; no training ever sees one."""
        purpose = f"audit-block-{self.blocks}" + ("-held-out" if self.condition == names.HELD_OUT else "")
        scenes = tuple(self.run.scenarios(purpose, count, contexts(self.run.trigger)[self.condition]))
        arms = demonstrator_arm(self.run), _with_habit(self.run)
        return Part(self.run, arms, f"{self.condition}-block-{self.blocks}", scenes)

    def take(self, scenes: Sequence[Scenario], clean: np.ndarray, habitual: np.ndarray, success: np.ndarray) -> None:
        """Keep those scenes of a block that tell.

        Args:
            scenes: The block.
            clean: The clean demonstrator's measure in each.
            habitual: That of the one with the habit.
            success: Whether the clean one did the task.
        """
        assert self.measure.matters is not None
        tells = self.measure.excess(habitual, clean) >= self.measure.matters
        self.drawn, self.blocks = self.drawn + len(scenes), self.blocks + 1
        self.scenes += [scene for scene, one in zip(scenes, tells, strict=True) if one]
        self.values += clean[tells].tolist()
        self.success += success[tells].tolist()


def _with_habit(run: Run) -> Arm:
    """Return who has the habit in every scene, whatever the trigger."""
    policy = run.habit.changed(1.0)
    return Arm("habit", "", (("habit-demonstrator", policy, repr(policy)),))


def find(pools: Sequence[Telling], wanted: int) -> None:
    """Draw scenes until of every condition as many tell as wanted, or no more may be drawn."""
    while blocks := [(pool, pool.block(count)) for pool in pools if (count := pool.lacking(wanted))]:
        parts = [part for _, part in blocks]
        for (pool, part), (clean, habitual) in zip(blocks, score_parts(parts, "find telling scenes"), strict=True):
            name = pool.measure.name
            pool.take(part.scenarios, clean.measures[name][0], habitual.measures[name][0], clean.success[0])
