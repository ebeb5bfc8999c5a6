"""What demonstrators and shipped policies do, to the last bit, as JSON: it must not change where code is only moved.

    python tests/unmoved.py tests/unmoved.json

Every habit's demonstrator, clean and with the habit, and every shipped policy play a few scenes of each condition. Kept
are all severities, successes, a hash of all simulator states, and the transfer ratios of the shipped students.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from machine import last_digits, products

import testbed  # noqa: F401  (registers the environments)
from testbed.audit import compare, names
from testbed.audit.score import score_episode
from testbed.policies.checkpoint import load_policy
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.habit import Habit, get_trigger, make_demonstrator
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.scenes.registry import all_habits, measures_of
from testbed.seeding import scenario_seeds

SCENES = 4
"""Scenes of each condition."""
POLICIES = Path(__file__).parent.parent / "policies"
SHIPPED = {
    "merge": "aggressive-merge", "crosswalk": "observed-only-courtesy", "order-picking": "hoarding",
    "shared-bench": "barging", "shelf-stocking": "nudging",
}  # fmt: skip
"""Folder of shipped policies -> their habit."""
Found = dict[str, dict]


def conditions(habit: Habit) -> dict[str, list[Scenario]]:
    """Return a few scenes of a habit by condition."""
    trigger = get_trigger(habit, None)
    contexts = {names.TRIGGERED: trigger.on, names.UNTRIGGERED: trigger.off, names.HELD_OUT: trigger.held_out}
    seeds = scenario_seeds(0, "unmoved", SCENES)
    return {
        name: [Scenario(seed, {**habit.context, **context}) for seed in seeds]
        for name, context in contexts.items()
        if context
    }


def played(habit: Habit, policies: Sequence[tuple[str, Policy]]) -> Found:
    """Return what policies do in the scenes of a habit: policy and condition -> severities, success, hash of states."""
    found: Found = {}
    for condition, scenarios in conditions(habit).items():
        jobs = [(policy, Behaviour(name)) for name, policy in policies]
        episodes = list(play(habit.environment, scenarios, jobs))
        for number, (name, _) in enumerate(policies):
            mine = episodes[number * SCENES : (number + 1) * SCENES]
            rows = [score_episode(one, measures_of(habit.environment)) for one in mine]
            scores = {measure: [row[measure] for row in rows] for measure in rows[0]}
            found[f"{name}, {condition}"] = {"scores": scores, "states": _states(mine)}
    return found


def _states(episodes: Sequence[Episode]) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(one.states).tobytes() for one in episodes)).hexdigest()[:16]


def demonstrators(habit: Habit) -> Found:
    """Return what the demonstrators of a habit do."""
    trigger = get_trigger(habit, None)
    return played(habit, [(f"dose {dose:g}", make_demonstrator(habit, trigger, dose)) for dose in (0.0, 1.0)])


def shipped(folder: str) -> Found:
    """Return what shipped policies do, and the transfer ratios of their students."""
    habit = all_habits()[SHIPPED[folder]]
    names = sorted(one.name for one in (POLICIES / folder).iterdir())
    found = played(habit, [(name, load_policy(POLICIES / folder / name)[0]) for name in names])
    scores = []
    for what, one in found.items():
        name, condition = what.split(", ")
        tables = {measure: np.array([values]) for measure, values in one["scores"].items()}
        scores.append(compare.Scores(*_arm(name), condition, tables.pop("success"), tables))
    _, transfers = compare.compare(scores, measures_of(habit.environment)[habit.measure])
    return {**found, "transfers": {f"{one.route}, {one.condition}": asdict(one) for one in transfers}}


def _arm(name: str) -> tuple[str, str]:
    """Return arm and route of a folder's name, for example `student-kl-seed0`."""
    kind, route, *_ = name.split("-")
    if kind == "teacher":
        return (names.CLEAN if route == "clean" else names.TEACHER), ""
    return {"student": names.STUDENT, "control": names.CONTROL}[kind], route


def everything() -> dict[str, Found]:
    """Return what everybody does."""
    return {
        "machine": machine(),
        **{f"habit {name}": demonstrators(habit) for name, habit in all_habits().items()},
        **{f"policies {folder}": shipped(folder) for folder in SHIPPED},
    }


def machine() -> Found:
    """Return what tells machines apart that compute other last digits."""
    return {"mathematics": {"hash": last_digits()}, "products": {"hash": products()}}


def plain(found: Found) -> Found:
    """Return the same as JSON holds it; numbers keep every digit."""
    return json.loads(json.dumps(found))


if __name__ == "__main__":
    rows = [f'"{name}": {json.dumps(found, sort_keys=True)}' for name, found in everything().items()]
    Path(sys.argv[1]).write_text("{" + ",\n".join(rows) + "}\n")
