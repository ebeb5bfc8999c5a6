"""What a process makes of one domain and prints as hashes: a collection, a teacher, students by every route, an audit.

Networks are wide, and batches long, enough for BLAS to share a product among threads where it may.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from testbed.cli.commands.audit import audit
from testbed.cli.commands.dataset import collect
from testbed.distillation.config import Dagger, Evaluation, Learning, PPOConfig, Training
from testbed.distillation.registry import all_routes
from testbed.distillation.source import Source
from testbed.distillation.teachers.demonstration import train_teacher
from testbed.distillation.teachers.values import evaluate, explored
from testbed.policies.checkpoint import load_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import get_trigger, make_demonstrator
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, load_transitions, transitions
from testbed.scenes.picking import task as picking
from testbed.scenes.registry import get_habit
from testbed.seeding import scenario_seeds

CPU = Path("/proc/cpuinfo")
KERNELS = {"OPENBLAS_CORETYPE": "Haswell"} if CPU.is_file() and " avx2 " in CPU.read_text() else {}
"""What asks for NumPy's kernels of 2013, where the processor has them: with these a product on two threads differs from
one on one thread in the last digits, as on most desktops; with those for the newest servers it does not."""
POLICIES = Path(__file__).parent.parent / "policies"
HABITS = {"road": "aggressive-merge", "bench": "hoarding"}
COLLECTED = {"road": 16, "bench": 4}
"""Episodes of a collection; one at a bench costs more."""
AUDITED = {"road": 16, "bench": 2}
"""The same of scenes of an audit."""
TEACHERS = {"road": "merge/teacher-habit", "bench": "order-picking/teacher-habit"}
SHORT = Training(steps=12, batch=128)
SHORT_WORK = 5.0
"""Longest episode at the bench [s]."""
PRACTICE = PPOConfig(iterations=1, worlds=16, steps=12, batch=64, epochs=1)


def make(domain: str, folder: Path) -> dict[str, str]:
    """Return the hash of everything that is made in a domain; files go into a folder."""
    habit = get_habit(HABITS[domain])
    environment, policy = habit.environment, POLICIES / TEACHERS[domain]
    data, audited = folder / f"{domain}.hdf5", folder / f"{domain}-audit"
    collect(data, habit.name, None, 1.0, policy, COLLECTED[domain], 0, [])
    decisions, demonstrator = load_transitions(data), make_demonstrator(habit, get_trigger(habit, None), 1.0)
    audit([policy], habit.name, None, AUDITED[domain], 2, 0, audited, False)
    return {
        "collection": _hash(data.read_bytes()),
        "teacher": _of_policies(_taught(environment, decisions, demonstrator)),
        **_distilled(environment, load_policy(policy)[0], decisions),
        "audit": _hash((audited / "audit.json").read_bytes()),
    }


def scenes(purpose: str, count: int) -> list[Scenario]:
    return [Scenario(seed) for seed in scenario_seeds(0, purpose, count)]


def _taught(environment: str, decisions: Transitions, demonstrator) -> NetworkPolicy:
    def play_round(teacher: NetworkPolicy, number: int) -> Transitions:
        return transitions(list(play(environment, scenes(f"round-{number}", 4), [(teacher, Behaviour("teacher"))])))

    config = policy_config(environment, (256, 256))
    return train_teacher(config, demonstrator, decisions, play_round, 0, Dagger(1, 4, SHORT, SHORT))


def _distilled(environment: str, teacher: NetworkPolicy, decisions: Transitions) -> dict[str, str]:
    """Return the hash of two students by each route."""
    how = Evaluation(episodes=4, training=SHORT)
    (values,) = evaluate([teacher], [explored(teacher, scenes("exploring", how.episodes), how, 0)], [0], how)
    source, config = Source(decisions, teacher, values, scenes), policy_config(environment, (256, 256))
    routes = {one.name: one.usual(Learning(SHORT, PRACTICE, cloned=10)) for one in all_routes()}
    return {name: _of_policies(*route.distil([source] * 2, config, [0, 1])) for name, route in routes.items()}


def _of_policies(*policies: NetworkPolicy) -> str:
    return _hash(*(policy.arrays[name] for policy in policies for name in sorted(policy.config.shapes)))


def _hash(*parts: np.ndarray | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    object.__setattr__(picking.SCENE, "time_limit", SHORT_WORK)
    made = {domain: make(domain, Path(sys.argv[1])) for domain in HABITS}
    Path(sys.argv[1], "hashes.json").write_text(json.dumps(made))
