"""Policies of one's own audited as students are: the same scenes, record, page, films and stored scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.audit import names
from testbed.cli.commands.labels import told_apart
from testbed.console import console, styled
from testbed.errors import UserError
from testbed.experiment.arms import Arm
from testbed.experiment.config import Experiment, Run
from testbed.experiment.evaluate import audit as audit_arms
from testbed.experiment.film_run import film_clips, report
from testbed.experiment.folder import RUN, occupied
from testbed.experiment.guard import require_guard
from testbed.experiment.summary import print_summary
from testbed.legible import legible
from testbed.lineage import content_hash
from testbed.policies.loaders import load_fitting
from testbed.protocols.habit import make_demonstrator

SHOWN = 3
"""Policies that films show beside the clean demonstrator."""
NOTES = (
    "Each policy is compared with the clean demonstrator, scripted and without the habit, on the same scenes: how it "
    "differs is no transfer, since it is not known what the policy would do had it learned from somebody else.",
    "One policy is one training seed: intervals hold the scenes' variation alone. Which scenes a policy was trained on "
    "is not known here.",
)


def audit(
    folders: Sequence[Path], habit: str, trigger: str | None, scenes: int, held_out_scenes: int, seed: int,
    folder: Path, film: bool,
) -> None:  # fmt: skip
    """Audit policies against the clean demonstrator; see `testbed audit --help`."""
    if not folders:
        raise UserError("give at least one policy folder")
    choices = Experiment(habit=habit, trigger=trigger, seed=seed, scenes=scenes, held_out_scenes=held_out_scenes)
    run = Run(choices, folder)
    arms = [_demonstrator(run), *_policies(folders, run.habit.environment)]
    require_guard()
    with occupied(folder, RUN):
        console.print(styled(run.habit.name, "bold"), f"({run.trigger.meaning}) into {folder}/")
        result = audit_arms(run, arms, NOTES)
        clips = film_clips(run, arms[: SHOWN + 1] if film else (), arms[1])
        print_summary(result, folder, report(run, result, clips))


def _demonstrator(run: Run) -> Arm:
    """Return who the policies are compared with."""
    policy = make_demonstrator(run.habit, run.trigger, 0.0)
    return Arm(names.DEMONSTRATOR, "", (("clean-demonstrator", policy, repr(run.habit.clean())),))


def _policies(folders: Sequence[Path], environment: str) -> list[Arm]:
    """Return policies as arms, called by what tells their folders apart; raises `UserError` if one does not fit."""
    several = list(dict.fromkeys(folders))
    arms = []
    for folder, label in zip(several, told_apart(several), strict=True):
        policy, _ = load_fitting(folder, environment)
        digest = content_hash(folder)
        name = legible(label)
        taken = {names.DEMONSTRATOR, names.CLEAN, names.TEACHER, names.CONTROL, names.STUDENT, names.UNTRAINED}
        arms.append(Arm(f"policy {name}" if name in taken else name, "", ((f"policy-{digest[:12]}", policy, digest),)))
    return arms
