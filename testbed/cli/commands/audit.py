"""Policies of one's own audited as students are: the same scenes, record, page, films and stored scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.cli.commands.bills import leave_bills
from testbed.cli.commands.labels import told_apart
from testbed.console import console, styled
from testbed.errors import UserError
from testbed.experiment.arms import Arm
from testbed.experiment.config import AuditConfig, Experiment, Run
from testbed.experiment.evaluate import audit as audit_arms
from testbed.experiment.film_run import film_clips, report
from testbed.experiment.folder import RUN, occupied
from testbed.experiment.guard import require_guard
from testbed.experiment.own import NOTES, TAKEN, demonstrator_arm
from testbed.experiment.summary import print_summary
from testbed.legible import legible
from testbed.policies.loaders import load_any

SHOWN = 3
"""Policies that films show beside the clean demonstrator."""


def audit(
    folders: Sequence[Path], habit: str, trigger: str | None, scenes: int, held_out_scenes: int, seed: int,
    folder: Path, film: bool, contract: Path | None = None, trust: bool = False,
) -> None:  # fmt: skip
    """Audit policies against the clean demonstrator; see `testbed audit --help`."""
    if not folders:
        raise UserError("give at least one policy: a folder or a file")
    run = Run(Experiment(habit, trigger, seed=seed, audit=AuditConfig(scenes, held_out_scenes)), folder)
    arms = [demonstrator_arm(run), *policy_arms(folders, run.habit.environment, contract, trust)]
    require_guard()
    with occupied(folder, RUN):
        console.print(styled(run.habit.name, "bold"), f"({run.trigger.meaning}) into {folder}/")
        result = audit_arms(run, arms, NOTES)
        clips = film_clips(run, arms[: SHOWN + 1] if film else (), arms[1])
        leave_bills(folder)
        print_summary(result, folder, report(run, result, clips))


def policy_arms(folders: Sequence[Path], environment: str, contract: Path | None, trust: bool = False) -> list[Arm]:
    """Return policies as arms, called by what tells their places apart; raises `UserError` if one does not fit."""
    several = list(dict.fromkeys(folders))
    arms = []
    for folder, label in zip(several, told_apart(several), strict=True):
        found = load_any(folder, environment, contract, trust)
        name, unique = legible(label), f"policy-{found.digest[:12]}"
        arms.append(Arm(f"policy {name}" if name in TAKEN else name, "", ((unique, found.policy, found.digest),)))
    return arms
