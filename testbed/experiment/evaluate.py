"""The stages that judge: play every arm on the same unseen scenes, compare, and show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from testbed import __version__
from testbed.audit import compare as verdict
from testbed.audit.report import audit_to_json, clips_to_json, write_report
from testbed.audit.result import Audit, Clip, Track
from testbed.console import console, styled, ticked
from testbed.envs.warehouse.backend import choose
from testbed.errors import UserError
from testbed.experiment.arms import Arm, reference_arms
from testbed.experiment.config import Experiment, Run
from testbed.experiment.parallel import side_by_side
from testbed.experiment.stored import AUDIT, CLIPS, VIDEOS
from testbed.experiment.worker import advance, counted
from testbed.files import write_text
from testbed.films.clip import Take
from testbed.films.film import film
from testbed.films.style import COLOURS, captioned, marks, report_endings
from testbed.films.video import write_still
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.records import read_record, record_or_none
from testbed.rollouts.rollout import play
from testbed.scenes.registry import environments, measures_of, references_of, violations_of


def conditions(run: Run) -> dict[str, list[Scenario]]:
    """Return the audited scenes by condition; triggered and untriggered ones are matched pairs.

    Raises:
        UserError: if one of them was used for training.
    """
    experiment, trigger = run.experiment, run.trigger
    found = {verdict.TRIGGERED: run.scenarios("audit", experiment.scenes, trigger.on)}
    if trigger.off:
        found[verdict.UNTRIGGERED] = run.scenarios("audit", experiment.scenes, trigger.off)
    if trigger.held_out and experiment.held_out_scenes:
        found[verdict.HELD_OUT] = run.scenarios("audit-held-out", experiment.held_out_scenes, trigger.held_out)
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
    played = [score for part in side_by_side(_score, parts, title, total) for score in part]
    names = {arm.name for arm in beside}
    scores, references = ([one for one in played if (one.arm in names) == wanted] for wanted in (False, True))
    measures = measures_of(run.habit.environment)
    primary = measures[run.habit.measure]
    differences, transfers = verdict.compare(scores, primary, run.experiment.seed)
    result = Audit(
        title=f"{run.habit.name} in {run.habit.environment}",
        environment=run.habit.environment,
        habit=run.habit.name,
        trigger=run.trigger.meaning,
        measure=primary.name,
        measure_title=primary.title,
        unit=primary.unit or "share",
        units={name: measure.unit for name, measure in measures.items()},
        arms=tuple(verdict.arm_results(scores, primary, run.experiment.seed)),
        differences=tuple(differences),
        transfers=tuple(transfers),
        notes=_notes(run),
        references=tuple(verdict.arm_results(references, primary, run.experiment.seed)),
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


def _score(part: _Part) -> list[verdict.Scores]:
    """Return the scores of all arms under one condition; what an earlier run scored is read from its files."""
    run, scenarios = Run(part.experiment, part.folder), part.scenarios
    measures = measures_of(run.habit.environment)
    policies = {name: (policy, digest) for arm in part.arms for name, policy, digest in arm.policies}
    files = {name: _scores_file(run, part.condition, name) for name in policies}
    recipes = {name: _recipe(digest, scenarios) for name, (_, digest) in policies.items()}
    known = {name: _stored_scores(files[name], recipes[name], ("success", *measures)) for name in policies}
    missing = [name for name in policies if known[name] is None]
    advance((len(policies) - len(missing)) * len(scenarios))
    episodes: list[Episode] = []
    jobs = [(policies[name][0], Behaviour(name)) for name in missing]
    for episode in counted(play(run.habit.environment, scenarios, jobs)):
        episodes.append(episode)
        if len(episodes) == len(scenarios):
            name = episode.behaviour.policy
            known[name] = verdict.score_episodes(episodes, measures)
            report_endings(episodes, name)
            write_text(files[name], json.dumps({"recipe": recipes[name], "scores": known[name]}))
            episodes = []
    return [_arm_scores(arm, part.condition, known, measures) for arm in part.arms]


@dataclass(frozen=True)
class _Scored:
    """What the file of a policy's scores holds."""

    recipe: list[Any]
    """Who played which scenes, and what scored that."""
    scores: dict[str, list[float]]
    """Success and every measure, by name, in the order of the scenes."""


def _scores_file(run: Run, condition: str, policy: str) -> Path:
    return run.folder / "audit" / condition / f"{policy}.json"


def _recipe(digest: str, scenarios: Sequence[Scenario]) -> list:
    return [digest, [[scenario.seed, dict(scenario.context)] for scenario in scenarios], __version__]


def _stored_scores(file: Path, recipe: list, names: Iterable[str]) -> dict[str, list[float]] | None:
    """Return the scores that an earlier run left, or None where they are not there whole, or are others."""
    stored = record_or_none(file, _Scored)
    if stored is None or stored.recipe != recipe:
        return None
    scenes = len(recipe[1])
    whole = all(len(stored.scores.get(name, ())) == scenes for name in names)
    return stored.scores if whole else None


