"""Several drivers in the same scenes, scored by every measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from testbed.audit.compare import score_episodes
from testbed.errors import UserError
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.scenes.registry import measures_of
from testbed.seeding import scenario_seeds

SUCCESS = "success"


def play_matched(
    environment: str, context: Mapping[str, str], drivers: Sequence[Policy], scenes: int, seed: int
) -> list[dict[str, np.ndarray]]:
    """Return `success` and every measure of each driver by name, shape (1, scenes): one row, as of one training seed.

    Raises:
        UserError: for fewer than 2 scenes.
    """
    if scenes < 2:
        raise UserError(f"--scenes {scenes}: give at least 2")
    measures = measures_of(environment)
    scenarios = [Scenario(number, context) for number in scenario_seeds(seed, "matched", scenes)]
    played = play(environment, scenarios, [(driver, Behaviour("matched")) for driver in drivers])
    scored = [score_episodes([episode], measures) for episode in played]  # one by one: traces are large
    parts = [scored[start : start + scenes] for start in range(0, len(scored), scenes)]
    return [{name: np.array([[row[name][0] for row in part]]) for name in part[0]} for part in parts]
