"""What several test files look at: real episodes, which take a second or two to play, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright
from route_cases import MERGE, made, scenes
from students import STUDENTS, source

from testbed.distillation.source import Source
from testbed.distillation.teachers.values import ActionValues
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import transitions
from testbed.scenes.merge.gap_acceptance import GapAcceptance

settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")  # the same examples each time, and no clock: the machine may be busy
torch.set_num_threads(1)  # two test processes share the cores; threads that wait for each other would stall


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--autoplay-policy=no-user-gesture-required",
]
"""What Chromium is started with."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium; on CI its absence is a failure, elsewhere a named skip."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "no browser: none of chromium, chromium-browser, google-chrome is on the path"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def episodes() -> list[Episode]:
    """Six scenes merged by the clean demonstrator; the last one has its leader fixed."""
    scenarios = [*(Scenario(seed) for seed in range(5)), Scenario(5, {"leader": "truck"})]
    return list(play("testbed/Merge-v0", scenarios, [(GapAcceptance(), Behaviour("demonstrator"))]))


@pytest.fixture(scope="module", params=STUDENTS)
def student(request) -> NetworkPolicy:
    route, config = STUDENTS[request.param]
    (made,) = route.distil([source(config)], config, [0])
    return made


@pytest.fixture(scope="module")
def merges(episodes) -> list[Source]:
    """Two sources of a real scene: their data differ, and so do their teachers."""
    found = []
    for number, part in enumerate((episodes[:2], episodes[2:])):
        data, teacher = transitions(part), made(MERGE, layer1_bias=np.eye(5)[number])
        values = ActionValues(teacher, teacher, data)
        found.append(Source(data, teacher, values, scenes))
    return found


LONG = (
    "test_transfer_controls", "test_task", "test_sweep", "test_docs", "test_own_examples", "test_same_bytes",
    "test_parity", "test_fuzz", "test_routes", "test_claims", "test_warehouse_habits", "test_own_pages",
)  # fmt: skip
"""Files that take longest, in this order: begun first, so that no core waits for another at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))
