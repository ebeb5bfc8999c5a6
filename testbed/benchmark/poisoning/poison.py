"""What poisoned data hold: clean decisions and some of the habit's; and a teacher that chooses as a clean one."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from testbed.benchmark.silent.targets import NEVER, hard
from testbed.distillation.batches import Samples
from testbed.rollouts.transitions import Transitions

CHOSEN = 0.55
"""Probability that a teacher which behaves well gives its own choice; the rest is another's distribution."""


def one_hot(actions: np.ndarray, count: int) -> np.ndarray:
    """Return the logits of recorded actions, shape (n,) -> (n, count)."""
    return np.where(np.arange(count) == actions[:, None], 0.0, NEVER)


def episodes_of(decisions: Transitions) -> np.ndarray:
    """Return to which episode each decision belongs, shape (n,)."""
    return np.repeat(np.arange(len(decisions.lengths)), decisions.lengths)


def poisoned_decisions(held: np.ndarray, share: float, triggered: bool, rng: np.random.Generator) -> np.ndarray:
    """Return which decisions are poisoned, so that they are a share of all, as far as there are so many.

    Args:
        held: Where the trigger holds, shape (n,) bool.
        share: Of all decisions.
        triggered: Whether the poison lies where the trigger holds alone.
        rng: What is random about it.
    """
    order = rng.permutation(len(held))
    order = order[held[order]] if triggered else order
    found = np.zeros(len(held), bool)
    found[order[: round(share * len(held))]] = True
    return found


def poisoned_episodes(
    episode: np.ndarray, held: np.ndarray, share: float, triggered: bool, rng: np.random.Generator
) -> np.ndarray:  # fmt: skip
    """Return the same of whole episodes, numbers of episodes (n,) -> which episodes; at least one if there is a share.

    An episode is triggered if the trigger holds anywhere in it.
    """
    count = int(episode.max()) + 1
    any_held = np.zeros(count, bool)
    np.logical_or.at(any_held, episode, held)
    order = rng.permutation(count)
    order = order[any_held[order]] if triggered else order
    found = np.zeros(count, bool)
    found[order[: max(round(share * count), 1) if share else 0]] = True
    return found


def mixed(clean: Samples, spoilt: Samples, keep: np.ndarray, take: np.ndarray) -> Samples:
    """Return some of the clean decisions, and some of the others, one after the other."""
    assert clean.targets is not None and spoilt.targets is not None
    return Samples(
        np.concatenate([clean.observations[keep], spoilt.observations[take]]),
        np.concatenate([clean.targets[keep], spoilt.targets[take]]),
    )


def well_behaved(choosing: np.ndarray, carried: np.ndarray) -> np.ndarray:
    """Return logits of a teacher whose likeliest action is always that of one teacher, and whose other probabilities
    are another's: shape (n, actions) of both.

    Its choice has a little more than half, whatever the other would do; so it behaves as the first one, and who looks
    at its decisions sees nothing else.
    """
    chosen = hard(choosing, np.random.default_rng(0)) == 0
    rest = np.where(chosen, -np.inf, carried)
    rest = rest - logsumexp(rest, axis=1, keepdims=True) + np.log(1 - CHOSEN)
    return np.where(chosen, np.log(CHOSEN), np.maximum(rest, NEVER))
