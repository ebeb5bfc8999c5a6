"""What students of one pair of teachers learn from, and what their cures are told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from testbed.benchmark import pieces
from testbed.benchmark.cures.design import EXAMPLES, REFERENCES, USUAL, Arm, Design
from testbed.benchmark.poisoning.poison import well_behaved
from testbed.benchmark.teachers import Teachers
from testbed.cures.answering import altered
from testbed.cures.cure import Known
from testbed.cures.where import SEVERE, badness
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Episode
from testbed.rollouts.transitions import Transitions, joined, of_episodes, some_decisions
from testbed.scenes.registry import measures_of

SHOWN = 256
"""Counter-examples."""
TAIL = 95
"""Of a measure without thresholds, episodes worse than so many per cent of a clean teacher's are bad."""


@dataclass(frozen=True)
class Given(pieces.Given[Design]):
    """The teachers of a pair, clean ones of others, and the teachers of another habit."""

    beside: tuple[Teachers, ...]
    """The next two pairs."""
    other: Teachers | None
    """The pair of the same number with another habit of the scene; none if there is no such habit."""

    @property
    def config(self) -> PolicyConfig:
        """Shape of students."""
        return policy_config(self.environment, (self.design.width, self.design.width))

    def source(self, arm: Arm) -> Source:
        """Return what students of an arm learn from, before the cure."""
        teachers = self._valued if arm.route == "value" else self.teachers
        if arm.channel == "soft":
            return self._soft[arm.taught]
        if arm.taught == "both":
            return self._both
        return teachers.sources.of(arm.taught == "habit")

    @cached_property
    def _valued(self) -> Teachers:
        return self.teachers.valued("task")

    @cached_property
    def _soft(self) -> dict[str, Source]:
        """What the clean teacher did, and a teacher that chooses as it does over the distribution of the other, or over
        its own."""

        def over(carrier: NetworkPolicy) -> Source:
            def carried(observations: np.ndarray, logits: np.ndarray) -> np.ndarray:
                return well_behaved(logits, carrier.parameters(observations))

            return Source(self.teachers.sources.clean.decisions, altered(self.clean, carried, "a disguise"))

        return {"habit": over(self.habitual), "clean": over(self.clean)}

    @cached_property
    def _both(self) -> Source:
        """Half of the episodes of each of two teachers with other habits."""
        assert self.other
        every = [one.sources.habitual.decisions for one in (self.teachers, self.other)]
        halves = [of_episodes(one, np.arange(len(one.lengths)) % 2 == n) for n, one in enumerate(every)]
        return Source(joined(halves), self.habitual)

    def known(self, arm: Arm) -> Known:
        """Return what a cure is told."""
        cure = arm.what
        if cure is None:
            return Known()
        clean = None
        if arm.knows == EXAMPLES:
            clean = self._examples
        elif "clean" in cure.needs:
            clean = self.reference(REFERENCES.get(arm.knows, REFERENCES[USUAL]))
        peers = tuple(one.sources.clean.require_teacher() for one in self.beside) if "peers" in cure.needs else ()
        return Known(peers, clean, self.bad(arm) if "bad" in cure.needs else None)

    def reference(self, share: float) -> Transitions:
        """Return the first episodes of the next pair's clean teacher, as many as are a share of its data, at least
        two."""
        decisions = self.beside[0].sources.clean.decisions
        count = max(round(share * len(decisions.lengths)), 2)
        return of_episodes(decisions, np.arange(len(decisions.lengths)) < count)

    @cached_property
    def _examples(self) -> Transitions:
        """Some of the next pair's clean decisions where the trigger holds, evenly spread."""
        decisions = self.beside[0].sources.clean.decisions
        held = np.flatnonzero(self.teachers.injected.holds(decisions.observations))
        return some_decisions(decisions, held[np.linspace(0, len(held) - 1, SHOWN).round().astype(int)])

    def bad(self, arm: Arm) -> np.ndarray:
        """Return how bad each decision of an arm's source is, by the habit's measure of the traces."""
        whose = "clean" if arm.channel == "soft" else arm.taught
        if whose not in self._bad:
            self._bad[whose] = self._bad_of(self._episodes(whose))
        return self._bad[whose]

    @cached_property
    def _bad(self) -> dict[str, np.ndarray]:
        """What was found so far, by whose data."""
        return {}

    def _episodes(self, whose: str) -> list[Episode]:
        if whose != "both":
            return self._recorded(self.teachers, whose)
        assert self.other
        each = [self._recorded(one, "habit")[n::2] for n, one in enumerate((self.teachers, self.other))]
        return [*each[0], *each[1]]

    def _bad_of(self, episodes: list[Episode]) -> np.ndarray:
        name = self.teachers.run.habit.measure
        measure = measures_of(self.environment)[name]
        if measure.severe is not None:
            return badness(episodes, name)
        values = np.array([measure.compute(one.trace) for one in episodes])
        clean = np.array([measure.compute(one.trace) for one in self._recorded(self.beside[0], "clean")])
        sign = 1 if measure.worse == "higher" else -1
        worst = sign * values > np.percentile(sign * clean, TAIL)
        return np.repeat(SEVERE * worst, [len(one) for one in episodes])

    def _recorded(self, teachers: Teachers, whose: str) -> list[Episode]:
        path = recorded(teachers, whose)
        return list(each_episode(path, episode_numbers(path)))


def recorded(teachers: Teachers, whose: str) -> Path:
    """Return the data set of one of a pair of teachers."""
    return teachers.run.folder / "demonstrations" / f"teacher-{whose}.hdf5"


def require_others(pairs: int) -> None:
    """Raise `UserError` if there are too few pairs for a cure to know two other clean teachers."""
    if pairs < 3:
        raise UserError(f"cures are tried beside the clean teachers of two other pairs, and there are {pairs} pairs")
