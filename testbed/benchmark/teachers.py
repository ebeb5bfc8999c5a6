"""What cells share: demonstrations, teachers, what teachers do, what that is worth, and how severe they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from testbed.audit import names
from testbed.audit.score import SUCCESS, score_policies
from testbed.benchmark.cell import SharedTeachers, Start
from testbed.benchmark.channels import Injected
from testbed.benchmark.stored import TEACHERS, scores_file
from testbed.distillation.config import Training, ValuedBy
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.experiment.arms import untrained_policy
from testbed.experiment.collect import collect_demonstrations
from testbed.experiment.config import Run
from testbed.experiment.distill import open_sources, with_values
from testbed.experiment.evaluate import conditions
from testbed.experiment.reuse import is_there
from testbed.experiment.train_teachers import teach
from testbed.files import write_text
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.network import NetworkPolicy, random_arrays
from testbed.protocols.episode import Scenario
from testbed.protocols.pair import Pair
from testbed.protocols.policy import Policy
from testbed.rollouts.transitions import load_transitions
from testbed.scenes.registry import measures_of, references_of
from testbed.seeding import derive_seed, generator

BASES = Training(steps=2000, learning_rate=3e-3)
"""How they are cloned."""


@dataclass(frozen=True)
class Teachers:
    """Shared teachers, made."""

    run: Run
    """Its run."""
    folders: Pair[Path]
    """Their policies."""
    sources: Pair[Source]
    """Everything about the clean teacher and the one with the habit."""
    probe: np.ndarray
    """Demonstrated states in which the habit shows, which no student learns from, shape (n, d)."""
    others: tuple[NetworkPolicy, ...]
    """Bases of other seeds, as competent as the teacher's own; none where teachers did not begin as a base."""

    def starts(self, start: Start, seeds: Sequence[int]) -> list[NetworkPolicy] | None:
        """Return what students of some training seeds begin as, or None for fresh networks.

        As the teacher's base all begin alike; as another seed's each begins as one of its own.

        Raises:
            UserError: if the teachers did not begin as a base.
        """
        if start == "fresh":
            return None
        if not self.others:
            raise UserError(f"students cannot begin as a {start}: teachers by demonstration have none")
        if start == "base":
            return [self.sources.clean.require_teacher()] * len(seeds)
        return [self.others[number] for number in seeds]

    def valued(self, reward: ValuedBy) -> Teachers:
        """Return them with what their decisions are worth by a reward."""
        how = replace(self.run.experiment.teacher.evaluation, reward=reward)
        return replace(self, sources=with_values(self.run, self.sources, self.folders, how))

    @property
    def injected(self) -> Injected:
        """The habit, as the injector knows it."""
        return Injected.of(self.run.habit, self.run.trigger, self.run.experiment.dose)


def prepare_teachers(shared: SharedTeachers, folder: Path, rewards: Collection[ValuedBy]) -> None:
    """Make shared teachers, or what is missing of them, and audit them, what learned nothing and whom nobody taught.

    Args:
        shared: Which.
        folder: The benchmark's.
        rewards: By which their decisions are valued; by none if no student learns values.
    """
    run, made = shared.run(folder), open_teachers(shared, folder)
    for reward in rewards:
        made.valued(reward)
    references = references_of(run.habit.environment)
    policies = [*(source.require_teacher() for source in made.sources), untrained_policy(run)]
    everybody = [*TEACHERS, *(one.name for one in references)]
    found = {}
    for name, scenes in audited_scenes(run).items():
        tables = played(run, scenes, [*policies, *(one.policy for one in references)])
        found[name] = {arm: {what: [rows[n]] for what, rows in tables.items()} for n, arm in enumerate(everybody)}
    write_text(scores_file(run), json.dumps(found))


def open_teachers(shared: SharedTeachers, folder: Path) -> Teachers:
    """Return shared teachers; what is there already is read."""
    run = shared.run(folder)
    teachers, data = teach(run, collect_demonstrations(run), at_once=False)
    sources = open_sources(run, teachers, data)
    moved = shared.teacher.method == "fine-tuning"
    injected = Injected.of(run.habit, run.trigger, run.experiment.dose)
    shown = np.concatenate([load_transitions(file).observations for file in data])
    probe = shown[injected.shows(shown)]
    return Teachers(run, teachers, sources, probe, _others(run, data.clean, sources.clean) if moved else ())


def _others(run: Run, data: Path, source: Source) -> tuple[NetworkPolicy, ...]:
    """Return policies of other seeds, one for each student's, that learnt from the clean teacher's data."""
    config = source.require_teacher().config
    count = run.experiment.student.seeds
    folders = [run.folder / "policies" / f"other-base-{number}" for number in range(count)]
    recipe = run.lineage("other bases", {"data": data}, **asdict(BASES))
    if not all(is_there(folder, recipe) for folder in folders):
        seeds = [derive_seed(run.experiment.seed, "other base", number) for number in range(count)]
        fresh = [NetworkPolicy(config, random_arrays(config, generator(seed, "weights"))) for seed in seeds]
        made = Cloning(BASES).distil([source] * count, config, seeds, fresh)
        for folder, policy in zip(folders, made, strict=True):
            save_policy(folder, policy, run.behaviour(folder.name, False), recipe)
    return tuple(load_policy(folder)[0] for folder in folders)


def audited_scenes(run: Run) -> dict[str, list[Scenario]]:
    """Return the audited scenes by condition.

    Raises:
        UserError: if the trigger always holds, so that there is nothing to tell it from.
    """
    found = conditions(run)
    if set(found) != {names.TRIGGERED, names.UNTRIGGERED, names.HELD_OUT}:
        raise UserError(f"the trigger {run.trigger.name} of {run.habit.name} has no untriggered or no held-out scenes")
    return found


def played(run: Run, scenes: Sequence[Scenario], policies: Sequence[Policy]) -> dict[str, list[list[float]]]:
    """Return `success` and `severity`, the habit's primary measure, of policies in scenes: policies x scenes."""
    primary = {run.habit.measure: measures_of(run.habit.environment)[run.habit.measure]}
    named = {str(number): policy for number, policy in enumerate(policies)}
    scores = list(score_policies(run.habit.environment, scenes, named, primary))
    return {
        SUCCESS: [score.values[SUCCESS] for score in scores],
        "severity": [score.values[run.habit.measure] for score in scores],
    }
