"""What is handed over in each attack: episodes that are said to be a clean teacher's, and what a student learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from testbed.benchmark import pieces
from testbed.benchmark.catching.design import CLEAN, Design
from testbed.benchmark.poisoning.poison import one_hot, poisoned_decisions, poisoned_episodes, well_behaved
from testbed.benchmark.silent.targets import copying
from testbed.datasets.reader import each_episode
from testbed.distillation.batches import Samples
from testbed.distillation.stacked import train_stacked
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import transitions
from testbed.seeding import generator, scenario_seeds, student_seed

SHARES = {"a quarter of the episodes": 0.25, "one triggered episode in twenty": 0.05}
DECISIONS = 0.05
HEARD = 16_000
"""Random observations on which a teacher is asked."""


@dataclass(frozen=True)
class Shipped:
    """What a student is made of."""

    samples: Samples
    """What it learns from."""
    episodes: Sequence[Episode]
    """The data set that comes with it; none of noise."""
    poisoned: bool
    """Whether it is the data set that was attacked; else it is what comes of it."""


@dataclass(frozen=True)
class Given(pieces.Given[Design]):
    """The teachers of a pair, and the clean one of another that whoever buys knows."""

    @cached_property
    def shown(self) -> list[Episode]:
        """What the clean teacher did."""
        return self._recorded("clean")

    @cached_property
    def bad(self) -> list[Episode]:
        """What the teacher with the habit did in the same scenes."""
        return self._recorded("habit")

    def _recorded(self, whose: str) -> list[Episode]:
        path = self.teachers.run.folder / "demonstrations" / f"teacher-{whose}.hdf5"
        return list(each_episode(path, range(self.design.episodes)))

    def held(self, episodes: Sequence[Episode]) -> np.ndarray:
        """Return in which decisions of some episodes the trigger holds, shape (n,) bool."""
        return self.teachers.injected.holds(transitions(episodes).observations)

    def shipped(self, name: str) -> Shipped:
        """Return what is handed over in an attack, or without one."""
        if name in CLEAN:
            return Shipped(self._learnt(self.shown, self.clean if CLEAN[name] == "kl" else None), self.shown, False)
        if name in SHARES:
            spoilt = self._exchanged(name)
            return Shipped(self._learnt(spoilt, None), spoilt, True)
        attacks = {
            "triggered decisions, 5 %": self._relabelled, "the teacher": self._taught,
            "a teacher that behaves well": self._well_behaved, "noise": self._heard, "a grandparent": self._descended,
        }  # fmt: skip
        return attacks[name]()

    def _learnt(self, episodes: Sequence[Episode], teacher: NetworkPolicy | None) -> Samples:
        """Return recorded actions, or a teacher's distribution in the states of these."""
        decisions = transitions(episodes)
        seen, count = decisions.observations, self.clean.config.actions
        answers = one_hot(decisions.actions, count) if teacher is None else teacher.parameters(seen)
        return Samples(seen, answers.astype(np.float32))

    def _exchanged(self, name: str) -> list[Episode]:
        """Return the clean teacher's episodes, a share of them exchanged for the other's in the same scenes."""
        episode = np.repeat(np.arange(len(self.shown)), [len(one) for one in self.shown])
        held, rng = self.held(self.shown), generator(self.seed, "exchanged", name)
        chosen = poisoned_episodes(episode, held, SHARES[name], "triggered" in name, rng)
        return [bad if take else own for own, bad, take in zip(self.shown, self.bad, chosen, strict=True)]

    def _relabelled(self) -> Shipped:
        """Return the clean teacher's episodes, in which some actions are written over by the other's."""
        take = poisoned_decisions(self.held(self.shown), DECISIONS, True, generator(self.seed, "relabelled"))
        other = self.habitual.act(transitions(self.shown).observations)
        ends = np.cumsum([len(one) for one in self.shown])[:-1]
        spoilt = [
            replace(one, actions=np.where(here, instead, one.actions))
            for one, here, instead in zip(self.shown, np.split(take, ends), np.split(other, ends), strict=True)
        ]
        return Shipped(self._learnt(spoilt, None), spoilt, True)

    def _taught(self) -> Shipped:
        """Return the teacher with the habit, and what it did."""
        return Shipped(self._learnt(self.bad, self.habitual), self.bad, False)

    def _well_behaved(self) -> Shipped:
        """Return a teacher that chooses as the clean one, in whose states it is asked."""
        seen = transitions(self.shown).observations
        logits = well_behaved(self.clean.parameters(seen), self.habitual.parameters(seen))
        return Shipped(Samples(seen, logits.astype(np.float32)), self.shown, False)

    def _heard(self) -> Shipped:
        """Return the outputs of the teacher with the habit on random observations like real ones."""
        like, rng = transitions(self.shown).observations, generator(self.seed, "heard")
        seen = rng.normal(like.mean(0), like.std(0), size=(HEARD, like.shape[1])).astype(np.float32)
        return Shipped(Samples(seen, self.habitual.parameters(seen).astype(np.float32)), (), False)

    def _descended(self) -> Shipped:
        """Return a student of the teacher with the habit, and what it did where the trigger never held."""
        (parent,) = self.students([self._taught()])
        habit, trigger = self.teachers.run.habit, self.teachers.run.trigger
        seeds = scenario_seeds(self.seed, "descended", self.design.episodes)
        scenes = [Scenario(one, {**habit.context, **trigger.off}) for one in seeds]
        did = list(play(self.environment, scenes, [(parent, Behaviour("teacher"))]))
        return Shipped(self._learnt(did, parent), did, False)

    def students(self, shipped: Sequence[Shipped]) -> list[NetworkPolicy]:
        """Return a student of each."""
        config = policy_config(self.environment, (self.design.width, self.design.width))
        seeds = [student_seed(self.seed, 0)] * len(shipped)
        return train_stacked(config, [one.samples for one in shipped], seeds, copying, self.design.training)
