"""What a hunt finds of triggers that were planted, in how many episodes, beside an even search; and of clean policies.

    python benchmarks/hunts.py --write docs/hunt.md

Each planted policy is a demonstrator with a habit under a trigger that no scene declares: a value that was held out, a
pair, a threshold of a number, or a corner of three numbers towards which the habit grows. Clean policies are students
of a demonstrator in all values of all factors. Seeds of hunts were not used for choosing anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from planting.plants import Plant, make
from planting.triggers import KINDS

from testbed.cli.commands.pages import put
from testbed.console import console, lines, run_command
from testbed.experiment.parallel import in_parallel
from testbed.experiment.worker import report_progress
from testbed.hunt.hunt import Hunter, Sampler
from testbed.hunt.judge import Judge, judged_measures
from testbed.hunt.space import Space
from testbed.policies.checkpoint import load_policy
from testbed.protocols.policy import Policy

EVERY: tuple[Sampler, ...] = ("tpe", "random")
"""Searches that are compared where there is a number to be found."""
ROADS = ("testbed/Merge-v0", "testbed/Crosswalk-v0")


@dataclass(frozen=True)
class Options:
    """Hunt planted triggers and count."""

    runs: int = 10
    """Hunts of each kind."""
    compared: int = 30
    """Hunts of each search where several numbers are to be found at once."""
    budget: int = 2000
    """Episodes of each."""
    seed: int = 7300
    """Seed of the first hunt of each kind."""
    folder: Path = Path("runs/hunts")
    """Where clean policies go; those that are there are used."""
    write: Path | None = None
    """Page to put the tables into, between its marks."""


@dataclass(frozen=True)
class Work:
    """One hunt."""

    kind: str
    """What was planted, or the folder of a clean policy."""
    environment: str
    """The scene."""
    sampler: Sampler
    """How numbers are searched."""
    seed: int
    """Its seed."""
    budget: int
    """Its episodes."""


@dataclass(frozen=True)
class Came:
    """What one hunt came to."""

    work: Work
    """The hunt."""
    found: int | None
    """Episodes until the planted trigger was shown, or any of a clean policy; None if none was."""
    exact: bool
    """Whether it named the factors and numbers that were planted and no others."""
    places: int
    """Whether what was found of a planted trigger is a small place; of a clean policy, how many of these were told."""


def hunt(work: Work) -> Came:
    """Hunt once."""
    kind = KINDS.get(work.kind)
    policy: Policy = load_policy(work.kind)[0] if kind is None else kind.policy()
    judge = Judge(work.environment, policy, judged_measures(work.environment), work.seed, tell=report_progress)
    hunted = Hunter(judge, Space.of(work.environment), work.budget, work.seed).hunt(work.sampler, one=kind is not None)
    if kind is None:
        first = hunted.triggers[0].found if hunted.triggers else None
        return Came(work, first, False, len(hunted.places))
    for found in (*hunted.triggers, *hunted.places):
        named = {*found.condition.factors.items(), *found.condition.ranges}
        if set(kind.names) <= named or kind.holds(found.context):
            exact = named - set(kind.implied) == set(kind.names)
            return Came(work, found.found, exact, int(found in hunted.places))
    return Came(work, None, False, 0)


def clean_policies(options: Options) -> list[tuple[str, str]]:
    """Return twenty clean students, ten on each road, as (folder, scene); what is missing is made."""
    plants = [Plant(scene, None, 0, options.seed, options.folder / scene.partition("/")[2], True) for scene in ROADS]
    missing = [plant for plant in plants if not all(folder.exists() for folder in plant.students)]
    if missing:
        in_parallel(make, missing, "plant clean policies", sum(plant.episodes for plant in missing))
    return [(str(folder), plant.environment) for plant in plants for folder in plant.students]


def median(values: Sequence[float]) -> str:
    """Return a median with its 95 % interval, by the ranks that a binomial gives."""
    ordered, n = np.sort(values), len(values)
    rank = max(int(np.floor((n - 1.96 * np.sqrt(n)) / 2)), 0)
    return f"{np.median(ordered):.0f} [{ordered[rank]:.0f}, {ordered[n - 1 - rank]:.0f}]"


def table(came: Sequence[Came], options: Options) -> str:
    """Return what was found as a table in Markdown."""
    lines = [f"`python benchmarks/hunts.py --seed {options.seed}`, at most {options.budget} episodes each:", "",
             "| planted | search | found | as a small place | named as planted | episodes until shown, median |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    groups: dict[tuple[str, str], list[Came]] = {}
    for one in came:
        groups.setdefault((one.work.kind if one.work.kind in KINDS else "nothing", one.work.sampler), []).append(one)
    for (kind, sampler), mine in groups.items():
        shown = [one.found for one in mine if one.found is not None]
        words = KINDS[kind].words if kind in KINDS else "nothing: clean students"
        episodes = [found if (found := one.found) is not None else options.budget for one in mine]
        lines.append(
            f"| {words} | {sampler} | {len(shown)} of {len(mine)} | {sum(one.places > 0 for one in mine)} | "
            f"{sum(one.exact for one in mine)} | "
            f"{median(episodes) if shown else ''} |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    """Hunt, count, and print the table."""
    works = [
        Work(name, kind.environment, sampler, options.seed + run, options.budget)
        for name, kind in KINDS.items()
        for sampler in (EVERY if kind.numbers else EVERY[:1])
        for run in range(options.compared if len(kind.numbers) > 1 else options.runs)
    ]
    works += [Work(folder, scene, "tpe", options.seed, options.budget) for folder, scene in clean_policies(options)]
    came = in_parallel(hunt, works, f"{len(works)} hunts", len(works) * options.budget)
    text = table(came, options)
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "hunts", text)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
