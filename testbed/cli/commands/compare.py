"""Two policies compared in the same scenes: an older one that is known, and a newer one that would take its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.table import Table

from testbed.audit.compare_page import write_compare_page
from testbed.audit.pairs import Changed, Pairs, play_pairs, severity_change, success_change
from testbed.audit.result import Interval, Track, Video
from testbed.audit.text import number, percent, two_decimals
from testbed.cli.commands.audit import policy_arms
from testbed.console import console, lines, progress, styled, ticked
from testbed.errors import UserError
from testbed.experiment.arms import Arm
from testbed.experiment.config import AuditConfig, Experiment, Run
from testbed.experiment.evaluate import conditions
from testbed.experiment.folder import RUN, occupied
from testbed.files import write_text
from testbed.films.clip import Clip
from testbed.films.film import film
from testbed.films.style import OWN, captioned, marks
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.measure import Measure
from testbed.protocols.scene import place
from testbed.rollouts.rollout import play
from testbed.scenes.registry import get_scene, measures_of, violations_of

RECORD, FILM, PAGE = "compare.json", "compare.mp4", "compare.html"
"""Names of what is written."""
COLOURS = {"not worse": "green", "worse": "bold red", "undecided": "yellow"}
STYLES = OWN[2], OWN[0]
"""Colours of the older and the newer policy in films."""


def compare(
    old: Path, new: Path, habit: str, trigger: str | None, scenes: int, held_out_scenes: int, seed: int, folder: Path,
    margin: float | None, success_margin: float, with_film: bool, strict: bool, contract: Path | None,
    trust: bool,
) -> int:  # fmt: skip
    """Compare two policies and return the exit code; see `testbed compare --help`."""
    run = Run(Experiment(habit, trigger, seed=seed, audit=AuditConfig(scenes, held_out_scenes)), folder)
    environment = run.habit.environment
    arms = policy_arms([old, new], environment, contract, trust)
    if len(arms) < 2:
        raise UserError(f"{old} and {new} are one policy: give two")
    measure = measures_of(environment)[run.habit.measure]
    allowed = measure.matters if margin is None else margin
    with occupied(folder, RUN):
        console.print(styled(run.habit.name, "bold"), f"({run.trigger.meaning}): {arms[1].name} beside {arms[0].name}")
        parts = {
            name: (some, _played(environment, some, arms, measure, name)) for name, some in conditions(run).items()
        }
        found = [_changed(name, pairs, measure, allowed, success_margin) for name, (_, pairs) in parts.items()]
        record = {"environment": environment, "habit": habit, "seed": seed, "old": arms[0].name, "new": arms[1].name}
        told = {**record, "conditions": [asdict(one) for one in found]}
        write_text(folder / RECORD, json.dumps(told, indent=1) + "\n")
        console.print(_table(found, arms))
        console.print(f"{folder / RECORD}  every number above")
        films = _film(folder / FILM, run, arms, measure, parts, found) if with_film else []
        write_compare_page(folder / PAGE, environment, (arms[0].name, arms[1].name), found, films)
        console.print(styled(f"{folder / PAGE} ", "bold"), "open it in a browser")
    words = [word for one in found for word in (one.success.word, one.severity.word) if word is not None]
    return 1 if strict and any(word != "not worse" for word in words) else 0


def _played(environment: str, scenarios: list[Scenario], arms: list[Arm], measure: Measure, name: str) -> Pairs:
    policies = [arm.policies[0][1] for arm in arms]
    with progress(f"{len(scenarios)} {name} scenes", 1) as bar:
        pairs = play_pairs(environment, scenarios, policies[0], policies[1], {measure.name: measure})
        bar(1)
    return pairs


def _changed(condition: str, pairs: Pairs, measure: Measure, margin: float | None, success_margin: float) -> Changed:
    times = pairs.step * pairs.parted[pairs.parted >= 0]
    return Changed(
        condition, len(pairs.seeds), success_change(pairs, success_margin),
        severity_change(pairs, measure, margin), int((pairs.parted < 0).sum()),
        float(np.median(times)) if len(times) else None,
    )  # fmt: skip


def _table(found: list[Changed], arms: list[Arm]) -> Table:
    one = found[0].severity
    allowed = "" if one.margin is None else f", margin {number(one.margin)} {one.unit}"
    title = f"{arms[1].name} beside {arms[0].name}: {one.measure} [{one.unit}]{allowed}"
    table = Table(title=title, title_justify="left", caption=lines(map(_told, found)), caption_justify="left")
    for heading in ("scenes", "old", "new", "worse by (95 %)", "verdict"):
        table.add_column(heading, justify="left" if heading in ("scenes", "verdict") else "right", no_wrap=True)
    for row in found:
        severity, success, share = row.severity, row.success, 1 / row.scenes
        word = severity.word or "no margin"
        table.add_row(
            f"{row.scenes} {row.condition}", number(severity.old), number(severity.new), two_decimals(severity.worse),
            styled(word, COLOURS.get(word, "")),
        )  # fmt: skip
        lost = Interval(-success.change.value, -success.change.high, -success.change.low)
        table.add_row(
            "  success", f"{100 * share * success.old:.0f} %", f"{100 * share * success.new:.0f} %", percent(lost),
            styled(success.word, COLOURS[success.word]),
        )  # fmt: skip
        table.add_section()
    return table


def _told(row: Changed) -> str:
    """Return what else is to be said of a condition, in words."""
    success = row.success
    same = f"both did the same throughout in {row.same}"
    when = "" if row.parted is None else f", and in the others until {row.parted:.1f} s (median)"
    return (
        f"{row.condition}: success lost in {success.lost} scenes, won in {success.won} (McNemar p {success.p:.2g}); "
        f"{same}{when}"
    )


def _film(
    path: Path, run: Run, arms: list[Arm], measure: Measure,
    parts: Mapping[str, tuple[list[Scenario], Pairs]], found: list[Changed],
) -> list[Video]:  # fmt: skip
    """Film both in the scene in which they part most."""
    environment = run.habit.environment
    reason = place(get_scene(environment).panel).cannot_draw(environment)
    if reason:
        console.print(styled("no film:", "yellow"), reason)
        return []
    most = max(found, key=lambda one: _gap(parts[one.condition][1], measure, one.severity.apart))
    scenario = next(one for one in parts[most.condition][0] if one.seed == most.severity.apart)
    jobs = [(arm.policies[0][1], Behaviour(arm.name)) for arm in arms]
    title = f"where they part most ({most.condition} scene {scenario.seed})"
    takes, tracks = [], []
    for colour, episode in zip(STYLES, play(environment, [scenario], jobs), strict=True):
        name, value = episode.behaviour.policy, measure.compute(episode.trace)
        takes.append(Clip(name, colour, episode, captioned(measure, value), "", marks(episode)))
        seen = tuple(violations_of(environment)(episode.trace))
        tracks.append(Track(name, value, episode.success, len(episode.trace) / episode.trace.rate, seen))
    duration = film(path, takes, title=title)
    ticked(f"write {path}")
    return [Video(title, path, duration, tuple(tracks))]


def _gap(pairs: Pairs, measure: Measure, seed: int) -> float:
    old, new = pairs.values[measure.name][:, pairs.seeds.index(seed)]
    return abs(float(new - old))
