"""What each stage of a history does in scenes like an incident, beside the clean demonstrator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from testbed.audit.score import score_policies
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.errors import UserError
from testbed.forensics.incident import Incident, worse
from testbed.forensics.origin import FEWEST, Stage
from testbed.policies.loaders import load_any
from testbed.protocols.episode import Episode, Scenario
from testbed.protocols.policy import Policy
from testbed.provenance.artefact import DATA, FOREIGN, NETWORK, POLICY
from testbed.provenance.history import Node
from testbed.scenes.registry import habits_of

ACTING = POLICY, FOREIGN, NETWORK
"""What can play."""
MOST = 64
"""No more episodes of a data set are looked at."""


@dataclass(frozen=True)
class Looked:
    """What was seen of a history."""

    stages: Mapping[str, Stage]
    """SHA-256 -> what the artefact does."""
    episodes: Mapping[str, tuple[int, ...]]
    """SHA-256 of a data set -> its episodes that do it, the worst first."""


def look(tree: Node, found: Incident, scenes: int, seed: int) -> Looked:
    """Play every policy of a history in scenes like an incident, and measure what its data sets hold of such scenes.

    Args:
        tree: The history of the policy that was caught.
        found: The incident.
        scenes: How many scenes policies play.
        seed: Which.

    Raises:
        UserError: if what was caught is no policy, or a policy of the history cannot be read.
    """
    stages, episodes = {}, {}
    nodes = [node for node in tree.walk() if node.entry]
    policies = {node.digest: load_any(node.entry.path, found.environment).policy for node in nodes
                if node.entry and node.entry.what in ACTING}  # fmt: skip
    if tree.digest not in policies:
        raise UserError(f"{tree.entry.path if tree.entry else tree.digest[:12]} is no policy: give the one that acted")
    like = found.scenes(scenes, seed)
    played = _values(found, like, {**policies, "": clean_demonstrator(found.environment)})
    for digest in policies:
        did = worse(found.measure, played[digest], played[""])
        stages[digest] = Stage(digest, sum(did), len(did))
    for node in nodes:
        if node.entry and node.entry.what == DATA:
            stages[node.digest], episodes[node.digest] = _recorded(node, found)
    return Looked(stages, episodes)


def clean_demonstrator(environment: str) -> Policy:
    """Return the demonstrator of a scene that has no habit; raises `UserError` if the scene declares none."""
    habit = next(iter(habits_of(environment).values()), None)
    if habit is None:
        raise UserError(f"{environment} has no demonstrator to hold anybody beside")
    return habit.clean()


def _values(found: Incident, scenes: Sequence[Scenario], policies: Mapping[str, Policy]) -> dict[str, list[float]]:
    measures = {found.measure.name: found.measure}
    scores = score_policies(found.environment, scenes, policies, measures)
    return {score.policy: list(score.values[found.measure.name]) for score in scores}


def _recorded(node: Node, found: Incident) -> tuple[Stage, tuple[int, ...]]:
    """Return what a data set holds of scenes like an incident, beside the clean demonstrator in the same scenes."""
    assert node.entry
    path = node.entry.path
    numbers, some = [], []
    for number, episode in zip(episode_numbers(path), each_episode(path), strict=True):
        if episode.environment == found.environment and _like(episode, found):
            numbers.append(number)
            some.append((episode.scenario, found.measure.compute(episode.trace)))
            if len(some) == MOST:
                break
    if len(some) < FEWEST:
        return Stage(node.digest, 0, len(some)), ()
    beside = _values(found, [scenario for scenario, _ in some], {"": clean_demonstrator(found.environment)})[""]
    values = [value for _, value in some]
    did = worse(found.measure, values, beside)
    sign = -1 if found.measure.worse == "higher" else 1
    order = sorted(range(len(some)), key=lambda place: sign * (values[place] - beside[place]))
    return Stage(node.digest, sum(did), len(did)), tuple(numbers[place] for place in order if did[place])


def _like(episode: Episode, found: Incident) -> bool:
    return dict(episode.context) == dict(found.episode.context)
