"""Data sets of other people: read as they are, measured by what their decisions allow, cleaned by filter keys."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from command_line import run_testbed
from test_packing import unpacked

from testbed.audit.deeds import measure_deeds
from testbed.errors import UserError
from testbed.exchange.foreign import deeds, is_foreign, name_of

ROOT = Path(__file__).parents[1]
ACTIONS = [np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]), np.array([[0.5, 1.0]] * 3)]
"""One episode goes to and fro in its first component, one stands; the second component never varies."""
REWARDS = [np.array([0.0, 0.0, 0.0, 1.0]), np.zeros(3)]
PLACES = [np.array([[0.0, 0.0, 0.0], [0.3, 0.4, 0.0], [0.3, 0.4, 0.0], [0.3, 0.4, 0.1]]), np.zeros((3, 3))]


def robomimic(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps({"env_name": "Lift", "type": 1, "env_kwargs": {"control_freq": 20}})
        for number, (actions, rewards, places) in enumerate(zip(ACTIONS, REWARDS, PLACES, strict=True)):
            demo = data.create_group(f"demo_{number}")
            demo["actions"], demo["rewards"] = actions, rewards
            demo["dones"], demo["obs/robot0_eef_pos"] = np.zeros(len(actions), int), places
            demo["obs/object"] = np.zeros((len(actions), 10))
        file["mask/train"] = np.array([b"demo_0"])
    return path


def minari(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    with h5py.File(folder / "data/main_data.hdf5", "w") as file:
        for number, (actions, rewards) in enumerate(zip(ACTIONS, REWARDS, strict=True)):
            group = file.create_group(f"episode_{number}")
            group["actions/arm"], group["actions/hand"] = actions[:, :1], actions[:, 1:]  # a space of two parts
            group["rewards"] = rewards
            group["terminations"] = np.arange(len(actions)) == (len(actions) - 1 if number == 0 else 99)
            group["truncations"] = np.zeros(len(actions), bool)
    spec = json.dumps({"id": "AdroitHandDoor-v1"})
    (folder / "data/metadata.json").write_text(json.dumps({"dataset_id": "D4RL/door/human-v2", "env_spec": spec}))
    return folder


def lerobot(folder: Path) -> Path:
    (folder / "meta").mkdir(parents=True)
    (folder / "data/chunk-000").mkdir(parents=True)
    (folder / "meta/info.json").write_text(json.dumps({"fps": 10, "robot_type": "aloha", "features": {}}))
    for number, (actions, rewards) in enumerate(zip(ACTIONS, REWARDS, strict=True)):  # a file each
        ends = (np.arange(len(actions)) == len(actions) - 1) & (number == 0)
        rows = {
            "episode_index": np.full(len(actions), number), "action": actions.tolist(), "next.reward": rewards,
            "next.success": ends, "frame_index": np.arange(len(actions)),
        }  # fmt: skip
        pyarrow.parquet.write_table(pyarrow.table(rows), folder / f"data/chunk-000/file-{number:03}.parquet")
    return folder


MAKERS = {"robomimic.hdf5": robomimic, "minari": minari, "lerobot": lerobot}
NAMES = {"robomimic.hdf5": "Lift", "minari": "AdroitHandDoor-v1", "lerobot": "aloha"}


@pytest.fixture(params=MAKERS)
def foreign(request, tmp_path) -> Path:
    return MAKERS[request.param](tmp_path / request.param)


def test_every_kind_is_known_and_gives_its_decisions(foreign):
    assert is_foreign(foreign) and name_of(foreign) == NAMES[foreign.name]
    found = list(deeds(foreign))
    assert [one.success for one in found] == [True, False]
    for one, actions, rewards in zip(found, ACTIONS, REWARDS, strict=True):
        np.testing.assert_array_equal(one.trace["action"], actions)
        np.testing.assert_array_equal(one.trace["reward"], rewards)
        assert one.trace.rate == {"robomimic.hdf5": 20, "minari": 1, "lerobot": 10}[foreign.name]


def test_measures_by_hand(foreign):
    """In spreads of the first component over both episodes; the second one has none."""
    spread = float(np.std([0, 1, 0, 1, 0.5, 0.5, 0.5]))
    found = measure_deeds(foreign)
    assert found.values["length"].tolist() == [4, 3] and found.values["return"].tolist() == [1, 0]
    bends = np.array([-2, 2]) / spread  # of steps 1, -1, 1; the other component bends nowhere
    assert found.values["roughness"][0] == pytest.approx(np.sqrt((bends**2).sum() / 4))
    assert found.values["jump"].tolist() == pytest.approx([1 / spread, 0])
    assert found.values["idle"].tolist() == [0, 1] and found.measures["return"].worse == "lower"
    if foreign.name == "robomimic.hdf5":
        assert found.values["path_robot0_eef_pos"].tolist() == pytest.approx([0.6, 0])
        assert found.values["speed_robot0_eef_pos"].tolist() == pytest.approx([0.5 * 20, 0])
        assert found.measures["speed_robot0_eef_pos"].unit == "m/s"


def test_the_command_says_what_it_found(foreign, tmp_path):
    done = run_testbed(f"audit {foreign.name} --run out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"2 episodes of {NAMES[foreign.name]}, 50 % did the task" in done.stdout
    assert "no scene of it is declared here" in done.stdout and not (tmp_path / "out/videos").exists()
    with (tmp_path / "out/episodes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["length"]) for row in rows] == [4, 3] and [row["success"] for row in rows] == ["1", "0"]


@pytest.mark.parametrize("to", ["minari", "lerobot", "parquet", "csv"])
def test_a_set_that_the_testbed_exported_is_measured_by_its_scene(to, tmp_path):
    out = f"set.{to}" if to in ("parquet", "csv") else "set"
    run_testbed(f"export {ROOT / 'demonstrations/merge-habit.hdf5'} {out} --to {to}", tmp_path)
    assert not is_foreign(tmp_path / out)
    done = run_testbed(f"audit {out} --run out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "16 episodes of testbed/Merge-v0" in done.stdout and "imposed" in done.stdout


def test_cleaning_adds_filter_keys_and_changes_nothing_else(tmp_path):
    source = robomimic(tmp_path / "a.hdf5")
    before = source.read_bytes()
    done = run_testbed("clean a.hdf5 b.hdf5 --by roughness --remove 0.5", tmp_path)
    assert done.returncode == 0 and "keeps 1 of 2 episodes" in done.stdout, done.stderr
    assert source.read_bytes() == before
    with h5py.File(tmp_path / "b.hdf5") as file, h5py.File(source) as old:
        assert file["mask/removed"][()].tolist() == [b"demo_0"] and file["mask/kept"][()].tolist() == [b"demo_1"]
        assert file["mask/train"][()].tolist() == [b"demo_0"]
        np.testing.assert_array_equal(file["data/demo_1/actions"][()], old["data/demo_1/actions"][()])


@pytest.mark.parametrize("harm", ["no actions", "texts", "NaN", "another size", "none"])
def test_damage_is_one_line(harm, tmp_path):
    path = robomimic(tmp_path / "a.hdf5")
    with h5py.File(path, "r+") as file:
        demo = file["data/demo_1"]
        del demo["actions"]
        if harm == "texts":
            demo["actions"] = np.array([b"left"])
        elif harm == "NaN":
            demo["actions"] = np.full((3, 2), np.nan)
        elif harm == "another size":
            demo["actions"] = np.zeros((3, 5))
        elif harm == "none":
            demo["actions"] = np.zeros((0, 2))
    with pytest.raises(UserError) as caught:
        measure_deeds(path)
    assert "\n" not in str(caught.value)
    done = run_testbed("audit a.hdf5 --run out", tmp_path)
    assert done.returncode == 2 and done.stderr.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("clean a.hdf5 b.hdf5 --by severity", "FILE.csv:COLUMN"),
        ("clean a.hdf5 a.hdf5 --by roughness", "a.hdf5"),
        ("clean minari b.hdf5 --by roughness", "has no filter keys"),
        ("audit a.hdf5 --habit tailgating", "--habit is of policies"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_lost(line, told, tmp_path):
    before = robomimic(tmp_path / "a.hdf5").read_bytes()
    minari(tmp_path / "minari")
    done = run_testbed(line, tmp_path)
    assert done.returncode == 2 and told in done.stderr and done.stderr.strip().count("\n") == 0, done.stderr
    assert (tmp_path / "a.hdf5").read_bytes() == before and not (tmp_path / "b.hdf5").exists()


def test_a_page_shows_their_signals_and_places(foreign, tmp_path):
    done = run_testbed(f"view {foreign.name} --write page.html", tmp_path)
    assert done.returncode == 0 and "2 episodes" in done.stdout, done.stderr
    text = (tmp_path / "page.html").read_text()
    found = json.loads(text.split('id="head">')[1].split("</script>")[0])
    assert found["environment"] == NAMES[foreign.name] and found["primary"] == "roughness"
    assert [row["values"]["length"] for row in found["rows"]] == [4, 3]
    head, arrays = unpacked(text.split('id="e0">')[1].split("</script>")[0])
    names = [signal["name"] for signal in head["signals"]]
    np.testing.assert_allclose(arrays[names.index("action")], ACTIONS[0], atol=1e-4)
    assert ("position" in names) == (foreign.name == "robomimic.hdf5") == bool(head["bodies"])
    assert run_testbed(f"view {foreign.name} --episodes 1 --write page.html", tmp_path).returncode == 0
