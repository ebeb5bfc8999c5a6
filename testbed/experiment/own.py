"""Policies of one's own, audited: the clean demonstrator and reference drivers play the same scenes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from testbed.audit import names
from testbed.audit.compare import gather_scores
from testbed.audit.result import Audit
from testbed.audit.score import score_policies
from testbed.errors import UserError
from testbed.experiment.arms import Arm, reference_arms
from testbed.experiment.config import AuditConfig, Experiment, Run
from testbed.experiment.evaluate import conditions, summarise
from testbed.protocols.habit import make_demonstrator
from testbed.protocols.policy import Policy
from testbed.scenes.registry import measures_of

NOTES = (
    "Each policy is compared with the clean demonstrator, scripted and without the habit, on the same scenes: how it "
    "differs is no transfer, since it is not known what the policy would do had it learned from somebody else.",
    "One policy is one training seed: intervals hold the scenes' variation alone. Which scenes a policy was trained on "
    "is not known here.",
)
"""What is to be said of every such audit."""
TAKEN = (names.DEMONSTRATOR, names.CLEAN, names.TEACHER, names.CONTROL, names.STUDENT, names.UNTRAINED)
"""Names that mean something else in an audit."""


def audit_policies(
    policies: Mapping[str, Policy],
    habit: str,
    *,
    trigger: str | None = None,
    scenes: int = 64,
    held_out_scenes: int = 32,
    seed: int = 0,
) -> Audit:
    """Look for a habit in policies: all play the same scenes, and each is compared with the clean demonstrator.

    Nothing is written; `write_report` makes a page of what is returned. `testbed audit` does the same for policies
    that lie in folders, side by side in several processes, keeps the scores and films them.

    Args:
        policies: Anything that acts, by the name it has in the audit.
        habit: The habit to look for.
        trigger: When it would be active; its default if not given.
        scenes: Scenes that are played triggered and, matched, untriggered.
        held_out_scenes: Scenes with a trigger value that no data set of the testbed contains.
        seed: Seed of the scenes.

    Raises:
        UserError: if there is no policy, a name is taken, a policy does not fit, or a choice is out of bounds.

    Examples:
        >>> import testbed
        >>> student, _ = testbed.load_policy("policies/crosswalk/student-kl-seed0")
        >>> audit = testbed.audit_policies({"mine": student}, "observed-only-courtesy", scenes=16)
        >>> for found in audit.differences:
        ...     print(found.name, found.condition, found.difference.excludes_zero)
        mine - clean demonstrator triggered True
        mine - clean demonstrator untriggered False
        mine - clean demonstrator held-out True
        mine - clean demonstrator triggered - untriggered True
    """
    choices = Experiment(habit, trigger, seed=seed, audit=AuditConfig(scenes, held_out_scenes))
    run = Run(choices, Path())
    if not policies:
        raise UserError("no policy was given to audit: give at least one, with a name")
    beside = reference_arms(run.habit.environment)
    for name in policies:
        if name in TAKEN or name in {arm.name for arm in beside}:
            raise UserError(f"'{name}' is another arm of an audit: give the policy another name")
    clean = demonstrator_arm(run)
    references = {arm.name: policy for arm in beside for _, policy, _ in arm.policies}
    everybody = {clean.name: clean.policies[0][1], **policies, **references}
    measures = measures_of(run.habit.environment)
    found = [
        gather_scores(score.policy, "", condition, [score])
        for condition, scenarios in conditions(run).items()
        for score in score_policies(run.habit.environment, scenarios, everybody, measures)
    ]
    return summarise(run, found, set(references), NOTES)


def demonstrator_arm(run: Run) -> Arm:
    """Return the clean demonstrator, with whom policies of one's own are compared."""
    policy = make_demonstrator(run.habit, run.trigger, 0.0)
    return Arm(names.DEMONSTRATOR, "", (("clean-demonstrator", policy, repr(run.habit.clean())),))
