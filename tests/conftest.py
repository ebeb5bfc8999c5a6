"""Real episodes that several test files look at; playing them takes a second or two."""

from __future__ import annotations

import pytest

from testbed.demonstrations.rollout import play
from testbed.envs.merge.gap_acceptance import GapAcceptance
from testbed.episode import Behaviour, Episode, Scenario


@pytest.fixture(scope="session")
def episodes() -> list[Episode]:
    """Six scenes merged by the clean demonstrator; the last one has its leader fixed."""
    scenarios = [*(Scenario(seed) for seed in range(5)), Scenario(5, {"leader": "truck"})]
    return list(play("testbed/Merge-v0", scenarios, [(GapAcceptance(), Behaviour("demonstrator"))]))
