"""The stage that audits: play every arm on the same unseen scenes, score, and compare."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from testbed import __version__
from testbed.audit import compare, names
from testbed.audit.report import audit_to_json
from testbed.audit.result import Audit
from testbed.errors import UserError
from testbed.experiment.arms import Arm, reference_arms
from testbed.experiment.config import Experiment, Run
from testbed.experiment.parallel import in_parallel
from testbed.experiment.stored import AUDIT
from testbed.experiment.worker import counted, report_progress
from testbed.files import write_text
from testbed.films.style import report_endings
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.records import record_or_none
from testbed.rollouts.rollout import play
from testbed.scenes.registry import measures_of, references_of


def conditions(run: Run) -> dict[str, list[Scenario]]:
    """Return the audited scenes by condition; triggered and untriggered ones are matched pairs.

    Raises:
        UserError: if one of them was used for training.
    """
    experiment, trigger = run.experiment, run.trigger
    found = {names.TRIGGERED: run.scenarios("audit", experiment.scenes, trigger.on)}
    if trigger.off:
        found[names.UNTRIGGERED] = run.scenarios("audit", experiment.scenes, trigger.off)
    if trigger.held_out and experiment.held_out_scenes:
        found[names.HELD_OUT] = run.scenarios("audit-held-out", experiment.held_out_scenes, trigger.held_out)
    shared = {s.seed for scenes in found.values() for s in scenes} & run.training_seeds()
    if shared:
        raise UserError(f"scenario seeds {sorted(shared)[:3]} are both trained on and audited: choose another --seed")
    return found


def audit(run: Run, arms: Sequence[Arm]) -> Audit:
    """Play every policy on every audited scene, score the traces, and compare the arms.

    Reference drivers play the same scenes; they are reported beside the arms, and compared with none.
    """
    scenes = conditions(run)
    beside = reference_arms(run.habit.environment)
    everybody = (*arms, *beside)
    parts = [_Part(run.experiment, run.folder, everybody, name, tuple(some)) for name, some in scenes.items()]
    count = sum(len(arm.policies) for arm in everybody)
    title = f"audit {count} policies on {sum(len(part.scenarios) for part in parts)} scenes"
    total = sum(len(part.scenarios) for part in parts) * count
    played = [score for part in in_parallel(_score, parts, title, total) for score in part]
    names = {arm.name for arm in beside}
    scores, references = ([one for one in played if (one.arm in names) == wanted] for wanted in (False, True))
    measures = measures_of(run.habit.environment)
    primary = measures[run.habit.measure]
    differences, transfers = compare.compare(scores, primary, run.experiment.seed)
    result = Audit(
        title=f"{run.habit.name} in {run.habit.environment}",
        environment=run.habit.environment,
        habit=run.habit.name,
        trigger=run.trigger.meaning,
        measure=primary.name,
        measure_title=primary.title,
        unit=primary.unit or "share",
        units={name: measure.unit for name, measure in measures.items()},
        arms=tuple(compare.arm_results(scores, primary, run.experiment.seed)),
        differences=tuple(differences),
        transfers=tuple(transfers),
        notes=_notes(run),
        references=tuple(compare.arm_results(references, primary, run.experiment.seed)),
    )
    write_text(run.folder / AUDIT, audit_to_json(result))
    return result


@dataclass(frozen=True)
class _Part:
    """What one process plays of an audit."""

    experiment: Experiment
    """What is audited."""
    folder: Path
    """The run's folder."""
    arms: tuple[Arm, ...]
    """Who plays."""
    condition: str
    """Name of the condition."""
    scenarios: tuple[Scenario, ...]
    """The scenes under it."""


def _score(part: _Part) -> list[compare.Scores]:
    """Return the scores of all arms under one condition; what an earlier run scored is read from its files."""
    run, scenarios = Run(part.experiment, part.folder), part.scenarios
    measures = measures_of(run.habit.environment)
    policies = {name: (policy, digest) for arm in part.arms for name, policy, digest in arm.policies}
    files = {name: scores_file(run, part.condition, name) for name in policies}
    recipes = {name: _recipe(digest, scenarios) for name, (_, digest) in policies.items()}
    known = {name: _stored_scores(files[name], recipes[name], ("success", *measures)) for name in policies}
    missing = [name for name in policies if known[name] is None]
    report_progress((len(policies) - len(missing)) * len(scenarios))
    episodes: list[Episode] = []
    jobs = [(policies[name][0], Behaviour(name)) for name in missing]
    for episode in counted(play(run.habit.environment, scenarios, jobs)):
        episodes.append(episode)
        if len(episodes) == len(scenarios):
            name = episode.behaviour.policy
            known[name] = compare.score_episodes(episodes, measures)
            report_endings(episodes, name)
            write_text(files[name], json.dumps({"recipe": recipes[name], "scores": known[name]}))
            episodes = []
    return [_arm_scores(arm, part.condition, known, measures) for arm in part.arms]


@dataclass(frozen=True)
class Scored:
    """What the file of a policy's scores holds."""

    recipe: list[Any]
    """Who played which scenes, and what scored that."""
    scores: dict[str, list[float]]
    """Success and every measure, by name, in the order of the scenes."""


def scores_file(run: Run, condition: str, policy: str) -> Path:
    """Return where the scores of a policy under a condition are kept."""
    return run.folder / "audit" / condition / f"{policy}.json"


def _recipe(digest: str, scenarios: Sequence[Scenario]) -> list:
    return [digest, [[scenario.seed, dict(scenario.context)] for scenario in scenarios], __version__]


def _stored_scores(file: Path, recipe: list, names: Iterable[str]) -> dict[str, list[float]] | None:
    """Return the scores that an earlier run left, or None where they are not there whole, or are others."""
    stored = record_or_none(file, Scored)
    if stored is None or stored.recipe != recipe:
        return None
    scenes = len(recipe[1])
    whole = all(len(stored.scores.get(name, ())) == scenes for name in names)
    return stored.scores if whole else None


def _arm_scores(
    arm: Arm, condition: str, known: Mapping[str, Mapping[str, list[float]] | None], measures: Iterable[str]
) -> compare.Scores:
    tables = {
        name: np.array([(known[policy] or {})[name] for policy, _, _ in arm.policies])
        for name in ("success", *measures)
    }
    success = tables.pop("success")
    return compare.Scores(arm.name, arm.route, condition, success, tables)


def _notes(run: Run) -> tuple[str, ...]:
    experiment, primary = run.experiment, measures_of(run.habit.environment)[run.habit.measure]
    return (
        f"The habit: {run.habit.signature}, {run.trigger.meaning}. Dose {experiment.dose:g}.",
        f"Primary measure: {primary.title} [{primary.unit}], from the trace alone. {primary.source}.",
        f"Seed {experiment.seed}. {experiment.student_seeds} training seeds for each student and its control; one "
        "teacher of each kind, so the ratios hold for this pair of teachers. A claim needs at least 10 training seeds.",
        "A control is made exactly as its student, from the clean teacher: same amount of data, steps, initial weights "
        "and data order.",
        "Every arm plays the same scenes. None of them was used in training. Triggered and untriggered scenes are "
        "matched: they differ in the trigger's factor alone.",
        "Held-out scenes have a value of the trigger's factor that no data set contains.",
        "Intervals are 95 % bootstrap intervals over training seeds and scenes, paired over arms. A ratio is refused "
        "where teacher - clean teacher is not told from 0.",
        *(f"Reference driver {one.name}: {one.meaning}." for one in references_of(run.habit.environment)),
        "An episode in which there is nothing to measure, for example nobody to yield to, has the mildest value: read "
        "every severity beside its success.",
    )
