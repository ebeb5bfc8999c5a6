"""The stage that audits: play every arm on the same unseen scenes, score, and compare."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from testbed.audit import compare, names
from testbed.audit.report import audit_to_json
from testbed.audit.result import Audit
from testbed.audit.score import SUCCESS, Score, report_unstable, score_policies
from testbed.console import console, progress, styled
from testbed.experiment.arms import Arm, reference_arms
from testbed.experiment.config import Run
from testbed.experiment.parallel import in_parallel
from testbed.experiment.stored import AUDIT
from testbed.experiment.worker import report_progress
from testbed.files import write_text
from testbed.protocols.episode import Scenario
from testbed.protocols.habit import Trigger
from testbed.records import record_or_none
from testbed.scenes.registry import get_scene, measures_of, references_of
from testbed.threads import one_thread

QUICK, FEW = {"driving": 1000}, 24
"""Up to so many episodes, by domain, are played in this process, since others would have to begin first: on two cores
that took 4.3 s against 4.8 s for 960 on a road, and 4.0 s against 4.8 s for 27 at a bench."""


@dataclass(frozen=True)
class Part:
    """What one process plays of an audit."""

    run: Run
    """Whose scenes."""
    arms: tuple[Arm, ...]
    """Who plays."""
    condition: str
    """Name of the condition."""
    scenarios: tuple[Scenario, ...]
    """The scenes under it."""

    @property
    def episodes(self) -> int:
        """How many episodes are played."""
        return len(self.scenarios) * sum(len(arm.policies) for arm in self.arms)


def contexts(trigger: Trigger) -> dict[str, Mapping[str, str]]:
    """Return what of a scene each condition fixes; those that a trigger does not have are not there."""
    found = {names.TRIGGERED: trigger.on}
    if trigger.off:
        found[names.UNTRIGGERED] = trigger.off
    if trigger.held_out:
        found[names.HELD_OUT] = trigger.held_out
    return found


def conditions(run: Run) -> dict[str, list[Scenario]]:
    """Return the audited scenes by condition; triggered and untriggered ones are matched pairs. No training sees them:
    purposes of audits draw from seeds of their own (`testbed.seeding.scenario_seeds`)."""
    sizes, found = run.experiment.audit, {}
    for name, context in contexts(run.trigger).items():
        apart = name == names.HELD_OUT
        count, purpose = (sizes.held_out_scenes, "audit-held-out") if apart else (sizes.scenes, "audit")
        if count:
            found[name] = run.scenarios(purpose, count, context)
    return found


def audit(run: Run, arms: Sequence[Arm], notes: Sequence[str]) -> Audit:
    """Play every policy on every audited scene, score the traces, and compare the arms.

    Reference drivers play the same scenes; they are reported beside the arms, and compared with none.

    Args:
        run: Whose habit is looked for, in whose scenes.
        arms: Who is audited.
        notes: How they were made, in plain sentences.
    """
    scenes, beside = conditions(run), reference_arms(run.habit.environment)
    everybody = (*arms, *beside)
    parts = [Part(run, everybody, name, tuple(some)) for name, some in scenes.items()]
    count = sum(len(arm.policies) for arm in everybody)
    title = f"audit {count} policies on {sum(len(part.scenarios) for part in parts)} scenes"
    scored = score_parts(parts, title)
    result = summarise(run, [score for part in scored for score in part], {arm.name for arm in beside}, notes)
    write_text(run.folder / AUDIT, audit_to_json(result))
    return result


def score_parts(parts: Sequence[Part], title: str) -> list[list[compare.Scores]]:
    """Return the scores of all parts of an audit, in their order; many are played in several processes, unless this is
    one of several itself."""
    total = sum(part.episodes for part in parts)
    few = total <= QUICK.get(get_scene(parts[0].run.habit.environment).domain, FEW)
    alone = few or parent_process() is not None
    return _one_by_one(parts, title, total) if alone else in_parallel(score_part, parts, title, total)


def _one_by_one(parts: Sequence[Part], title: str, total: int) -> list[list[compare.Scores]]:
    """Score in this process, one condition after the other."""
    found = []
    with one_thread(), progress(title, total) as bar:
        for part in parts:
            found.append(score_part(part))
            bar(part.episodes)
    return found


def summarise(run: Run, scores: Sequence[compare.Scores], beside: Collection[str], notes: Sequence[str]) -> Audit:
    """Return the record of an audit.

    Args:
        run: Whose habit was looked for.
        scores: What everybody did under every condition.
        beside: Names of the reference drivers among them.
        notes: How the arms were made, in plain sentences.
    """
    found = [one for one in scores if one.arm not in beside]
    references = [one for one in scores if one.arm in beside]
    measures = measures_of(run.habit.environment)
    primary = measures[run.habit.measure]
    differences, transfers = compare.compare(found, primary)
    return Audit(
        title=f"{run.habit.name} in {run.habit.environment}",
        environment=run.habit.environment,
        habit=run.habit.name,
        trigger=run.trigger.meaning,
        measure=primary.name,
        measure_title=primary.title,
        unit=primary.unit or "share",
        units={name: measure.unit for name, measure in measures.items()},
        arms=tuple(compare.arm_results(found, primary, measures)),
        differences=tuple(differences),
        transfers=tuple(transfers),
        notes=(*notes, *_notes(run)),
        references=tuple(compare.arm_results(references, primary, measures)),
    )


def score_part(part: Part) -> list[compare.Scores]:
    """Return the scores of all arms under one condition; what an earlier run scored is read from its files."""
    run, scenarios = part.run, part.scenarios
    measures = measures_of(run.habit.environment)
    policies = {name: (policy, digest) for arm in part.arms for name, policy, digest in arm.policies}
    files = {name: scores_file(run, part.condition, name) for name in policies}
    recipes = {name: _recipe(run, digest, scenarios, measures) for name, (_, digest) in policies.items()}
    known = {name: _stored(files[name], recipes[name], name) for name in policies}
    _say_outdated(run, part.condition, [files[name] for name, score in known.items() if score is None])
    missing = {name: policy for name, (policy, _) in policies.items() if known[name] is None}
    report_progress((len(policies) - len(missing)) * len(scenarios))
    for score in filter(None, known.values()):
        report_unstable(score, scenarios)
    for score in score_policies(run.habit.environment, scenarios, missing, measures, report_progress):
        known[score.policy] = score
        record = Scored(recipes[score.policy], score.values, score.endings)
        write_text(files[score.policy], json.dumps(vars(record)))
    found = {name: score for name, score in known.items() if score}
    return [
        compare.gather_scores(arm.name, arm.route, part.condition, [found[name] for name, _, _ in arm.policies])
        for arm in part.arms
    ]


@dataclass(frozen=True)
class Scored:
    """What the file of a policy's scores holds."""

    recipe: list[Any]
    """Who played which scenes, what was measured, and what scored that."""
    scores: Mapping[str, list[float]]
    """Success and every measure, by name, in the order of the scenes."""
    endings: list[str]
    """How each episode ended, in words."""