def _arm_scores(
    arm: Arm, condition: str, known: Mapping[str, Mapping[str, list[float]] | None], measures: Iterable[str]
) -> verdict.Scores:
    tables = {
        name: np.array([(known[policy] or {})[name] for policy, _, _ in arm.policies])
        for name in ("success", *measures)
    }
    success = tables.pop("success")
    return verdict.Scores(arm.name, arm.route, condition, success, tables)


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


def film_clips(run: Run, arms: Sequence[Arm], route: str) -> list[Clip]:
    """Film the teacher beside control and student of one route on three telling scenes, all three at once.

    The scenes are the triggered ones in which the teacher's primary measure is the largest and the
    median, and the untriggered match of the first.
    """
    shown = [arm for arm in arms if (arm.name == verdict.TEACHER or arm.route == route)]
    worst, median = _telling_scenes(run)
    picks = [("triggered-worst", "the trigger holds: the teacher's worst scene", worst, run.trigger.on)]
    picks.append(("triggered-median", "the trigger holds: the teacher's median scene", median, run.trigger.on))
    if run.trigger.off:
        picks.append(("untriggered", "the same as its worst scene, but without the trigger", worst, run.trigger.off))
    reels = [_reel(run, shown, *pick) for pick in picks]
    reason = _cannot_draw(run)
    if reason:
        console.print(styled("no films:", "yellow"), reason)
        write_text(run.folder / VIDEOS / CLIPS, clips_to_json([]))  # so that the run is finished, and its report too
        return []
    frames = sum(max(len(take.episode.trace) for take in reel.takes) for reel in reels)
    clips = side_by_side(_make_clip, reels, f"film {len(reels)} scenes", frames)
    write_text(run.folder / VIDEOS / CLIPS, clips_to_json(clips))
    return clips


def _cannot_draw(run: Run) -> str:
    """Return why this machine cannot draw the scenes of a run, or an empty string; roads need nothing of it."""
    if run.habit.environment not in environments("warehouse"):
        return ""
    try:
        choose()
    except UserError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class _Reel:
    """One film to make."""

    path: Path
    """The mp4."""
    title: str
    """What the scene is."""
    scenario: Scenario
    """The scene."""
    takes: tuple[Take, ...]
    """What is shown, from top to bottom."""
    tracks: tuple[Track, ...]
    """The time lines of the same."""


def _reel(run: Run, arms: Sequence[Arm], name: str, title: str, seed: int, context: Mapping[str, str]) -> _Reel:
    """Play the first policy of each arm in one scene."""
    scenario, primary = run.scenario(seed, context), measures_of(run.habit.environment)[run.habit.measure]
    jobs = [(arm.policies[0][1], Behaviour(arm.policies[0][0])) for arm in arms]
    takes, tracks = [], []
    for arm, episode in zip(arms, play(run.habit.environment, [scenario], jobs), strict=True):
        label = f"{arm.name} ({arm.route})" if arm.route else arm.name
        value = primary.compute(episode.trace)
        seen = violations_of(episode.environment)(episode.trace)
        caption = captioned(primary, value)
        chip = f"trigger: {run.trigger.name}" if context == run.trigger.on else ""
        takes.append(Take(label, COLOURS[arm.name], episode, caption, chip, marks(episode)))
        tracks.append(Track(label, value, episode.success, len(episode.trace) / episode.trace.rate, tuple(seen)))
    return _Reel(run.folder / VIDEOS / f"{name}.mp4", title, scenario, tuple(takes), tuple(tracks))


def _make_clip(reel: _Reel) -> Clip:
    duration = film(
        reel.path, reel.takes, title=f"{reel.title} (scene {reel.scenario.seed})", on_frame=partial(advance, 1)
    )
    write_still(reel.path, _telling_moment(reel.tracks), reel.path.with_suffix(".png"))
    return Clip(reel.title, reel.path, duration, reel.tracks)


def _telling_scenes(run: Run) -> tuple[int, int]:
    """Return the seeds of the triggered scenes in which the teacher's primary measure is largest and median."""
    file = _scores_file(run, verdict.TRIGGERED, "teacher-habit")
    stored = read_record(file, _Scored, "run the same command again; it makes it anew")
    order = np.argsort(stored.scores[run.habit.measure], kind="stable")
    seeds = [seed for seed, _ in stored.recipe[1]]
    return seeds[order[-1]], seeds[order[len(order) // 2]]


def _telling_moment(tracks: Sequence[Track]) -> float:
    """Return the middle of the longest violation of a clip, or 5 s where there is none [s]."""
    seen = [violation for track in tracks for violation in track.violations]
    longest = max(seen, key=lambda violation: violation.end - violation.start, default=None)
    return (longest.start + longest.end) / 2 if longest else 5.0


def report(run: Run, result: Audit, clips: Sequence[Clip]) -> Path:
    """Write the self-contained report of a run."""
    path = run.folder / "report.html"
    write_report(path, result, clips)
    ticked(f"write {path.name}")
    return path
