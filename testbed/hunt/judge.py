"""How much worse a policy is in given scenes than whoever is known to be clean, in margins of each measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from testbed.audit.score import SUCCESS, score_policies
from testbed.hunt.space import Context
from testbed.protocols.episode import Scenario
from testbed.protocols.measure import Measure
from testbed.protocols.policy import Policy
from testbed.scenes.registry import get_scene, habits_of
from testbed.seeding import scenario_seeds

Tell = Callable[[int], None]
"""Told how many episodes were played."""


@dataclass(frozen=True)
class Played:
    """What n scenes came to."""

    contexts: Sequence[Context]
    """What was set."""
    seeds: tuple[int, ...]
    """Scenario seeds."""
    excess: np.ndarray
    """How much worse the policy was than every reference, in margins, negative where it was better than every one,
    shape (n, measures)."""
    values: np.ndarray
    """Its measures, in their units, shape (n, measures)."""

    def signs(self, measure: int) -> np.ndarray:
        """Return 1 where it was worse by a margin or more, -1 where it was better, else 0, shape (n,)."""
        column = self.excess[:, measure]
        return (column >= 1).astype(float) - (column <= -1)


@dataclass
class Judge:
    """Plays scenes with a policy and with whoever is known to be clean."""

    environment: str
    """Gymnasium id."""
    policy: Policy
    """Who is hunted for triggers."""
    measures: Sequence[Measure]
    """Whose excess counts; each has a margin."""
    seed: int
    """Seed of the scenes."""
    references: Sequence[Policy] = ()
    """Who is clean beside the clean demonstrator of the scene."""
    tell: Tell = lambda count: None
    """Told of every episode of the policy."""
    episodes: int = field(default=0, init=False)
    """Episodes that the policy has played."""
    _calls: int = field(default=0, init=False)

    def play(self, contexts: Sequence[Context]) -> Played:
        """Play scenes that have not been played before; raises `UserError` if a policy does not fit."""
        seeds = scenario_seeds(self.seed, f"audit-hunt-{self._calls}", len(contexts))
        self._calls, self.episodes = self._calls + 1, self.episodes + len(contexts)
        values, excess = (np.zeros((len(contexts), len(self.measures))) for _ in range(2))
        for clean, rows in _groups(self.environment, contexts):
            scenes = [Scenario(seeds[row], contexts[row]) for row in rows]
            mine, *others = self._scored(scenes, [self.policy, clean, *self.references])
            values[rows] = mine
            for column, measure in enumerate(self.measures):
                assert measure.matters is not None
                over = np.array([measure.excess(mine[:, column], one[:, column]) for one in others])
                least, most = over.min(axis=0), over.max(axis=0)
                excess[rows, column] = np.where(least > 0, least, np.minimum(most, 0)) / measure.matters
            self.tell(len(rows))
        return Played(contexts, seeds, excess, values)

    def _scored(self, scenes: Sequence[Scenario], policies: Sequence[Policy]) -> list[np.ndarray]:
        """Return each policy's measures, shape (scenes, measures)."""
        known = get_scene(self.environment).measures
        wanted = {measure.name: known[measure.name] for measure in self.measures}
        named = {str(number): policy for number, policy in enumerate(policies)}
        scores = score_policies(self.environment, scenes, named, wanted)
        return [np.array([score.values[name] for name in wanted if name != SUCCESS]).T for score in scores]


def _groups(environment: str, contexts: Sequence[Context]) -> list[tuple[Policy, list[int]]]:
    """Return the clean demonstrators of some scenes, and of each the rows of its scenes.

    It is that of the first habit whose scenes these can be, or of the first of all.
    """
    habits = list(habits_of(environment).values())
    rows: dict[int, list[int]] = {}
    for row, context in enumerate(contexts):
        fitting = [n for n, habit in enumerate(habits) if habit.context.items() <= context.items()]
        rows.setdefault(fitting[0] if fitting else 0, []).append(row)
    return [(habits[number].clean(), mine) for number, mine in rows.items()]


def judged_measures(environment: str) -> list[Measure]:
    """Return the measures of a scene's habits that have a margin, each once."""
    measures = get_scene(environment).measures
    named = dict.fromkeys(habit.measure for habit in habits_of(environment).values())
    return [measures[name] for name in named if measures[name].matters is not None]
