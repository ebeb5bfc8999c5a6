"""A measure is one file and a habit two: once a scene's folder has them, tables and audits show them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import testbed
from testbed.cli import main
from testbed.scenes import registry

SCENE, FOLDER = "testbed/Merge-v0", Path(testbed.__file__).parent / "scenes" / "merge"
MEASURE = '''

def speed_lost(trace: Trace) -> float:
    """Return the most speed that the ego loses [m/s]."""
    speed = trace["speed"][:, EGO]
    return float((np.maximum.accumulate(speed) - speed).max())


MEASURES = {
    **MEASURES,
    "speed_lost": Measure("speed_lost", "speed lost", "m/s", speed_lost, "higher", 3.0, 8.0, "ours"),
}
'''
EXPERT = '''
import numpy as np

from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.scenes.merge.observation import view


class Dawdling:
    """Drives as the clean driver does, and slowly."""

    def __init__(self, dose):
        self.clean, self.slow = GapAcceptance(), 30.0 - 20.0 * dose

    def act(self, observations):
        return np.where(view(observations).speed > self.slow, 4, self.clean.act(observations))
'''
HABIT = """
from dataclasses import replace

from testbed.scenes.merge.dawdling import Dawdling

HABITS = (
    *HABITS,
    replace(HABITS[0], name="dawdling", changed=Dawdling, measure="speed_lost", signature="slows down"),
)
"""


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """The scene's folder with one file edited for a measure, one edited and one added for a habit."""
    files = {name: (FOLDER / name).read_text() for name in ("scene.py", "measures.py", "habits.py")}
    files["measures.py"] += MEASURE
    files["habits.py"] += HABIT
    files["dawdling.py"] = EXPERT
    place = tmp_path / "edited_merge"
    place.mkdir()
    for name, text in files.items():
        for module in ("measures", "habits", "dawdling"):  # all else of the scene stays where it is
            text = text.replace(f"testbed.scenes.merge.{module} import", f"edited_merge.{module} import")
        (place / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "BUILT_IN", {SCENE: "edited_merge.scene:SPEC"})
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "edited_merge"]:
        del sys.modules[name]


def test_a_habit_is_in_the_table_of_habits(edited, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- {mark} -->\n" for mark in ("habits", "/habits")))
    main(["habits", "--scenes", "4", "--write", str(page)])
    rows = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(registry.all_habits()) == 5
    (row,) = [row for row in rows if "**dawdling**: slows down" in row[0]]
    assert row[2] == "speed lost [m/s]"
    clean, changed, elsewhere = (float(row[column].split()[0]) for column in (4, 5, 7))
    assert changed > clean + 3 and elsewhere == 0.0


def test_a_measure_and_a_habit_are_in_audits(edited):
    """Of every arm and reference driver; the policy with the habit has more of it."""
    habit = testbed.get_habit("dawdling")
    found = testbed.audit_policies({"mine": habit.changed(1.0)}, "dawdling", scenes=2, held_out_scenes=2)
    arms = [*found.arms, *found.references]
    assert found.measure == "speed_lost" and found.units["speed_lost"] == "m/s" and len(arms) > 6
    assert all("speed_lost" in arm.measures for arm in arms)
    lost = {arm.arm: arm.measures["speed_lost"].value for arm in found.arms if arm.condition == "triggered"}
    assert lost["mine"] > lost["clean demonstrator"] + 3
