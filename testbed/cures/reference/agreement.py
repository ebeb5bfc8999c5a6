"""Only decisions that a clean reference would take too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.special import log_softmax

from testbed.cures.cure import Cure, Known, Need
from testbed.cures.reference.fine_tuning import require_alike
from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import Transitions, filter_transitions


@dataclass(frozen=True)
class Agreement(Cure):
    """Clones a reference from clean decisions and leaves out what it finds unlikely (the discriminator of weighted
    cloning, as in Xu et al. 2022, DWBC, here with weights 0 and 1)."""

    name: ClassVar[str] = "agreement"
    needs: ClassVar[frozenset[Need]] = frozenset(("clean",))
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning"))
    least: float = 0.1
    """Probability that the reference has to give what was done."""
    steps: int = 1000
    """Optimiser steps of the reference."""

    def taught(self, source: Source, known: Known, seed: int) -> Source:
        """Return the source without these decisions."""
        reference = cloned(known.require_clean(), source, self.steps, seed)
        kept = likelihood(reference, source.decisions) >= self.least
        if not kept.any():
            raise UserError("a reference finds every decision unlikely: are the clean data of the same scene?")
        return replace(source, decisions=filter_transitions(source.decisions, kept))


def cloned(clean: Transitions, source: Source, steps: int, seed: int) -> NetworkPolicy:
    """Return a policy cloned from clean decisions, which knows the actions of a source too; raises `UserError` if they
    are not of one scene."""
    seen = clean.observations.shape[1]
    require_alike(seen, source.decisions.observations.shape[1])
    discrete = clean.actions.ndim == 1
    most = max(int(one.actions.max(initial=0)) for one in (clean, source.decisions)) + 1
    actions, head = (most, CATEGORICAL) if discrete else (clean.actions.shape[1], GAUSSIAN)
    config = PolicyConfig("reference", seen, actions, (64, 64), head)
    (made,) = Cloning(Training(steps=steps, learning_rate=3e-3)).distil([Source(clean)], config, [seed])
    return made


def likelihood(policy: NetworkPolicy, decisions: Transitions) -> np.ndarray:
    """Return how likely a policy is to do what was done, shape (n,); raises `UserError` if actions are continuous."""
    if policy.config.head != CATEGORICAL:
        raise UserError("agreement is of discrete actions, and these are continuous: choose another cure")
    chances = np.exp(log_softmax(policy.parameters(decisions.observations), axis=1))
    return chances[np.arange(len(decisions)), decisions.actions]


CURE = Agreement
