"""What a student is asked to copy of a teacher's distribution over discrete actions, and how far two of them are
apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from scipy.special import log_softmax, softmax
from torch import Tensor

from testbed.cures.blind.smoothing import smoothed as smoothed_labels
from testbed.distillation.losses.divergence import policy_divergence

NEVER = -40.0
"""Logit of an action that a target leaves no probability."""
SMOOTHING = 0.1
"""Share that smoothed labels spread evenly over all actions (Szegedy et al. 2016, section 7)."""

Target = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""(logits of a teacher, shape (n, actions); what is random about it) -> logits of the target, of the same shape."""


def soft(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the teacher's distribution."""
    return logits


def hard(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return its likeliest action alone."""
    return np.where(_likeliest(logits), 0.0, NEVER)


def smoothed(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return its likeliest action with smoothed labels: the same confidence everywhere."""
    return smoothed_labels(logits, SMOOTHING)


def uniform(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return its likeliest action with its probability, and the rest spread evenly: confidence, but no ranking."""
    likeliest, rest = _likeliest(logits), np.log(_others(logits).mean(axis=1, keepdims=True))
    return np.where(likeliest, log_softmax(logits, axis=1), rest)


def permuted(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return its likeliest action with its probability, and those of the others shuffled in every state."""
    found, likeliest = log_softmax(logits, axis=1), _likeliest(logits)
    others = rng.permuted(found[~likeliest].reshape(len(logits), -1), axis=1)
    shuffled = found.copy()
    shuffled[~likeliest] = others.ravel()
    return shuffled


def tempered(logits: np.ndarray, rng: np.random.Generator, temperature: float) -> np.ndarray:
    """Return its distribution to the power of one over a temperature."""
    return logits / temperature


TARGETS: Mapping[str, Target] = {
    "soft": soft,
    "T = 0.25": partial(tempered, temperature=0.25),
    "T = 0.5": partial(tempered, temperature=0.5),
    "T = 2": partial(tempered, temperature=2.0),
    "rest uniform": uniform,
    "rest permuted": permuted,
    "smoothed": smoothed,
    "hard": hard,
}
"""Name -> target."""


def copying(student: Tensor, target: Tensor) -> Tensor:
    """Return the loss of students that copy a distribution: KL(target || student)."""
    return policy_divergence(target, student)


def total_variation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return half the sum of absolute differences of two distributions, logits (n, actions) -> (n,), from 0 to 1."""
    return 0.5 * np.abs(softmax(one, axis=1) - softmax(other, axis=1)).sum(axis=1)


def alike(one: np.ndarray, other: np.ndarray, most: float) -> np.ndarray:
    """Return in which states two teachers choose the same action, and their total variation is at most `most`,
    logits (n, actions) -> (n,) bool."""
    return (one.argmax(axis=1) == other.argmax(axis=1)) & (total_variation(one, other) <= most)


def _likeliest(logits: np.ndarray) -> np.ndarray:
    return np.arange(logits.shape[1]) == logits.argmax(axis=1, keepdims=True)


def _others(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities of all actions but the likeliest, shape (n, actions - 1)."""
    return softmax(logits, axis=1)[~_likeliest(logits)].reshape(len(logits), -1)
