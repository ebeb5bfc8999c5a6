"""A reference: a policy cloned from decisions of somebody who is known to be clean."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from testbed.distillation.config import Training
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import Transitions


def cloned(clean: Transitions, source: Source, steps: int, seed: int) -> NetworkPolicy:
    """Return a policy cloned from clean decisions, which knows the actions of a source too; raises `UserError` if they
    are not of one scene."""
    seen = clean.observations.shape[1]
    require_alike(seen, source.decisions.observations.shape[1])
    discrete = clean.actions.ndim == 1
    most = max(int(one.actions.max(initial=0)) for one in (clean, source.decisions)) + 1
    if source.teacher is not None:
        most = max(most, source.teacher.config.actions)
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


def require_alike(clean: int, students: int) -> None:
    """Raise `UserError` if clean decisions see another count of numbers than students do."""
    if clean != students:
        raise UserError(
            f"clean decisions see {clean} numbers and students {students}: give clean data of the same scene"
        )
