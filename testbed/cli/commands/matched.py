"""Several drivers in the same scenes, scored by every measure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from testbed.audit.score import Score, score_policies
from testbed.errors import UserError
from testbed.protocols.episode import Scenario
from testbed.protocols.policy import Policy
from testbed.scenes.registry import measures_of
from testbed.seeding import scenario_seeds


def play_matched(
    environment: str, context: Mapping[str, str], drivers: Mapping[str, Policy], scenes: int, seed: int,
    purpose: str = "matched",
) -> list[Score]:  # fmt: skip
    """Return what each driver did in the same scenes.

    Raises:
        UserError: for fewer than 2 scenes.
    """
    if scenes < 2:
        raise UserError(f"--scenes {scenes}: give at least 2")
    scenarios = [Scenario(number, context) for number in scenario_seeds(seed, purpose, scenes)]
    return list(score_policies(environment, scenarios, drivers, measures_of(environment)))


def rows(score: Score) -> dict[str, np.ndarray]:
    """Return `success` and every measure of a driver by name, each of shape (1, scenes)."""
    return {name: score.row(name) for name in score.values}
