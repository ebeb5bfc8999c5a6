"""How likely each stage of a history is the one at which a misbehaviour came in.

A stage *does it* if it is worse than the clean demonstrator in at least half as many of the scenes like the incident as
the policy that was caught. If it came in at one stage, that stage and everything that was made from it does it, and
nothing else does. Shares have Jeffreys's prior, and every stage is as likely beforehand (Bayes's rule over stages).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import beta

from testbed.provenance.history import Node

UNKNOWN = 0.5
"""How likely it is that a stage does it of which nothing is here, or too little."""
FEWEST = 4
"""Scenes like the incident of which something can be said, at least."""
ELSEWHERE = "none of them"


@dataclass(frozen=True)
class Stage:
    """What one stage of a history does in scenes like an incident."""

    digest: str
    """SHA-256 of the artefact."""
    worse: int
    """Scenes in which it is worse than the clean demonstrator by what matters."""
    scenes: int
    """Scenes that were looked at."""

    @property
    def told(self) -> bool:
        """Whether enough was seen."""
        return self.scenes >= FEWEST


def does_it(stage: Stage, caught: Stage) -> float:
    """Return how likely it is that a stage is worse at least half as often as the policy that was caught."""
    if not stage.told or not caught.told:
        return UNKNOWN
    half = (caught.worse + 0.5) / (caught.scenes + 1) / 2
    return float(beta.sf(half, stage.worse + 0.5, stage.scenes - stage.worse + 0.5))


def origins(tree: Node, stages: Mapping[str, Stage]) -> dict[str, float]:
    """Return how likely each artefact of a history is the first that does it, by SHA-256; they add up to 1.

    Args:
        tree: The history of the policy that was caught.
        stages: What each of its artefacts does; those that are left out are not known.
    """
    nodes = list(tree.walk())
    caught = stages[tree.digest]
    sure = {node.digest: does_it(stages[node.digest], caught) if node.digest in stages else UNKNOWN for node in nodes}
    made = {node.digest: _made_from(nodes, node.digest) for node in nodes}
    weights = {}
    for node in nodes:
        weight = 1.0
        for other in nodes:
            does = other.digest == node.digest or other.digest in made[node.digest]
            weight *= sure[other.digest] if does else 1 - sure[other.digest]
        weights[node.digest] = weight
    total = sum(weights.values())
    return {digest: weight / total if total else 1 / len(nodes) for digest, weight in weights.items()}


def _made_from(nodes: Sequence[Node], digest: str) -> set[str]:
    """Return everything in a history that was made from one of its artefacts."""
    return {one.digest for one in nodes if one.digest != digest and any(n.digest == digest for n in one.walk())}
