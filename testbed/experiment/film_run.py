"""The stage that shows: films of telling scenes, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from testbed.audit import names
from testbed.audit.report import clips_to_json, write_report
from testbed.audit.result import Audit, Track, Video
from testbed.console import console, styled, ticked
from testbed.datasets.saving import renew_episodes
from testbed.experiment.arms import Arm
from testbed.experiment.config import Run
from testbed.experiment.evaluate import Scored, scores_file
from testbed.experiment.parallel import in_parallel
from testbed.experiment.stored import CLIPS, EPISODES, VIDEOS
from testbed.experiment.worker import report_progress
from testbed.files import write_text
from testbed.films.clip import Clip
from testbed.films.film import film
from testbed.films.style import captioned, colours_of, marks
from testbed.films.video import write_still
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.scene import place
from testbed.provenance.picture import student_picture
from testbed.records import read_record
from testbed.rollouts.rollout import play
from testbed.scenes.registry import get_scene, measures_of, violations_of


def film_clips(run: Run, shown: Sequence[Arm], subject: Arm) -> list[Video]:
    """Film arms side by side in three telling scenes, all three at once.

    The scenes are the triggered ones in which the subject's primary measure is the worst and the median, and the
    untriggered match of the first.

    Args:
        run: Whose scenes.
        shown: The arms, from top to bottom; nothing is filmed if there are none.
        subject: Whose scenes they are.
    """
    panel = place(get_scene(run.habit.environment).panel)
    reason = panel.cannot_draw(run.habit.environment) if shown else "none were asked for"
    if reason:
        console.print(styled("no films:", "yellow"), reason)
        write_text(run.folder / VIDEOS / CLIPS, clips_to_json([]))  # so that the run is finished, and its report too
        return []
    worst, median = _telling_scenes(run, subject)
    who = f"the {subject.name}" if subject.name in (names.TEACHER, names.STUDENT) else subject.name
    picks = [("triggered-worst", f"the trigger holds: {who}'s worst scene", worst, run.trigger.on)]
    picks.append(("triggered-median", f"the trigger holds: {who}'s median scene", median, run.trigger.on))
    if run.trigger.off:
        picks.append(("untriggered", "the same as its worst scene, but without the trigger", worst, run.trigger.off))
    reels = [make_reel(run, shown, *pick) for pick in picks]
    return film_reels(reels)


def film_reels(reels: Sequence[Reel]) -> list[Video]:
    """Make films, as many at once as there are cores; beside them lie their record and what they show."""
    _keep(reels)
    frames = sum(max(len(take.episode.trace) for take in reel.takes) for reel in reels)
    made = in_parallel(make_clip, reels, f"film {len(reels)} scenes", frames)
    for folder in dict.fromkeys(reel.path.parent for reel in reels):
        write_text(folder / CLIPS, clips_to_json([one for one in made if one.video.parent == folder]))
    return made


def _keep(reels: Sequence[Reel]) -> None:
    """Keep what is filmed as a data set beside the films, each episode under the name that it has there."""
    for folder in dict.fromkeys(reel.path.parent for reel in reels):
        takes = [take for reel in reels if reel.path.parent == folder for take in reel.takes]
        named = [replace(take.episode, behaviour=replace(take.episode.behaviour, policy=take.label)) for take in takes]
        renew_episodes(folder / EPISODES, named)


@dataclass(frozen=True)
class Reel:
    """One film to make."""

    path: Path
    """The mp4."""
    title: str
    """What the scene is."""
    scenario: Scenario
    """The scene."""
    takes: tuple[Clip, ...]
    """What is shown, from top to bottom."""
    tracks: tuple[Track, ...]
    """The time lines of the same."""


def make_reel(run: Run, arms: Sequence[Arm], name: str, title: str, seed: int, context: Mapping[str, str]) -> Reel:
    """Play the first policy of each arm in one scene."""
    scenario, primary = run.scenario(seed, context), measures_of(run.habit.environment)[run.habit.measure]
    jobs = [(arm.policies[0][1], Behaviour(arm.policies[0][0])) for arm in arms]
    takes, tracks, colours = [], [], colours_of([arm.name for arm in arms])
    for arm, colour, episode in zip(arms, colours, play(run.habit.environment, [scenario], jobs), strict=True):
        label = f"{arm.name} ({arm.route})" if arm.route else arm.name
        value = primary.compute(episode.trace)
        seen = violations_of(episode.environment)(episode.trace)
        caption = captioned(primary, value)
        chip = f"trigger: {run.trigger.name}" if context == run.trigger.on else ""
        takes.append(Clip(label, colour, episode, caption, chip, marks(episode)))
        tracks.append(Track(label, value, episode.success, len(episode.trace) / episode.trace.rate, tuple(seen)))
    return Reel(run.folder / VIDEOS / f"{name}.mp4", title, scenario, tuple(takes), tuple(tracks))


def make_clip(reel: Reel) -> Video:
    """Make one film and its still."""
    duration = film(
        reel.path, reel.takes, title=f"{reel.title} (scene {reel.scenario.seed})", on_frame=partial(report_progress, 1)
    )
    write_still(reel.path, _telling_moment(reel.tracks), reel.path.with_suffix(".png"))
    return Video(reel.title, reel.path, duration, reel.tracks)


def _telling_scenes(run: Run, subject: Arm) -> tuple[int, int]:
    """Return the seeds of the triggered scenes in which somebody's primary measure is the worst and the median."""
    file = scores_file(run, names.TRIGGERED, subject.policies[0][0])
    stored = read_record(file, Scored, "run the same command again; it makes it anew")
    sign = 1 if measures_of(run.habit.environment)[run.habit.measure].worse == "higher" else -1
    order = np.argsort(sign * np.array(stored.scores[run.habit.measure]), kind="stable")
    seeds = [seed for seed, _ in stored.recipe[1]]
    return seeds[order[-1]], seeds[order[len(order) // 2]]


def _telling_moment(tracks: Sequence[Track]) -> float:
    """Return the middle of the longest violation of a clip, or 5 s where there is none [s]."""
    seen = [violation for track in tracks for violation in track.violations]
    longest = max(seen, key=lambda violation: violation.end - violation.start, default=None)
    return (longest.start + longest.end) / 2 if longest else 5.0


def report(run: Run, result: Audit, clips: Sequence[Video]) -> Path:
    """Write the self-contained report of a run."""
    path = run.folder / "report.html"
    write_report(path, result, clips, student_picture(run.folder))
    ticked(f"write {path.name}")
    return path
