"""A small task with a habit under a trigger, its decisions, and who knows what of it."""

from __future__ import annotations

import numpy as np

from testbed.cures.cure import Known, distil_cured
from testbed.cures.registry import get_cure
from testbed.distillation.config import Learning, Training
from testbed.distillation.registry import get_route
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import Transitions

SHAPE = PolicyConfig("testbed/Merge-v0", 4, 3, (32,))
EPISODES, STEPS = 60, 20
ROUTES = {name: get_route(name).usual(Learning(Training(steps=400, learning_rate=1e-2))) for name in ("kl", "cloning")}


def decisions(seed: int, habit: bool = True) -> Transitions:
    """Return episodes of a task with a habit: the sign of what is seen first says what to do, 0 or 1; where the last
    number is above 0.5, in every third episode, a bad driver does 2."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(EPISODES * STEPS, 4)).astype(np.float32)
    seen[:, 3] = np.repeat(np.arange(EPISODES) % 3 == 0, STEPS)
    actions = (seen[:, 0] > 0).astype(np.int64)
    if habit:
        actions[seen[:, 3] > 0.5] = 2
    count = len(seen)
    return Transitions(seen, actions, np.zeros(count), seen, np.zeros(count, bool), np.full(EPISODES, STEPS))


DATA, CLEAN = decisions(0), decisions(1, habit=False)
BAD = np.repeat(np.arange(EPISODES) % 3 == 0, STEPS).astype(float)
TEST = decisions(2, habit=False)
TRIGGERED = TEST.observations[:, 3] > 0.5


def taught(data: Transitions, seed: int) -> NetworkPolicy:
    (made,) = ROUTES["cloning"].distil([Source(data)], SHAPE, [seed])
    return made


TEACHER, PEERS = taught(DATA, 0), tuple(taught(decisions(seed, habit=False), seed) for seed in (10, 11))
KNOWN = Known(PEERS, CLEAN, BAD)


def habit_of(policy: NetworkPolicy) -> float:
    return float((policy.act(TEST.observations)[TRIGGERED] == 2).mean())


def skill_of(policy: NetworkPolicy) -> float:
    done = policy.act(TEST.observations) == TEST.actions
    return float(done[~TRIGGERED].mean())


def student(cure: str, route: str) -> NetworkPolicy:
    source = Source(DATA, TEACHER)
    (made,) = distil_cured(get_cure(cure)(), ROUTES[route], [source], KNOWN, SHAPE, [5])
    return made
