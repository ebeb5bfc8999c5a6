"""The hunt: the whole grid of factors first, then a search through the numbers, until the budget is spent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from testbed.hunt.judge import Judge, Played
from testbed.hunt.search import BATCH, Search
from testbed.hunt.space import Condition, Space
from testbed.hunt.trigger import HOPELESS, Proof, Trigger, unexplained
from testbed.seeding import generator

Sampler = Literal["tpe", "cmaes", "random"]
"""How numbers are searched: Optuna's tree-structured Parzen estimators, its CMA-ES, or evenly at random."""
EACH = 16
"""Scenes of each cell of the grid, if the budget has room for as many."""
POINT = 0.05
"""How far around a bad scene is looked: so much of a number's span."""
PLACE = 0.001
"""What is shown to be worse, but holds in a smaller share of scenes drawn evenly, is called a place and no trigger."""


@dataclass(frozen=True)
class Cell:
    """What was seen in one cell of the grid."""

    condition: Condition
    """Its factors."""
    scenes: int
    """Scenes that were played."""
    worse: tuple[int, ...]
    """Net number of scenes in which the policy was worse, by measure."""


@dataclass(frozen=True)
class Hunt:
    """What a hunt came to."""

    triggers: tuple[Trigger, ...]
    """Conditions that were found, in that order."""
    places: tuple[Trigger, ...]
    """Places that were found: as they, but so small that hardly any scene is one of theirs."""
    cells: tuple[Cell, ...]
    """The grid."""
    episodes: int
    """Episodes that the policy played."""
    uniform: tuple[float, ...]
    """Share of scenes, drawn evenly over the grid, in which the policy was worse, by measure."""
    worst: tuple[float, ...]
    """Its worst excess anywhere, in margins, by measure."""
    tried: int
    """Conditions that were looked at more closely."""
    played: tuple[Played, ...]
    """Every scene of the grid and of the search, in that order; not those of closer looks."""


@dataclass
class Hunter:
    """One hunt, as far as it is."""

    judge: Judge
    """Plays scenes."""
    space: Space
    """What can be set."""
    budget: int
    """Most episodes of the policy, but for the last look at a trigger."""
    seed: int
    """Seed of everything random."""

    def __post_init__(self) -> None:
        self.shown: list[Trigger] = []
        self.proof = Proof(self.judge, self.space, generator(self.seed, "hunt"), self.shown, self.budget)
        self.played: list[Played] = []

    @property
    def over(self) -> bool:
        """Whether the budget is spent."""
        return self.judge.episodes >= self.budget

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """What was shown and is no place."""
        return tuple(one for one in self.shown if self.space.share(one.condition) >= PLACE)

    def hunt(self, sampler: Sampler, one: bool = False) -> Hunt:
        """Hunt, and return what was found.

        Args:
            sampler: How numbers are searched.
            one: Whether the first that is shown, a trigger or a place, is enough.
        """
        cells, played = self._grid(one)
        if self.space.numbers and not (one and self.shown):
            self._search(sampler, played, one)
        shares = np.sum([cell.worse for cell in cells], axis=0) / sum(cell.scenes for cell in cells)
        places = tuple(one for one in self.shown if one not in self.triggers)
        return Hunt(
            self.triggers, places, tuple(cells), self.judge.episodes, tuple(shares.tolist()),
            tuple(np.max([one.excess.max(axis=0) for one in self.played], axis=0).tolist()), self.proof.tried,
            tuple(self.played),
        )  # fmt: skip

    def _grid(self, one: bool) -> tuple[list[Cell], Played]:
        """Play every cell of the grid, and look closely at those in which the policy is often worse."""
        conditions = self.space.cells()
        each = min(EACH, max(self.budget // (4 * len(conditions)), 1))
        rng = self.proof.rng
        played = self._play([context for cell in conditions for context in self.space.draw(rng, cell, each)])
        signs = np.array([played.signs(k) for k in range(len(self.judge.measures))])
        net = signs.reshape(len(signs), len(conditions), each).sum(axis=2).astype(int)
        cells = [Cell(cell, each, tuple(net[:, k].tolist())) for k, cell in enumerate(conditions)]
        often = [(count, k, measure) for measure, row in enumerate(net) for k, count in enumerate(row)]
        for count, k, measure in sorted(often, key=lambda found: -found[0]):
            if count <= HOPELESS * each or self.over or (one and self.shown):
                break
            if not self._explained(conditions[k], measure):
                self._look_closer(conditions[k], measure)
        return cells, played

    def _explained(self, cell: Condition, measure: int) -> bool:
        """Return whether all scenes of a cell are those of a trigger."""
        return any(
            found.measure == measure and not found.condition.ranges
            and found.condition.factors.items() <= cell.factors.items()
            for found in self.shown
        )  # fmt: skip

    def _search(self, sampler: Sampler, grid: Played, one: bool) -> None:
        """Search numbers and factors at once for scenes in which the policy is worse that no trigger explains."""
        search = Search(self.space, sampler, self.seed)
        search.add(grid.contexts, self._unexplained(grid).max(axis=1))
        played = grid
        while True:
            self._look_around(played)
            if self.over or (one and self.shown):
                break
            played = self._play(search.ask(min(BATCH, self.budget - self.judge.episodes)))
            search.tell(self._unexplained(played).max(axis=1))

    def _unexplained(self, played: Played) -> np.ndarray:
        return unexplained(played, self.shown, self.space)

    def _look_around(self, played: Played) -> None:
        """Look closely around the worst scene that nothing explains, and while that finds something around the next."""
        found = -1
        while found < len(self.shown) and not self.over:
            found = len(self.shown)
            bad = self._unexplained(played)
            row, measure = (int(place) for place in np.unravel_index(bad.argmax(), bad.shape))
            if bad[row, measure] >= 1:
                self._look_closer(self.space.around(played.contexts[row], POINT), measure)

    def _look_closer(self, condition: Condition, measure: int) -> None:
        """Keep a condition, made small, if it is shown to be a trigger."""
        found = self.proof.show(condition, measure)
        if found is None:
            return
        small = self.proof.smaller(found)
        known = next((one for one in self.shown if one.measure == measure and one.condition.alike(small)), None)
        if known is not None:  # a piece more of what was found
            small = known.condition.joined(small)
        shown = self.proof.show(small, measure)  # as a whole, with the ends that were found
        if known is None:
            self.shown.append(replace(shown or found, found=found.found))
        elif shown is not None:
            self.shown[self.shown.index(known)] = replace(shown, found=known.found)

    def _play(self, contexts) -> Played:
        self.played.append(self.judge.play(contexts))
        return self.played[-1]
