"""What the subcommands of `testbed` do."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from testbed.audit import verdict
from testbed.audit.report import write_report
from testbed.audit.stored import read_audit, read_clips
from testbed.commands.labels import told_apart
from testbed.console import console, progress, styled, ticked, tracked
from testbed.demonstrations import replay as replaying
from testbed.demonstrations.film import film as make_film
from testbed.demonstrations.reader import count_episodes, each_episode, episode_numbers, load_episode
from testbed.demonstrations.rollout import play
from testbed.demonstrations.take import Take
from testbed.demonstrations.validation import validate
from testbed.demonstrations.video import FILM
from testbed.demonstrations.writer import DatasetWriter
from testbed.envs import scene_of
from testbed.envs.asking import fixed_factors
from testbed.episode import Behaviour, Episode, Policy, Scenario
from testbed.errors import UserError, suggested
from testbed.experiment.showing import COLOURS, captioned, marks
from testbed.files import require_replaceable
from testbed.habits.table import HABITS, get_habit, get_trigger, make_demonstrator
from testbed.legible import legible
from testbed.lineage import Lineage, content_hash
from testbed.measures.table import measures_of, primary_of
from testbed.policies.checkpoint import load_policy
from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.seeding import scenario_seeds


def parse_context(pairs: Sequence[str]) -> dict[str, str]:
    """Return `("leader=truck",)` as a context; raises `UserError` for anything that is not factor=value."""
    for pair in pairs:
        if pair.count("=") != 1:
            raise UserError(f"context '{pair}' is not factor=value: write for example leader=truck")
    factors = [pair.split("=")[0] for pair in pairs]
    for factor in factors:
        if factors.count(factor) > 1:
            raise UserError(f"context '{factor}' is given {factors.count(factor)} times: give it one value")
    return dict(pair.split("=") for pair in pairs)


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
    settings = {"environment": habit.environment, "count": episodes, "context": fixed}
    lineage = Lineage(
        "collect", seed, {**settings, "policy": behaviour.policy, "dose": dose, "trigger": trigger.name}, inputs
    )
    fixed_factors(scene_of(habit.environment).context, fixed)  # a typing error leaves nothing behind
    scenarios = [Scenario(s, fixed) for s in scenario_seeds(seed, "collect", episodes)]
    with DatasetWriter(out, habit.environment, lineage) as writer:
        there = len(writer)
        played = play(habit.environment, scenarios, [(policy, behaviour)], skip=there)
        for episode in tracked(played, f"collect {out.name}", episodes - there):
            writer.append(episode)
        writer.finish()
    show = suggested("testbed", "replay", out, "--episode", 0)
    console.print(f"{out} holds {len(writer)} episodes; look at one with: {show}")


def load_fitting(folder: Path, environment: str | None = None) -> tuple[NetworkPolicy, Behaviour]:
    """Return a policy and its label; raises `UserError` if it is for another environment, or fits none as it is."""
    from testbed.experiment.collecting import policy_config

    policy, behaviour = load_policy(folder, environment)
    has = policy.config
    fits = policy_config(has.environment, has.hidden)
    if (has.observation_size, has.actions, has.head) != (fits.observation_size, fits.actions, fits.head):
        raise UserError(
            f"{folder} sees {has.observation_size} numbers and has {has.actions} {_actions(has.head)} actions; "
            f"{has.environment} has {fits.observation_size} and {fits.actions} {_actions(fits.head)}: train it again"
        )
    return policy, behaviour


def _actions(head: str) -> str:
    return "discrete" if head == CATEGORICAL else "continuous"


def export(folder: Path, out: Path) -> None:
    """Export a policy; see `testbed export --help`."""
    from testbed.policies.onnx import ONNX, export_onnx

    require_replaceable(out, ONNX)
    policy, _ = load_policy(folder)
    exported = export_onnx(policy, out)
    console.print(f"{out}  takes {', '.join(exported.inputs)}; gives {', '.join(exported.outputs)}")


def film_policies(folders: Sequence[Path], out: Path, scenario: int, context: Sequence[str]) -> None:
    """Film policies side by side; see `testbed film --help`."""
    if not folders:
        raise UserError("give at least one policy folder")
    require_replaceable(out, FILM)
    palette = list(COLOURS.values())
    scene = Scenario(scenario, parse_context(context))
    episodes: list[Episode] = []
    for folder in folders:
        policy, behaviour = load_fitting(folder)
        episodes += play(policy.config.environment, [scene], [(policy, behaviour)])
    names = enumerate(zip(told_apart(folders), episodes, strict=True))
    takes = [_take(name, palette[k % 5], episode) for k, (name, episode) in names]
    _film(out, takes, f"scene {scenario}: {_scene(episodes[0])}")


def _take(label: str, colour: tuple[int, int, int], episode: Episode) -> Take:
    """Return a take captioned with the measure of the habit that the episode is labelled with."""
    habit = HABITS.get(episode.behaviour.habit)
    known = habit and habit.environment == episode.environment
    measure = measures_of(episode.environment)[habit.measure] if habit and known else primary_of(episode.environment)
    caption = captioned(measure, measure.compute(episode.trace))
    return Take(legible(label), colour, episode, caption, "", marks(episode))


def _scene(episode: Episode) -> str:
    return ", ".join(f"{name} {value}" for name, value in episode.context.items())


def _film(out: Path, takes: Sequence[Take], title: str) -> None:
    with progress(f"film {out.name}", max(len(take.episode.trace) for take in takes)) as advance:
        duration = make_film(out, takes, title=legible(title), on_frame=lambda: advance(1))
    console.print(f"{out}  {duration:.1f} s")


def replay(file: Path, number_: int, video: Path | None, verify: bool, every: bool, tolerance: float) -> None:
    """Show or check a recorded episode; see `testbed replay --help`."""
    if video:
        require_replaceable(video, FILM)
    if not 0 <= tolerance < math.inf:
        raise UserError(f"--tolerance {tolerance}: give a number that is not negative, for example 1e-6")
    if every and not verify:
        raise UserError("--every says what --verify checks: give both")
    if verify:
        _verify(file, episode_numbers(file) if every else [number_], tolerance)
    if video:
        episode = load_episode(file, number_)
        label = f"{episode.behaviour.policy} ({episode.behaviour.habit})"
        _film(
            video,
            [_take(label, COLOURS[verdict.TEACHER], episode)],
            f"{file.name}, episode {number_}: {_scene(episode)}",
        )
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
    table.add_row("scene", _scene(episode))
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


def report(run: Path) -> None:
    """Write a run's report again; see `testbed report --help`."""
    result, clips = read_audit(run), read_clips(run)
    write_report(run / "report.html", result, clips)
    console.print(f"{run / 'report.html'}  open it in a browser")
