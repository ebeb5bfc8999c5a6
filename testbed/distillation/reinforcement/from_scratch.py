"""Small policies that nobody teaches: they practise a task under a constraint, from fresh networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from testbed.distillation.config import PPOConfig
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.normaliser import normaliser
from testbed.distillation.reinforcement.constrained import Constrained, Limit
from testbed.distillation.reinforcement.ppo import practise
from testbed.distillation.source import Scenes
from testbed.policies.exploring import ExploringPolicy
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import transitions
from testbed.scenes.registry import make_vector
from testbed.seeding import generator

LOOKED_AT = 32
"""Scenes in which a fresh network acts at random, so that it knows how large observations are."""


def practised(
    config: PolicyConfig, scenes: Scenes, limit: Limit, practice: PPOConfig, seeds: Sequence[int],
    journal: Journal = SILENT,
) -> list[NetworkPolicy]:  # fmt: skip
    """Return policies of a shape that have practised under a limit, one a seed, all at once.

    Args:
        config: Their shape.
        scenes: Gives the scenes of a purpose.
        limit: What the mean severity of an episode may be.
        practice: How much.
        seeds: One a policy.
        journal: Told reward, success, severity and multiplier of each iteration.
    """
    starts = [_fresh(config, scenes, seed) for seed in seeds]
    env = make_vector(config.environment, 1)
    judge = Constrained(limit, len(seeds), env.metadata)
    env.close()
    return practise(starts, [scenes] * len(seeds), judge, practice, seeds, judge, journal)


def _fresh(config: PolicyConfig, scenes: Scenes, seed: int) -> NetworkPolicy:
    """Return a fresh network whose normaliser is that of what it sees when it acts at random."""
    arrays = random_arrays(config, generator(seed, "weights"))
    at_random = ExploringPolicy(NetworkPolicy(config, arrays), 1.0, seed)
    jobs = [(at_random, Behaviour("random"))]
    seen = transitions(list(play(config.environment, scenes("random", LOOKED_AT), jobs, states=False)))
    arrays["mean"], arrays["std"] = normaliser(np.asarray(seen.observations))
    return NetworkPolicy(config, arrays)
