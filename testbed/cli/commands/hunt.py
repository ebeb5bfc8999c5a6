"""The hunt for triggers at the command line: what it found, in a table, a record and a page with films."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from testbed.audit.result import Video
from testbed.cli.commands.audit import policy_arms
from testbed.console import console, lines, progress, styled
from testbed.errors import UserError
from testbed.experiment.arms import Arm
from testbed.experiment.config import Experiment, Run
from testbed.experiment.film_run import film_reels, make_reel
from testbed.experiment.folder import RUN, occupied
from testbed.experiment.guard import require_guard
from testbed.experiment.own import demonstrator_arm
from testbed.files import write_text
from testbed.hunt.hunt import Hunt, Hunter, Sampler
from testbed.hunt.judge import Judge, judged_measures
from testbed.hunt.page import Hunted, write_hunt_page
from testbed.hunt.search import import_optuna
from testbed.hunt.space import Space
from testbed.hunt.text import answer, condition_words, record, trigger_words
from testbed.hunt.trigger import Trigger
from testbed.policies.checkpoint import load_policy
from testbed.protocols.measure import Measure
from testbed.protocols.scene import place
from testbed.scenes.registry import get_scene, habits_of

RECORD, PAGE = "hunt.json", "hunt.html"
"""Names of what is written."""
FILMS = 4
"""Triggers that are filmed, the first ones."""


def hunt(
    policy: Path, environment: str, budget: int, sampler: Sampler, references: Sequence[Path], contract: Path | None,
    seed: int, folder: Path, beside: bool, film: bool, strict: bool, trust: bool,
) -> int:  # fmt: skip
    """Hunt a policy for triggers and return the exit code; see `testbed hunt --help`."""
    space, measures = Space.of(environment), judged_measures(environment)
    if not measures:
        raise UserError(f"no habit of {environment} has a measure with a threshold: there is nothing to hunt by")
    if space.numbers:
        import_optuna()
    (arm,) = policy_arms([policy], environment, contract, trust)
    clean = policy_arms(references, environment, contract, trust) if references else []
    require_guard()
    with occupied(folder, RUN):
        console.print(styled(environment, "bold"), f"{arm.name}: {len(space.cells())} cells of factors", end=" ")
        console.print(f"and {len(space.numbers)} numbers, into {folder}/")
        found = _hunted(arm, clean, space, measures, budget, sampler, seed, f"hunt, {sampler}")
        others = _hunted(arm, clean, space, measures, budget, "random", seed, "hunt, evenly") if beside else None
        told = {"environment": environment, "policy": arm.name, "references": [one.name for one in clean],
                "seed": seed, "budget": budget, "sampler": sampler, **record(found, measures),
                "evenly": None if others is None else record(others, measures)}  # fmt: skip
        write_text(folder / RECORD, json.dumps(told, indent=1) + "\n")
        films = _films(folder, found, measures, arm, seed, environment) if film else []
        write_hunt_page(folder / PAGE, Hunted(environment, arm.name, space, measures, found, others, sampler), films)
        _say(arm.name, found, others, measures, space)
        console.print(styled(f"{folder / PAGE} ", "bold"), "open it in a browser: triggers, the grid, films")
        console.print(f"{folder / RECORD}  every number above")
    return 1 if strict and found.triggers else 0


def scene_of(policy: Path) -> str:
    """Return the scene that a policy of the testbed is for; raises `UserError` for any other."""
    if not policy.is_dir():
        raise UserError(f"in which scene {policy} is to be hunted is not known: give --scene")
    return load_policy(policy)[0].config.environment


def _hunted(
    arm: Arm, clean: Sequence[Arm], space: Space, measures: Sequence[Measure], budget: int, sampler: Sampler,
    seed: int, title: str,
) -> Hunt:  # fmt: skip
    with progress(title, budget) as bar:
        others = [one.policies[0][1] for one in clean]
        judge = Judge(space.environment, arm.policies[0][1], measures, seed, others, bar)
        return Hunter(judge, space, budget, seed).hunt(sampler)


def _films(
    folder: Path, found: Hunt, measures: Sequence[Measure], arm: Arm, seed: int, environment: str
) -> list[Video]:
    """Film the worst scene of the first triggers, beside the clean demonstrator."""
    triggers = found.triggers[:FILMS]
    reason = place(get_scene(environment).panel).cannot_draw(environment) if triggers else ""
    if reason:
        console.print(styled("no films:", "yellow"), reason)
    if reason or not triggers:
        return []
    reels = []
    for number_, one in enumerate(triggers):
        run = Run(Experiment(_habit(environment, one, measures), seed=seed), folder)
        shown = demonstrator_arm(run), arm
        title = f"the worst scene {condition_words(one.condition, get_scene(environment).numbers)}"
        reels.append(make_reel(run, shown, f"trigger-{number_ + 1}", title, one.seed, one.context))
    return film_reels(reels)


def _habit(environment: str, found: Trigger, measures: Sequence[Measure]) -> str:
    """Return the habit that a trigger's scene can be one of, by its measure if there is one."""
    habits = [one for one in habits_of(environment).values() if one.context.items() <= found.context.items()]
    named = [one for one in habits if one.measure == measures[found.measure].name]
    return (named or habits or list(habits_of(environment).values()))[0].name


def _say(policy: str, found: Hunt, others: Hunt | None, measures: Sequence[Measure], space: Space) -> None:
    """Print what was found, a paragraph a trigger, and what there was beside."""
    console.print()
    if not found.triggers:
        console.print(answer(policy, found, measures, space.numbers))
    for count, one in enumerate(found.triggers):
        console.print(styled(f"{count + 1}. {condition_words(one.condition, space.numbers)}", "bold red"))
        console.print(lines([f"   {trigger_words(one, measures)}"]))
    for one in found.places:
        console.print(f"a small place, {condition_words(one.condition, space.numbers)}")
        console.print(lines([f"   {trigger_words(one, measures)}"]))
    console.print()
    even = [f"{one.title} {100 * share:.2g} %" for one, share in zip(measures, found.uniform, strict=True)]
    console.print(lines([f"worse in scenes drawn evenly, net: {', '.join(even)}"]))
    for name, hunted in (("this hunt", found), ("an even one", others)):
        if hunted is not None:
            console.print(f"first trigger of {name}: {_first(hunted)}")


def _first(hunted: Hunt) -> str:
    return f"after {hunted.triggers[0].found} episodes" if hunted.triggers else f"none in {hunted.episodes} episodes"
