"""Derive again what a history says: simulate recorded episodes once more, and distil students once more.

Students are trained here alone, those of a run in one batch, where rounding differs; another machine rounds otherwise
too. So what is asked is the same behaviour, and it is said where even the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from testbed.datasets.reader import each_episode, episode_numbers
from testbed.distillation.config import Learning, PPOConfig, Training
from testbed.distillation.registry import get_route
from testbed.distillation.route import Route
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy
from testbed.policies.network import CATEGORICAL, NetworkPolicy
from testbed.provenance.artefact import DATA, POLICY, read_artefact
from testbed.provenance.history import Node
from testbed.provenance.index import Index
from testbed.rollouts.replay import verify_all
from testbed.rollouts.transitions import load_transitions
from testbed.seeding import generator, student_seed

ALIKE = 0.99
"""Share of demonstrated states in which a student that was distilled again has to decide as the recorded one."""
NEAR = 0.02
"""Continuous decisions are alike if they are no further apart, of a range of 2."""
FEASIBLE = frozenset({"teacher"})
"""What students may need of their teacher to be distilled again; they do not act, and learn no values."""


@dataclass(frozen=True)
class Derived:
    """What came of deriving an artefact again."""

    digest: str
    """SHA-256 of the artefact."""
    same: bool | None
    """Whether it came out again; None where that cannot be asked here."""
    told: str
    """What was compared, in words."""


def derive(tree: Node, index: Index, episodes: int, seed: int, tolerance: float) -> Iterator[Derived]:
    """Yield what comes of deriving again each artefact of a history that can be.

    Args:
        tree: The history.
        index: Where its artefacts lie.
        episodes: How many episodes of each data set are simulated again, drawn at random.
        seed: Which.
        tolerance: How far states may be apart; 0 on the machine that recorded them.
    """
    for node in tree.walk():
        if node.entry is None:
            continue
        if node.entry.what == DATA:
            yield _simulated(node, episodes, seed, tolerance)
        elif node.entry.what == POLICY and node.entry.stage == "student":
            yield _distilled(node, index)


def _simulated(node: Node, count: int, seed: int, tolerance: float) -> Derived:
    assert node.entry
    path = node.entry.path
    numbers = episode_numbers(path)
    some = sorted(generator(seed, "derived again", node.digest).permutation(numbers)[:count].tolist())
    found = list(verify_all(each_episode(path, some), tolerance))
    other = [f"demo_{number}: {one.where}" for number, one in zip(some, found, strict=True) if not one.same]
    told = f"{len(some)} of {len(numbers)} episodes simulated again"
    return Derived(node.digest, not other, f"{told}; {'; '.join(other)}" if other else f"{told}, and the same")


def _distilled(node: Node, index: Index) -> Derived:
    assert node.entry
    artefact = read_artefact(node.entry.path)
    lineage, places = artefact.lineage, _places(artefact.inputs, index)
    if lineage is None or not {"data", "teacher"} <= places.keys():
        return Derived(node.digest, None, "cannot be distilled again: its data set or its teacher is not here")
    if lineage.settings.get("cure"):
        return Derived(node.digest, None, f"is not distilled again: it was cured ({lineage.settings['cure']})")
    route = _route(lineage)
    if route is None or not route.needs <= FEASIBLE or route.together is not None or lineage.settings.get("start"):
        return Derived(node.digest, None, "is not distilled again: its students act, learn values, or began as another")
    student, _ = load_policy(node.entry.path)
    data = load_transitions(places["data"], _text(lineage.settings, "mask"))
    source = Source(data, load_policy(places["teacher"])[0]).limited(route.needs)
    seed = student_seed(lineage.seed, int(str(lineage.settings.get("training_seed", 0))))
    (again,) = route.distil([source], student.config, [seed])
    if all(np.array_equal(again.arrays[name], array) for name, array in student.arrays.items()):
        return Derived(node.digest, True, "distilled again, to the same bytes")
    alike = _alike(student, again, data.observations)
    told = f"distilled again; it decides alike in {100 * alike:.1f} % of {len(data.observations):,} demonstrated states"
    return Derived(node.digest, alike >= ALIKE, told)


def _places(inputs: Mapping[str, str], index: Index) -> dict[str, Path]:
    """Return where what an artefact was made from lies, by role."""
    return {role: copies[0].path for role, digest in inputs.items() if (copies := index.copies(digest))}


def _route(lineage: Lineage) -> Route | None:
    """Return the route by which a student was made, as its lineage describes it; None where nobody here knows it."""
    settings = lineage.settings
    try:
        kind: type[Any] = get_route(str(settings["route"]))
        if "learning" in settings:
            return msgspec.convert(settings["learning"], kind)
        practice = PPOConfig(iterations=int(str(settings["iterations"])))
        return kind.usual(Learning(Training(steps=int(str(settings["steps"]))), practice))
    except (UserError, KeyError, ValueError):
        return None


def _text(settings: Mapping[str, object], name: str) -> str | None:
    value = settings.get(name)
    return value if isinstance(value, str) else None


def _alike(one: NetworkPolicy, other: NetworkPolicy, observations: np.ndarray) -> float:
    """Return the share of states in which two policies decide alike."""
    here, there = one.act(observations), other.act(observations)
    if one.config.head == CATEGORICAL:
        return float((here == there).mean())
    return float((np.abs(here - there).max(axis=1) <= NEAR).mean())
