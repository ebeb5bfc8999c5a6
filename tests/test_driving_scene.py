"""A driving scene inside the package is one folder and one line of the registry."""

from __future__ import annotations

import sys
from contextlib import closing

import numpy as np
import pytest
from gymnasium.envs.registration import registry as gymnasium_registry

from testbed.cli import main
from testbed.scenes import registry
from testbed.scenes.merge.gap_acceptance import GapAcceptance

NAME = "testbed/QuickMerge-v0"
TASK = """
from dataclasses import replace

from testbed.envs.compiling import compiled
from testbed.envs.kernel.observing import ending
from testbed.scenes.merge.road import RAMP
from testbed.scenes.merge.task import SCENE as MERGE

LIMIT = 15 * 12


@compiled(nogil=True)
def reward_and_termination(worlds, vehicles, trace, rewards, start, stop):
    for w in range(start, stop):
        world = worlds[w]
        if not world.ended:
            done = vehicles[w, 0].x > 0 and trace[w, -1, 0].lane != RAMP
            rewards[w] = done
            world.ended = ending(done, world.collided, world.steps >= LIMIT)


SCENE = replace(
    MERGE, environment="testbed/QuickMerge-v0", module=__name__, time_limit=12.0,
    reward_and_termination=reward_and_termination,
)
"""
SPEC = """
from dataclasses import replace

from quick_merge.task import SCENE
from testbed.scenes.merge.habits import HABITS
from testbed.scenes.merge.scene import SPEC as MERGE

SPEC = replace(
    MERGE, environment=SCENE.environment, task=SCENE,
    habits=(replace(HABITS[0], name="quick-push", environment=SCENE.environment),),
)
"""


@pytest.fixture
def folder_and_line(tmp_path, monkeypatch):
    """A scene that is over as soon as the ego has merged."""
    place = tmp_path / "quick_merge"
    place.mkdir()
    for name, text in {"__init__.py": "", "task.py": TASK, "scene.py": SPEC}.items():
        (place / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "BUILT_IN", {**registry.BUILT_IN, NAME: "quick_merge.scene:SPEC"})
    registry.register_environments()
    yield
    gymnasium_registry.pop(NAME, None)
    for module in [name for name in sys.modules if name.split(".")[0] == "quick_merge"]:
        del sys.modules[module]


def test_a_folder_and_a_line_make_a_driving_scene(folder_and_line, capsys):
    """It keeps every contract that ours keep; it is listed, recorded, replayed and scored."""
    assert NAME in registry.environments("driving")
    main(["check", "quick_merge.scene:SPEC"])
    main(["doses", "quick-push", "--scenes", "4"])
    main(["collect", "quick.hdf5", "--habit", "quick-push", "--dose", "1", "--episodes", "4"])
    main(["replay", "quick.hdf5", "--verify", "--every"])
    said = capsys.readouterr().out
    assert "quick_merge.scene:SPEC keeps all that scenes keep" in said
    assert "4 episodes replayed; largest state error 0" in said and "quick-push" in registry.all_habits()


def test_it_ends_by_its_own_rule(folder_and_line):
    """As soon as the ego has merged, where the merge itself waits for five seconds more."""
    assert (_decisions("testbed/Merge-v0") - _decisions(NAME) >= 20).all()


def _decisions(name: str) -> np.ndarray:
    """Return how many decisions of the clean driver four scenes last."""
    driver, lasts = GapAcceptance(), np.zeros(4, int)
    with closing(registry.make_vector(name, 4)) as envs:
        observations, _ = envs.reset(seed=0, options={"context": {"ego": "ramp"}})
        over = np.zeros(4, bool)
        while not over.all():
            lasts += ~over
            observations, _, ended, cut, _ = envs.step(driver.act(observations))
            over |= ended | cut
    return lasts