def scores_file(run: Run, condition: str, policy: str) -> Path:
    """Return where the scores of a policy under a condition are kept."""
    return run.folder / "audit" / condition / f"{policy}.json"


def _recipe(run: Run, digest: str, scenarios: Sequence[Scenario], measures: Iterable[str]) -> list:
    scenes = [[scenario.seed, dict(scenario.context)] for scenario in scenarios]
    return [digest, scenes, list(measures), vars(run.code(judging=True))]


def _say_outdated(run: Run, condition: str, files: Iterable[Path]) -> None:
    """Say in one line of scores that another testbed left that they are made again."""
    found = [stored.recipe[-1] for file in files if (stored := record_or_none(file, Scored)) and stored.recipe]
    words = [told for made_by in found if (told := run.code(judging=True).difference(made_by))]
    if words:
        console.print(styled(f"{condition}: scores of {len(words)} policies were {words[0]}: made again", "yellow"))


def _stored(file: Path, recipe: list, name: str) -> Score | None:
    """Return the scores that an earlier run left, or None where they are not there whole, or are others."""
    stored = record_or_none(file, Scored)
    if stored is None or stored.recipe != recipe:
        return None
    _, scenes, measures, _ = recipe
    rows = [stored.endings, *(stored.scores.get(one, ()) for one in (SUCCESS, *measures))]
    return Score(name, stored.scores, stored.endings) if all(len(row) == len(scenes) for row in rows) else None


def _notes(run: Run) -> tuple[str, ...]:
    """Return what is to be said of every audit's scenes and numbers."""
    experiment, primary = run.experiment, measures_of(run.habit.environment)[run.habit.measure]
    return (
        f"The habit: {run.habit.signature}, {run.trigger.meaning}.",
        f"Primary measure: {primary.title} [{primary.unit}], from the trace alone. {primary.source}.",
        f"Seed {experiment.seed}. Every arm plays the same scenes. Triggered and untriggered scenes are matched: they "
        "differ in the trigger's factor alone.",
        "Held-out scenes have a value of the trigger's factor that no data set of the testbed contains.",
        "Intervals are 95 % intervals over training seeds and scenes, paired over arms (docs/experiment.md).",
        *(f"Reference driver {one.name}: {one.meaning}." for one in references_of(run.habit.environment)),
        "An episode in which there is nothing to measure, for example nobody to yield to, has the mildest value: read "
        "every severity beside its success.",
    )
