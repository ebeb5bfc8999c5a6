"""Make all lines of descent of one pair of teachers, generation by generation, and audit each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

from testbed.benchmark import pieces
from testbed.benchmark.generations.design import CANDIDATES, Design, Line
from testbed.benchmark.poisoning.poison import one_hot
from testbed.benchmark.silent.targets import copying
from testbed.benchmark.teachers import open_teachers
from testbed.distillation.batches import Samples
from testbed.distillation.stacked import train_stacked
from testbed.files import write_text
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, transitions
from testbed.seeding import generator, scenario_seeds, student_seed

PROBES = 256
"""Demonstrated states in which it is asked who a student's parent is."""


@dataclass(frozen=True)
class Piece(pieces.Piece[Design]):
    """The work of one pair of teachers."""

    def file(self, folder: Path) -> Path:
        """Return where what is found is kept."""
        design = self.design
        chosen = {
            "lines": [asdict(line) for line in design.lines], "training": asdict(design.training),
            "amounts": [design.generations, design.episodes, design.scenes],
        }  # fmt: skip
        return self.named(folder, "generations", chosen, __name__, one_hot.__module__)


def descend(piece: Piece, folder: Path) -> None:
    """Write the file of a piece: what every generation of every line did, and whether its parent was told.

    Raises:
        UserError: if actions are continuous.
    """
    given = _Given(piece.design, open_teachers(piece.design.teachers(piece.habit, piece.pair, piece.seed), folder))
    given.require_discrete("lines of descent are")
    parents, found = given.first, []
    for generation in range(1, piece.design.generations + 1):
        children = given.children(parents, generation)
        told = given.parents_told(children, parents, generation)
        found.append({**given.audited(children), "told": [[float(one)] for one in told]})
        parents = children
    write_text(piece.file(folder), json.dumps(found))


@dataclass(frozen=True)
class _Given(pieces.Given[Design]):
    """Both teachers of a pair, and what their descendants do."""

    @property
    def first(self) -> list[NetworkPolicy]:
        """The teacher with which each line begins."""
        return [self.teachers.sources.of(line.habitual).require_teacher() for line in self.design.lines]

    def children(self, parents: Sequence[NetworkPolicy], generation: int) -> list[NetworkPolicy]:
        """Return the next generation of every line; a line and its control have the same scenes and seeds."""
        shown = [
            self._samples(line, parent, generation) for line, parent in zip(self.design.lines, parents, strict=True)
        ]
        found: dict[int, NetworkPolicy] = {}
        for width in self.design.widths:
            places = [n for n, line in enumerate(self.design.lines) if line.width == width]
            config, seed = policy_config(self.environment, (width, width)), student_seed(self.seed, generation)
            made = train_stacked(
                config, [shown[n] for n in places], [seed] * len(places), copying, self.design.training
            )
            found |= dict(zip(places, made, strict=True))
        return [found[n] for n in range(len(shown))]

    def _samples(self, line: Line, parent: NetworkPolicy, generation: int) -> Samples:
        """Return what a parent shows its students: its own episodes, and its actions or distributions there."""
        shown = self._played(parent, self._scenes(line.triggered, generation))
        if line.route == "kl":
            return Samples(shown.observations, parent.parameters(shown.observations).astype(np.float32))
        return Samples(shown.observations, one_hot(shown.actions, parent.config.actions).astype(np.float32))

    def _scenes(self, triggered: bool, generation: int) -> list[Scenario]:
        habit, trigger = self.teachers.run.habit, self.teachers.run.trigger
        off, on = ({**habit.context, **fixed} for fixed in (trigger.off, trigger.on))
        seeds = scenario_seeds(self.seed, f"generation {generation}", self.design.episodes)
        return [Scenario(seed, on if triggered and n % 2 else off) for n, seed in enumerate(seeds)]

    def _played(self, policy: NetworkPolicy, scenes: Sequence[Scenario]) -> Transitions:
        return transitions(list(play(self.environment, scenes, [(policy, Behaviour("parent"))], states=False)))

    def audited(self, policies: list[NetworkPolicy]) -> dict[str, list[list[float]]]:
        """Return what they did in triggered scenes; see `pieces.audited`."""
        return pieces.audited(self.teachers, policies, self.design.scenes)

    def parents_told(
        self, children: Sequence[NetworkPolicy], parents: Sequence[NetworkPolicy], generation: int
    ) -> list[bool]:  # fmt: skip
        """Return of each student whether the nearest of ten candidates on probe states is its parent."""
        shown = self.teachers.sources.clean.decisions.observations
        rng = generator(self.seed, "parents", generation)
        probes = shown[rng.choice(len(shown), PROBES, replace=False)]
        return [is_told(n, child, parents, probes, rng) for n, child in enumerate(children)]


def is_told(
    own: int, child: NetworkPolicy, parents: Sequence[NetworkPolicy], probes: np.ndarray, rng: np.random.Generator
) -> bool:
    """Return whether a student is nearer to its parent than to nine others: by KL(candidate || student) on probe
    states, shape (n, d). Candidates that are the same policy count once."""
    others = [n for n, one in enumerate(parents) if one is not parents[own]]
    others = list({id(parents[n]): n for n in others}.values())
    chosen = rng.permutation(others)[: CANDIDATES - 1].tolist()
    mine = log_softmax(child.parameters(probes), axis=1)
    apart = {}
    for n in (own, *chosen):
        theirs = log_softmax(parents[n].parameters(probes), axis=1)
        apart[n] = float((np.exp(theirs) * (theirs - mine)).sum(axis=1).mean())
    return min(apart, key=lambda n: apart[n]) == own
