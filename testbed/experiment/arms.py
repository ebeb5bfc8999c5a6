"""Who is audited: teachers, what they taught, what nobody taught, and reference drivers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.audit import names
from testbed.experiment.config import Run
from testbed.lineage import content_hash
from testbed.policies.checkpoint import load_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy, random_arrays
from testbed.protocols.pair import Pair
from testbed.protocols.policy import Policy
from testbed.scenes.registry import references_of
from testbed.seeding import generator, student_seed


@dataclass(frozen=True)
class Arm:
    """One arm of an audit: one policy a training seed."""

    name: str
    """`clean teacher`, `teacher`, `control`, `student` or `untrained`; for a reference driver, its name."""
    route: str
    """Route of distillation, or empty."""
    policies: tuple[tuple[str, Policy, str], ...]
    """File name, policy and content hash, one a training seed."""


def gather_arms(run: Run, teachers: Pair[Path], students: Mapping[str, Pair[list[Path]]]) -> list[Arm]:
    """Return every arm of the experiment from the folders of its policies."""
    untrained = untrained_policy(run)
    arms = [
        Arm(names.CLEAN, "", (_load(teachers.clean),)),
        Arm(names.TEACHER, "", (_load(teachers.habitual),)),
        Arm(names.UNTRAINED, "", (("untrained", untrained, f"seed {run.experiment.seed} {untrained.config}"),)),
    ]
    for route, folders in students.items():
        for name, made in zip((names.CONTROL, names.STUDENT), folders, strict=True):
            arms.append(Arm(name, route, tuple(_load(folder) for folder in made)))
    return arms


def untrained_policy(run: Run) -> NetworkPolicy:
    """Return a student that learned nothing: the arm that shows what the network alone does."""
    config = policy_config(run.habit.environment, run.experiment.student.hidden)
    return NetworkPolicy(config, random_arrays(config, generator(student_seed(run.experiment.seed, 0), "weights")))


def reference_arms(environment: str) -> list[Arm]:
    """Return the reference drivers of an environment as arms of one policy each."""
    return [
        Arm(reference.name, "", ((f"reference-{reference.name.replace(' ', '-')}", reference.policy, repr(reference)),))
        for reference in references_of(environment)
    ]


def _load(folder: Path) -> tuple[str, Policy, str]:
    return folder.name, load_policy(folder)[0], content_hash(folder)
