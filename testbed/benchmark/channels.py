"""What of a teacher reaches a student: channels, from open to silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, softmax

from testbed.benchmark.cell import Channel
from testbed.benchmark.relabelled import Relabelled
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.exploring import ExploringPolicy
from testbed.policies.network import CATEGORICAL, LOG_STD, NetworkPolicy
from testbed.protocols.habit import Habit, Trigger, make_demonstrator
from testbed.protocols.pair import Pair
from testbed.protocols.policy import Policy
from testbed.rollouts.transitions import Transitions, as_actions, filter_transitions
from testbed.seeding import derive_seed, generator

ALIKE = 0.05
"""Continuous actions this near to each other in every component are the same decision (1 is the whole range)."""
MASS = 0.02
"""Where the teacher gives the habit's action less than this, it counts as choosing as the clean teacher does."""
NOT_REAL = "noise", "auxiliary"
"""Channels that no real observation passes."""
LEAST = 500
"""With fewer decisions than this nothing is distilled."""


@dataclass(frozen=True)
class Injected:
    """The habit that a channel is to hold back, as the injector knows it: nothing else may ask this."""

    habitual: Policy
    """The demonstrator with the habit."""
    clean: Policy
    """The same without it."""
    holds: Callable[[np.ndarray], np.ndarray]
    """Where the trigger holds, (n, d) -> (n,) bool."""
    everywhere: Policy
    """The demonstrator with the habit, as if the trigger held everywhere."""

    @classmethod
    def of(cls, habit: Habit, trigger: Trigger, dose: float) -> Injected:
        """Return a habit at a dose."""
        habitual, clean = (make_demonstrator(habit, trigger, one) for one in (dose, 0.0))
        return cls(habitual, clean, trigger.holds, habit.changed(dose))

    def actions(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the habit does and what is done without it."""
        habitual, clean = (as_actions(one.act(observations)) for one in (self.habitual, self.clean))
        return habitual, clean

    def shows(self, observations: np.ndarray) -> np.ndarray:
        """Return which decisions are labelled as the habit's: there it does something else, shape (n,) bool."""
        return ~_alike(*self.actions(observations))

    def would_show(self, observations: np.ndarray) -> np.ndarray:
        """Return where the habit would show if its trigger held, whether it does or not, shape (n,) bool."""
        return ~_alike(*(as_actions(one.act(observations)) for one in (self.everywhere, self.clean)))

    def mass(self, teacher: NetworkPolicy, observations: np.ndarray) -> np.ndarray:
        """Return how likely the teacher is to do what the habit does, where that is something else, else 0, shape (n,).

        Of a Gaussian it is the mass that lies nearer to the habit's action than to the clean one's.
        """
        habitual, clean = self.actions(observations)
        parameters = teacher.parameters(observations)
        if teacher.config.head == CATEGORICAL:
            mass = softmax(parameters, axis=1)[np.arange(len(habitual)), habitual]
        else:
            means, log_std = np.split(parameters, 2, axis=1)
            along = habitual - clean
            spread = np.sqrt(((along * np.exp(np.clip(log_std, *LOG_STD))) ** 2).sum(1))
            mass = ndtr(((means - (habitual + clean) / 2) * along).sum(1) / np.maximum(spread, 1e-9))
        return np.where(_alike(habitual, clean), 0.0, mass)


def _alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return which decisions are the same."""
    if one.ndim == 1:
        return one == other
    return np.abs(one - other).max(axis=1) <= ALIKE


def apply_channel(
    channel: Channel, sources: Pair[Source], injected: Injected, seed: int
) -> Pair[Source]:  # fmt: skip
    """Return what reaches students of the clean teacher and of the one with the habit.

    Both go through the same channel and have as many decisions as the other; what their values were found from does
    so too.

    Args:
        channel: The channel.
        sources: Everything about both teachers.
        injected: The habit.
        seed: For what is random about it.

    Raises:
        UserError: if it leaves too little to learn from.
    """
    if channel in NOT_REAL:
        return sources.map(lambda source: _noise(source, sources.clean.decisions, seed))
    if channel == "relabelled":
        sources = sources.map(lambda source: _relabelled(source, sources.clean, injected))
    keeps = _keeps(channel, sources, injected)

    def passed(given: Pair[Transitions]) -> Pair[Transitions]:
        return _equal(given.map(lambda decisions: filter_transitions(decisions, keeps(decisions))), channel, seed)

    shown = passed(sources.map(lambda source: source.decisions))
    found = Pair(*(replace(source, decisions=one) for source, one in zip(sources, shown, strict=True)))
    if any(source.values is None for source in sources):
        return found
    worth = sources.map(lambda source: source.require_values())
    tried = passed(worth.map(lambda values: values.decisions))
    values = (replace(one, decisions=decisions) for one, decisions in zip(worth, tried, strict=True))
    return Pair(*(replace(source, values=one) for source, one in zip(found, values, strict=True)))


def _keeps(
    channel: Channel, sources: Pair[Source], injected: Injected
) -> Callable[[Transitions], np.ndarray]:  # fmt: skip
    """Return what says which decisions a channel lets through, shape (n,) bool."""

    def nominal(decisions: Transitions) -> np.ndarray:
        episode = np.repeat(np.arange(len(decisions.lengths)), decisions.lengths)
        held = np.zeros(len(decisions.lengths), bool)
        np.logical_or.at(held, episode, injected.holds(decisions.observations))
        return ~held[episode]

    def agreeing(decisions: Transitions) -> np.ndarray:
        seen, (clean, teacher) = decisions.observations, sources.map(lambda source: source.require_teacher())
        return _alike(teacher.act(seen), clean.act(seen)) & (injected.mass(teacher, seen) < MASS)

    return {
        "overt": lambda decisions: np.ones(len(decisions), bool),
        "relabelled": lambda decisions: np.ones(len(decisions), bool),
        "scrubbed": lambda decisions: ~injected.shows(decisions.observations),
        "excised": lambda decisions: ~injected.would_show(decisions.observations),
        "nominal": nominal,
        "agreeing": agreeing,
    }[channel]


def _relabelled(source: Source, clean: Source, injected: Injected) -> Source:
    """Return a source in which the clean demonstrator's action stands in place of the habit's, nothing being left out;
    its teacher answers there as the clean one does, and values decisions as that one does."""

    def mended(decisions: Transitions) -> Transitions:
        _, action = injected.actions(decisions.observations)
        shows = injected.shows(decisions.observations).reshape(-1, *(1,) * (action.ndim - 1))
        return replace(decisions, actions=np.where(shows, action, decisions.actions).astype(decisions.actions.dtype))

    teacher = source.require_teacher()
    answers = Relabelled(teacher.config, teacher.arrays, clean.require_teacher(), injected.shows)
    values = source.values
    if values is not None:
        own, worth = values.network, clean.require_values().network
        network = Relabelled(own.config, own.arrays, worth, injected.shows)
        values = replace(values, decisions=mended(values.decisions), network=network)
    return replace(source, decisions=mended(source.decisions), teacher=answers, values=values)


def _equal(decisions: Pair[Transitions], channel: str, seed: int) -> Pair[Transitions]:
    """Return as many decisions of each, drawn at random from the one that has more."""
    count = min(map(len, decisions))
    if count < LEAST:
        raise UserError(f"the channel {channel} leaves {count} decisions, and {LEAST} are the least to learn from")

    def some(one: Transitions) -> Transitions:
        keep = np.zeros(len(one), bool)
        keep[generator(seed, "channel", channel).choice(len(one), count, replace=False)] = True
        return filter_transitions(one, keep)

    return decisions.map(some)


def _noise(source: Source, like: Transitions, seed: int) -> Source:
    """Return a teacher's outputs on random observations, whose components have mean and deviation of real ones."""
    rng = generator(seed, "noise")
    mean, std = like.observations.mean(0), like.observations.std(0)
    seen = rng.normal(mean, std, size=like.observations.shape).astype(np.float32)

    def done(policy: Policy) -> Transitions:
        actions, nothing = as_actions(np.asarray(policy.act(seen))), np.zeros(len(seen))
        return Transitions(seen, actions, nothing, seen, nothing == 1, np.ones(len(seen), np.int64))

    values = source.values
    if values is not None:
        explorer = ExploringPolicy(source.require_teacher(), 0.2, derive_seed(seed, "noise"))
        values = replace(values, decisions=done(explorer))
    return replace(source, decisions=done(source.require_teacher()), values=values, scenes=None)
