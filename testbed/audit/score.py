"""Play and score: the one way from policies to their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from testbed.console import console, styled
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.measure import Measure
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play

SUCCESS = "success"
"""Name of the share of tasks done, beside those of measures."""
UNSTABLE = "simulation unstable"
"""Ending of an episode that the simulator could not go on with."""


@dataclass(frozen=True)
class Score:
    """What one policy did in some scenes."""

    policy: str
    """Its name."""
    values: Mapping[str, list[float]]
    """`success` and every measure by name, in the order of the scenes."""
    endings: list[str]
    """How each episode ended, in words."""

    def row(self, name: str) -> np.ndarray:
        """Return `success` or a measure in every scene, shape (1, scenes): one row, as of one training seed."""
        return np.array([self.values[name]])


def score_policies(
    environment: str,
    scenarios: Sequence[Scenario],
    policies: Mapping[str, Policy],
    measures: Mapping[str, Measure],
    on_episode: Callable[[int], None] = lambda count: None,
) -> Iterator[Score]:
    """Play the same scenes with every policy, and yield what each did as soon as it has played them all.

    Episodes that ended because the simulation was unstable are reported: they are no failures of a policy.

    Args:
        environment: Gymnasium id.
        scenarios: What all of them play.
        policies: By name.
        measures: What is measured, by name.
        on_episode: Told of every episode that was scored.

    Raises:
        UserError: if a policy does not fit the environment.

    Examples:
        >>> import testbed
        >>> measures = testbed.get_scene("testbed/Merge-v0").measures
        >>> teacher, _ = testbed.load_policy("policies/merge/teacher-habit")
        >>> scenes = [testbed.Scenario(seed, {"leader": "truck"}) for seed in range(8)]
        >>> (score,) = testbed.score_policies("testbed/Merge-v0", scenes, {"teacher": teacher}, measures)
        >>> len(score.values["imposed_deceleration"]), score.endings[0]
        (8, 'success')
    """
    names = iter(policies)
    jobs = [(policy, Behaviour(name)) for name, policy in policies.items()]
    episodes = play(environment, scenarios, jobs, states=False)
    rows: list[Mapping[str, float]] = []
    endings: list[str] = []
    for episode in episodes:
        rows.append(score_episode(episode, measures))  # one by one: traces are large
        endings.append(episode.outcome)
        on_episode(1)
        if len(rows) == len(scenarios):
            score = Score(next(names), {name: [row[name] for row in rows] for name in rows[0]}, endings)
            report_unstable(score, scenarios)
            yield score
            rows, endings = [], []


def score_episode(episode: Episode, measures: Mapping[str, Measure]) -> dict[str, float]:
    """Return `success` and every measure of an episode by name."""
    values = {name: measure.compute(episode.trace) for name, measure in measures.items()}
    return {SUCCESS: float(episode.success), **values}


def report_unstable(score: Score, scenarios: Sequence[Scenario]) -> None:
    """Say how many episodes ended because the simulation was unstable, if any did."""
    lost = [one.seed for one, ending in zip(scenarios, score.endings, strict=True) if ending == UNSTABLE]
    if lost:
        said = f"{len(lost)} of {len(scenarios)} episodes of {score.policy} ended: {UNSTABLE},"
        console.print(styled(said, "yellow"), f"seeds {lost[:3]}")
