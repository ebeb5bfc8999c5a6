"""Real episodes that several test files look at; playing them takes a second or two."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, settings

from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.rollouts.rollout import play
from testbed.scenes.merge.gap_acceptance import GapAcceptance

settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")  # the same examples each time, and no clock: the machine may be busy
torch.set_num_threads(1)  # two test processes share the cores; threads that wait for each other would stall


@pytest.fixture(scope="session")
def episodes() -> list[Episode]:
    """Six scenes merged by the clean demonstrator; the last one has its leader fixed."""
    scenarios = [*(Scenario(seed) for seed in range(5)), Scenario(5, {"leader": "truck"})]
    return list(play("testbed/Merge-v0", scenarios, [(GapAcceptance(), Behaviour("demonstrator"))]))


LONG = ("test_parity", "test_task", "test_docs", "test_environments", "test_warehouse", "test_habits")
"""Files that take longest, in this order: begun first, so that no core waits for another at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))
