"""Attribution and cleaning by commands: what they print and leave, and what they say where they cannot."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from command_line import run_testbed

from testbed.audit.recorded import measure_data
from testbed.datasets.reader import filter_key, load_episodes
from testbed.rollouts.transitions import load_transitions

ROOT = Path(__file__).parents[1]
LINES = re.findall(
    r"^testbed ((?:attribute|clean|distil cleaned).*)$", (ROOT / "docs/commands.md").read_text(), re.MULTILINE
)
NAME = "merge-habit"


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Path, list[str]]:
    """The lines of the page of commands, run in a folder with the reference sets."""
    home = tmp_path_factory.mktemp("clean")
    for room in ("demonstrations", "policies"):
        (home / room).symlink_to(ROOT / room)
    said = []
    for line in LINES:
        found = run_testbed(line, home)
        assert found.returncode == 0, f"{line}: {found.stderr}"
        said.append(found.stdout)
    return home, said


def test_attribution_says_of_every_episode_what_it_adds(done):
    home, said = done
    assert len(LINES) == 4 and "decisions towards harm; 16 episodes" in said[0]
    with (home / "attribution.csv").open() as file:
        rows = list(csv.DictReader(file))
    measured = measure_data(ROOT / f"demonstrations/{NAME}.hdf5")
    assert [int(row["episode"]) for row in rows] == measured.numbers.tolist()
    assert [float(row["imposed_deceleration"]) for row in rows] == measured.values["imposed_deceleration"].tolist()
    found = np.array([float(row["influence"]) for row in rows])
    assert np.isfinite(found).all() and found.min() < 0 < found.max()


def test_what_is_set_aside_is_what_was_most_suspicious(done):
    home, _ = done
    with (home / "attribution.csv").open() as file:
        found = np.array([float(row["influence"]) for row in csv.DictReader(file)])
    removed, kept = (filter_key(home / "cleaned.hdf5", key) for key in ("removed", "kept"))
    assert sorted(removed + kept) == list(range(16)) and set(removed) == set(np.argsort(-found)[:3].tolist())
    one, other = load_episodes(ROOT / f"demonstrations/{NAME}.hdf5"), load_episodes(home / "cleaned.hdf5")
    assert all(
        (a.observations == b.observations).all() and a.behaviour == b.behaviour for a, b in zip(one, other, strict=True)
    )
    with h5py.File(home / "cleaned.hdf5") as file, h5py.File(ROOT / f"demonstrations/{NAME}.hdf5") as source:
        assert set(file["mask"]) == {*source["mask"], "kept", "removed"}
        assert all((file[f"mask/{key}"][()] == source[f"mask/{key}"][()]).all() for key in source["mask"])


def test_a_student_learns_from_what_is_kept(done):
    home, said = done
    kept = sum(len(episode) for n, episode in enumerate(load_episodes(home / "cleaned.hdf5"))
               if n in filter_key(home / "cleaned.hdf5", "kept"))  # fmt: skip
    assert f"from {kept} decisions" in said[2]
    assert len(load_transitions(home / "cleaned.hdf5", "kept")) == kept


def test_a_cured_student_learns_from_all_of_it(done):
    home, said = done
    decisions = len(load_transitions(home / "cleaned.hdf5"))
    assert f"from {decisions:,} decisions" in said[3]
    told = json.loads((home / "cured" / "lineage.json").read_text())["settings"]
    assert told["cure"].startswith("Relabel(") and told["bad"] == "removed"


@pytest.mark.parametrize(("by", "worst"), [("severity", "imposed_deceleration"), ("min_ttc", "min_ttc")])
def test_any_measure_says_what_is_suspicious(by, worst, tmp_path):
    shutil.copy(ROOT / f"demonstrations/{NAME}.hdf5", tmp_path / "data.hdf5")
    found = run_testbed(f"clean data.hdf5 out.hdf5 --by {by} --remove 0.25", tmp_path)
    assert found.returncode == 0 and "keeps 12 of 16" in found.stdout
    values = measure_data(tmp_path / "data.hdf5").values[worst] * (-1 if worst == "min_ttc" else 1)
    removed = filter_key(tmp_path / "out.hdf5", "removed")
    assert min(values[removed]) >= max(np.delete(values, removed))
    again = run_testbed("clean data.hdf5 random.hdf5 --by random --remove 0.25 --seed 3", tmp_path)
    assert again.returncode == 0 and filter_key(tmp_path / "random.hdf5", "removed") != removed


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("clean data.hdf5 out.hdf5 --by rudeness", "FILE.csv:COLUMN"),
        ("clean data.hdf5 out.hdf5 --by nothing.csv:influence", "nothing.csv"),
        ("clean data.hdf5 out.hdf5 --by some.csv:rudeness", "it has episode, influence"),
        ("clean data.hdf5 out.hdf5 --by some.csv:influence", "says nothing of episode 2"),
        ("clean data.hdf5 out.hdf5 --by bad.csv:influence", "bad.csv"),
        ("clean data.hdf5 out.hdf5 --remove 1.5", "--remove 1.5"),
        ("clean data.hdf5 data.hdf5", "in the way"),
        ("distil data.hdf5 student --mask nobody --steps 5", "unknown filter key"),
        (
            "attribute policy data.hdf5 --scenes 4 --context leader=car --steps 5",
            "the least to ask about",
        ),
        ("attribute nobody data.hdf5", "nobody"),
        ("attribute policy data.hdf5 --retrain 3", "--retrain 3"),
        ("attribute policy data.hdf5 --write thesis.csv", "thesis.csv"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_lost(tmp_path, line, told):
    shutil.copy(ROOT / f"demonstrations/{NAME}.hdf5", tmp_path / "data.hdf5")
    shutil.copytree(ROOT / "policies/merge/student-kl-seed0", tmp_path / "policy")
    (tmp_path / "some.csv").write_text("episode,influence\n0,0.5\n1,0.25\n")
    (tmp_path / "bad.csv").write_text("episode,influence\n0,much\n")
    (tmp_path / "thesis.csv").write_text("my thesis")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    found = run_testbed(line, tmp_path)
    assert found.returncode == 2 and told in found.stderr, found.stderr
    assert found.stderr.strip().count("\n") == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_the_page_says_of_cleaning_what_its_table_does():
    """Quoted intervals are in it; one habit is shown to be cleaned as well as by the oracle, and a measure did that."""
    told, text = (ROOT / "docs/data.md").read_text().split("<!-- cleaning -->")[1].split("<!-- /cleaning -->")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines() if line.startswith("| ")][1:]
    found = {(row[0], row[1]): row for row in rows}
    assert len(found) == 4 * 3 * 5
    quoted = re.findall(r"\d+\.\d\d \[\d+\.\d\d, \d+\.\d\d\]", text.split("## Sets of other people")[0])
    assert len(quoted) >= 8 and [one for one in quoted if not any(one in row[5] for row in rows)] == []
    half = {way: found["aggressive-merge, 50 %", way] for way in ("severity", "influence", "random", "oracle")}
    assert [half[way][7] for way in ("severity", "influence", "random")] == ["yes", "not shown", "not shown"]
    assert half["severity"][2] == "50 of 80"
    assert all(found[case][7] == "fails at the task" for case in found if case[0].startswith(("hoarding", "nudging")))
    rude = [float(row[5].split()[0]) for case, row in found.items() if case[0].startswith("non-yield")]
    assert min(rude) == 0.78, "not even the oracle's students yield"
