"""`testbed view`: what it puts into a page, and what it says where it cannot."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import corridor
import numpy as np
import pytest
from command_line import run_testbed

from testbed.audit.recorded import measure_data
from testbed.datasets.reader import load_episodes
from testbed.datasets.saving import renew_episodes, save_episodes

SETS = Path(__file__).parents[1] / "demonstrations"


def head(page: Path) -> dict:
    """What a page knows before an episode is looked at."""
    found = re.search(r'<script type="application/json" id="head">(.*?)</script>', page.read_text(), re.S)
    assert found
    return json.loads(found[1])


@pytest.fixture
def place(tmp_path) -> Path:
    for name in ("merge-habit", "merge-clean", "crosswalk-clean"):
        shutil.copy(SETS / f"{name}.hdf5", tmp_path)
    return tmp_path


def test_a_page_holds_every_episode_with_every_measure(place):
    done = run_testbed("view merge-habit.hdf5", place)
    assert done.returncode == 0 and "merge-habit.html  16 episodes" in done.stdout
    rows, measured = head(place / "merge-habit.html")["rows"], measure_data(place / "merge-habit.hdf5")
    assert [row["number"] for row in rows] == measured.numbers.tolist()
    for name, values in measured.values.items():
        assert [row["values"][name] for row in rows] == pytest.approx(values.tolist(), rel=1e-5), name
    again = run_testbed("view merge-habit.hdf5 --episodes 3 1", place)
    assert again.returncode == 0 and [row["number"] for row in head(place / "merge-habit.html")["rows"]] == [3, 1]


def test_of_more_than_fit_the_worst_are_kept_in_their_order(place):
    done = run_testbed("view merge-clean.hdf5 merge-habit.hdf5 --most 5 --write page.html", place)
    assert done.returncode == 0 and "the 5 worst of 32 episodes" in done.stdout
    all_ = np.concatenate([measure_data(place / f"merge-{kind}.hdf5").values["imposed_deceleration"]
                           for kind in ("clean", "habit")])  # fmt: skip
    shown = [row["values"]["imposed_deceleration"] for row in head(place / "page.html")["rows"]]
    kept = np.sort(np.argsort(-all_, kind="stable")[:5])
    assert shown == pytest.approx(all_[kept].tolist(), rel=1e-5)


def test_a_folder_stands_for_what_was_filmed_in_it(place):
    episodes = load_episodes(place / "merge-habit.hdf5")[:3]
    for habit in ("aggressive-merge", "tailgating"):
        save_episodes(place / "audit" / habit / "videos" / "episodes.hdf5", episodes)
    done = run_testbed("view audit", place)
    assert done.returncode == 0 and {row["source"] for row in head(place / "audit" / "view.html")["rows"]} == {
        "aggressive-merge", "tailgating"}  # fmt: skip


def test_filmed_episodes_take_the_place_of_others_and_stay_where_they_are_the_same(tmp_path):
    episodes, file = load_episodes(SETS / "merge-habit.hdf5"), tmp_path / "episodes.hdf5"
    renew_episodes(file, episodes[:2])
    before = file.stat().st_mtime_ns
    renew_episodes(file, episodes[:2])
    assert file.stat().st_mtime_ns == before
    renew_episodes(file, episodes[2:5])
    assert [episode.scenario.seed for episode in load_episodes(file)] == [one.scenario.seed for one in episodes[2:5]]
    file.write_bytes(b"not a data set")
    renew_episodes(file, episodes[:1])
    assert len(load_episodes(file)) == 1


def test_a_scene_of_somebody_else_is_shown_with_its_signals(tmp_path, monkeypatch):
    """Its bodies have no place in a plane: the page says so, and has the rest."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    made = run_testbed("collect own.hdf5 --scene corridor:SPEC --episodes 2", tmp_path)
    assert made.returncode == 0, made.stderr
    done = run_testbed("view own.hdf5 --scene corridor:SPEC", tmp_path)
    assert done.returncode == 0, done.stderr
    found = head(tmp_path / "own.html")
    assert found["environment"] == corridor.NAME and found["ground"] == [] and len(found["rows"]) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("view", "give a data set"),
        ("view nothing.hdf5", "nothing.hdf5"),
        ("view merge-clean.hdf5 crosswalk-clean.hdf5", "a page shows one scene"),
        ("view merge-clean.hdf5 --episodes 99", "its 16 episodes have the numbers 0 to 15"),
        ("view merge-clean.hdf5 --write page.mp4", ".html"),
        ("view merge-clean.hdf5 --write thesis.html", "thesis.html"),
        ("view empty", "holds no filmed scene"),
        ("view text.hdf5", "text.hdf5"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_lost(place, line, told):
    (place / "thesis.html").write_text("my thesis")
    (place / "text.hdf5").write_text("no data")
    (place / "empty").mkdir()
    done = run_testbed(line, place)
    assert done.returncode == 2 and told in done.stderr and done.stderr.strip().count("\n") == 0
    assert (place / "thesis.html").read_text() == "my thesis" and not list(place.glob("*.tmp"))
