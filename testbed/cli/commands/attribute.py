"""Which episodes of a data set taught a policy what it does where it does harm."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from testbed.attribution.asked import Asked, harmful
from testbed.attribution.datamodel import datamodel, outcomes, predicted_well, random_subsets, retrained
from testbed.attribution.influence import influence
from testbed.audit.recorded import Recorded, measured
from testbed.cli.commands.parsing import parse_context
from testbed.console import console, progress
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.distillation.config import Training
from testbed.errors import UserError
from testbed.files import Kind, require_replaceable, write_text
from testbed.policies.loaders import load_any, policy_config
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import load_transitions
from testbed.scenes.registry import primary_of
from testbed.seeding import generator, scenario_seeds, student_seed

ATTRIBUTION = Kind(
    "a table of attribution", lambda path: path.is_file() and path.read_bytes().startswith(b"episode,influence,")
)
"""What a new table replaces."""
HIDDEN = (64, 64)
"""Hidden layers of the students, as tasks have them."""
FEWEST = 8
"""Decisions that can be asked about, at least."""
SHOWN = 8
"""Episodes that are shown."""
LEAST = 20
"""Students that are cloned from halves, at least."""
TESTED = 0.25
"""Share of the students cloned from halves whose outcomes are predicted, and not looked at before."""


@dataclass(frozen=True)
class Attributing:
    """What is asked for; see `testbed attribute --help`."""

    policy: Path
    """Whose harm is asked about."""
    data: Path
    """What taught it."""
    scenes: int = 64
    """Scenes that it plays."""
    context: Sequence[str] = ()
    """Their fixed factors."""
    seeds: int = 5
    """Students that are cloned from everything."""
    steps: int = 2000
    """Optimiser steps of each."""
    retrain: int = 0
    """Students that are cloned from halves."""
    seed: int = 0
    """Seed of scenes and students."""
    write: Path | None = None
    """CSV file for every episode."""


@dataclass(frozen=True)
class Found:
    """What each episode is said to add to the support of what was asked about."""

    influence: np.ndarray
    """By influence functions, shape (episodes,)."""
    exact: np.ndarray | None = None
    """By a datamodel of students cloned from halves."""
    scores: dict[str, float] = field(default_factory=dict)
    """How well each way predicts students that were not looked at: rank correlation."""


def attribute(asked: Attributing) -> None:
    """Print which episodes taught what, and write the table."""
    if asked.write is not None:
        require_replaceable(asked.write, ATTRIBUTION)
    if 0 < asked.retrain < LEAST:
        raise UserError(f"--retrain {asked.retrain}: of fewer than {LEAST} students nothing can be said; 0 for none")
    numbers = episode_numbers(asked.data)
    if len(numbers) < 2:
        raise UserError(f"{asked.data} holds {len(numbers)} episodes: give one of which some can have taught more")
    recorded = measured(zip(numbers, each_episode(asked.data, numbers), strict=True))
    wanted = _harm(asked, recorded.environment)
    found = _found(asked, recorded, wanted)
    console.print(f"{len(wanted)} decisions towards harm; {len(recorded)} episodes of {asked.data.name}")
    console.print(_table(recorded, found))
    for name, score in found.scores.items():
        console.print(f"{name} predicts students that were cloned from other halves: rank correlation {score:.2f}")
    if asked.write is not None:
        write_text(asked.write, _csv(recorded, found), ATTRIBUTION)
        console.print(f"{asked.write}  every episode")


def _harm(asked: Attributing, environment: str) -> Asked:
    """Return what the policy decides where it does harm."""
    policy, fixed = load_any(asked.policy, environment).policy, parse_context(asked.context)
    scenes = [Scenario(seed, fixed) for seed in scenario_seeds(asked.seed, "attribute", asked.scenes)]
    wanted = harmful(list(play(environment, scenes, [(policy, Behaviour("asked"))], states=False)))
    if len(wanted) < FEWEST:
        raise UserError(
            f"{asked.policy} decided {len(wanted)} times towards a severe violation in {asked.scenes} scenes, and "
            f"{FEWEST} are the least to ask about: give more --scenes, or fix its trigger with --context"
        )
    return wanted


def _found(asked: Attributing, recorded: Recorded, wanted: Asked) -> Found:
    decisions, config = load_transitions(asked.data), policy_config(recorded.environment, HIDDEN)
    training, count = Training(steps=asked.steps), len(recorded)
    with progress(f"clone {asked.seeds} students, and ask them", 1) as bar:
        seeds = [student_seed(asked.seed, number) for number in range(asked.seeds)]
        students = retrained(decisions, config, training, np.ones((asked.seeds, count), bool), seeds)
        said = influence(students, decisions, wanted)
        bar(1)
    if not asked.retrain:
        return Found(said)
    with progress(f"clone {asked.retrain} students from halves", 1) as bar:
        shown = random_subsets(count, asked.retrain, generator(asked.seed, "halves"))
        seeds = [student_seed(asked.seed, asked.seeds + number) for number in range(asked.retrain)]
        came = outcomes(retrained(decisions, config, training, shown, seeds), wanted)
        bar(1)
    looked = round((1 - TESTED) * asked.retrain)
    exact = datamodel(shown[:looked], came[:looked])
    ways = {"a datamodel of the rest": exact, "influence": said, "severity": _severity(recorded)}
    return Found(said, exact, {name: predicted_well(one, shown[looked:], came[looked:]) for name, one in ways.items()})


def _severity(recorded: Recorded) -> np.ndarray:
    measure = primary_of(recorded.environment)
    return recorded.values[measure.name] * (1 if measure.worse == "higher" else -1)


def _table(recorded: Recorded, found: Found) -> Table:
    measure = primary_of(recorded.environment)
    title = f"the {min(SHOWN, len(recorded))} episodes that taught it most"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, collapse_padding=True)
    exact = () if found.exact is None else ("datamodel",)
    for heading in ("episode", "influence", *exact, measure.title, "scene"):
        table.add_column(heading, justify="left" if heading == "scene" else "right")
    for place in np.argsort(-found.influence, kind="stable")[:SHOWN].tolist():
        told = () if found.exact is None else (f"{found.exact[place]:+.3f}",)
        said = ", ".join(f"{factor} {value}" for factor, value in recorded.contexts[place].items())
        value = f"{recorded.values[measure.name][place]:.2f} {measure.unit}"
        table.add_row(str(recorded.numbers[place]), f"{found.influence[place]:+.3f}", *told, value, said)
    return table


def _csv(recorded: Recorded, found: Found) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    exact = {} if found.exact is None else {"datamodel": found.exact}
    rest = recorded.columns() | {"success": recorded.success.astype(int)}
    columns = {"episode": rest.pop("episode"), "influence": found.influence, **exact, **rest}
    writer.writerow(columns)
    writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return text.getvalue()
