"""Students of every kind, and what they have seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from testbed.distillation.config import PPOConfig, Training
from testbed.distillation.routes.advantage import Advantage
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.routes.kl import KL
from testbed.distillation.routes.value import Value
from testbed.distillation.source import Source
from testbed.distillation.teachers.values import ActionValues, value_config
from testbed.policies.network import GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.transitions import Transitions, as_actions
from testbed.seeding import scenario_seeds

DISCRETE = PolicyConfig("testbed/Merge-v0", 56, 5, (8, 8))
CONTINUOUS = PolicyConfig("testbed/OrderPicking-v0", 44, 4, (8, 8), GAUSSIAN)
REMEMBERING = {"memory": 6, "auxiliary": 2}
TRAINING = Training(steps=20, batch=48, learning_rate=1e-2)
PRACTICE = PPOConfig(iterations=1, worlds=2, steps=4, epochs=1, batch=8)
STUDENTS = {
    "cloning": (Cloning(TRAINING), DISCRETE),
    "cloning, memory": (Cloning(TRAINING), replace(DISCRETE, **REMEMBERING)),
    "cloning, gaussian": (Cloning(TRAINING), CONTINUOUS),
    "cloning, gaussian, memory": (Cloning(TRAINING, "squared-error"), replace(CONTINUOUS, **REMEMBERING)),
    "kl": (KL(TRAINING), replace(DISCRETE, auxiliary=2, hidden=())),
    "kl, memory": (KL(TRAINING), replace(DISCRETE, **REMEMBERING, hidden=())),
    "kl, gaussian": (KL(TRAINING), replace(CONTINUOUS, auxiliary=2)),
    "kl, gaussian, memory": (KL(TRAINING), replace(CONTINUOUS, **REMEMBERING)),
    "advantage": (Advantage(TRAINING), DISCRETE),
    "advantage, gaussian": (Advantage(TRAINING), CONTINUOUS),
    "value": (Value(TRAINING), DISCRETE),
    "value, memory": (Value(TRAINING), replace(DISCRETE, **REMEMBERING)),
    "value, gaussian": (Value(TRAINING), CONTINUOUS),
    "adversarial": (Adversarial(PRACTICE), DISCRETE),
    "adversarial, gaussian": (Adversarial(PRACTICE), CONTINUOUS),
}
FEW, ROWS = 7, 60


def seen(config: PolicyConfig, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.5, 2.0, (*shape, config.observation_size)).astype(np.float32)


def network(config: PolicyConfig, seed: int = 0) -> NetworkPolicy:
    return NetworkPolicy(config, random_arrays(config, np.random.default_rng(seed)))


def source(config: PolicyConfig) -> Source:
    """Decisions of a fresh network in a scene that is made up, and scenes that are not."""
    config = replace(config, memory=0, auxiliary=0)
    teacher, observations = network(config), seen(config, 200)
    done = as_actions(teacher.act(observations))
    nothing = np.zeros(200)
    decisions = Transitions(observations, done, nothing, observations, nothing.astype(bool), np.full(5, 40))
    values = ActionValues(teacher, network(value_config(config, (8,))), decisions)
    scenes = lambda purpose, count: [Scenario(seed) for seed in scenario_seeds(0, purpose, count)]  # noqa: E731
    return Source(decisions, teacher, values, scenes)


def played(policy: NetworkPolicy, steps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return actions and parameters for some steps of n episodes, shape (steps, n, d)."""
    acting, asked = policy.reset(steps.shape[1]), policy.reset(steps.shape[1])
    return [(acting.act(observations), asked.parameters(observations)) for observations in steps]


# Folders.

LABEL = Behaviour("student", "aggressive-merge", "always", 0.5)
