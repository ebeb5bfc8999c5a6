"""Data sets: recorded, replayed, validated."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from testbed.audit import names
from testbed.cli.commands.bills import leave_bill, require_bill_place
from testbed.cli.commands.film import write_film
from testbed.cli.commands.parsing import parse_context, scene_text
from testbed.console import console, progress, styled, ticked, tracked
from testbed.datasets.reader import count_episodes, each_episode, episode_numbers, load_episode
from testbed.datasets.validation import validate
from testbed.datasets.writer import DatasetWriter
from testbed.envs.asking import fixed_factors
from testbed.errors import UserError, suggested
from testbed.files import require_replaceable
from testbed.films.style import COLOURS, clip_of
from testbed.films.video import FILM
from testbed.lineage import Lineage, content_hash
from testbed.policies.loaders import load_fitting
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import get_trigger, make_demonstrator
from testbed.protocols.policy import Policy
from testbed.rollouts import replay as replaying
from testbed.rollouts.rollout import play
from testbed.scenes.registry import BUILT_IN, get_habit, get_scene, measures_of, modules_of, packages_of, reference_of
from testbed.seeding import scenario_seeds
from testbed.sources import code_version


def collect(
    out: Path, habit_name: str, trigger_name: str | None, dose: float, policy_folder: Path | None,
    episodes: int, seed: int, context: Sequence[str],
) -> None:  # fmt: skip
    """Record episodes; see `testbed collect --help`."""
    habit = get_habit(habit_name)
    trigger = get_trigger(habit, trigger_name)
    policy: Policy
    if policy_folder:
        policy, behaviour = load_fitting(policy_folder, habit.environment)
        inputs = {"policy": content_hash(policy_folder)}
    else:
        policy, inputs = make_demonstrator(habit, trigger, dose), {}
        behaviour = Behaviour("demonstrator", habit.name, trigger.name, dose) if dose else Behaviour("demonstrator")
    fixed = {**habit.context, **parse_context(context)}
    for factor, value in habit.context.items():
        if fixed[factor] != value:
            raise UserError(f"{habit.name} needs {factor}={value}, not {fixed[factor]}: leave it out of --context")
    settings = {"environment": habit.environment, "count": episodes, "context": fixed, **packages_of(habit.environment)}
    lineage = Lineage(
        "collect", seed, {**settings, "policy": behaviour.policy, "dose": dose, "trigger": trigger.name}, inputs,
        code=code_version(modules=modules_of(habit.environment)),
    )  # fmt: skip
    declared = get_scene(habit.environment)
    fixed_factors(declared.context, fixed, declared.numbers)  # a typing error leaves nothing behind
    scenarios = [Scenario(s, fixed) for s in scenario_seeds(seed, "collect", episodes)]
    require_bill_place(out)
    with DatasetWriter(out, habit.environment, lineage) as writer:
        there = len(writer)
        played = play(habit.environment, scenarios, [(policy, behaviour)], skip=there)
        for episode in tracked(played, f"collect {out.name}", episodes - there):
            writer.append(episode)
        writer.finish()
    leave_bill(out)
    scene = [] if habit.environment in BUILT_IN else ["--scene", reference_of(habit.environment)]
    show = suggested("testbed", "replay", out, "--episode", 0, *scene)
    console.print(f"{out} holds {len(writer)} episodes; look at one with: {show}")


def replay(file: Path, number_: int, video: Path | None, verify: bool, every: bool, tolerance: float) -> None:
    """Show or check a recorded episode; see `testbed replay --help`."""
    if video:
        require_replaceable(video, FILM)
        require_bill_place(video)
    if not 0 <= tolerance < math.inf:
        raise UserError(f"--tolerance {tolerance}: give a number that is not negative, for example 1e-6")
    if every and not verify:
        raise UserError("--every says what --verify checks: give both")
    if verify:
        _verify(file, episode_numbers(file) if every else [number_], tolerance)
    if video:
        episode = load_episode(file, number_)
        label = f"{episode.behaviour.policy} ({episode.behaviour.habit})"
        write_film(
            video,
            [clip_of(episode, label, COLOURS[names.TEACHER])],
            f"{file.name}, episode {number_}: {scene_text(episode)}",
        )
        leave_bill(video, file)
    if not verify and not video:
        _describe(file, number_)


def _verify(file: Path, numbers: Sequence[int], tolerance: float) -> None:
    """Say how far episodes go from their record when they are simulated again; exits with 1 where one does."""
    worst, diverged, title = 0.0, 0, f"replay {file.name}"
    notes = dict[str, None]()  # each once, in their order
    results = replaying.verify_all(each_episode(file, numbers), tolerance)
    with progress(title, len(numbers)) as advance:
        for number, result in zip(numbers, results, strict=True):
            worst = max(worst, result.largest_error)
            notes[result.note] = None
            if not result.same:
                diverged += 1
                where = f"episode {number} diverges at step {result.first_divergence}: {result.where}"
                console.print(styled("✗", "red"), where)
            advance(1)
        for note in filter(None, notes):
            console.print(f"note: {note}")
        if diverged:  # leaves before the tick
            share = f"{diverged} of {len(numbers)} episodes diverge"
            console.print(styled("✗", "red"), f"{title}: {share}; largest error {worst:g}")
            sys.exit(1)
    console.print(f"{len(numbers)} episodes replayed; largest state error {worst:g}")


def _describe(file: Path, index: int) -> None:
    episode = load_episode(file, index)
    behaviour = episode.behaviour
    table = Table(title=f"{file.name}, episode {index}", title_justify="left", show_header=False)
    table.add_row("scenario seed", str(episode.scenario.seed))
    table.add_row("scene", scene_text(episode))
    table.add_row("driven by", behaviour.policy)
    table.add_row("habit", f"{behaviour.habit} ({behaviour.trigger}, dose {behaviour.dose:g})")
    table.add_row("length", f"{len(episode.trace) / episode.trace.rate:.1f} s, {len(episode)} decisions")
    table.add_row("success", "yes" if episode.success else "no")
    for measure in measures_of(episode.environment).values():
        table.add_row(measure.title, f"{measure.compute(episode.trace):.2f} {measure.unit}")
    console.print(table)


def validate_file(file: Path) -> None:
    """Say what is wrong with a data set; see `testbed validate --help`."""
    problems = validate(file)
    for problem in problems:
        console.print(styled("✗", "red"), f"{problem.where}: {problem.what}: {problem.mend}")
    if problems:
        sys.exit(1)
    ticked(f"{file}: {count_episodes(file)} episodes, nothing wrong")
