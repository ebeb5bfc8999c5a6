"""Data sets: what is written comes back, the layout is robomimic's, and what is wrong is said in one line."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from testbed.datasets import reader
from testbed.datasets.validation import validate
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.rollouts.rollout import play
from testbed.scenes.picking.expert import Picker

ENVIRONMENT = "testbed/Merge-v0"
LINEAGE = Lineage("collect", 3, {"episodes": 6}, versions={"numpy": "1"})


def _write(path: Path, episodes: list[Episode]) -> Path:
    writer = DatasetWriter(path, ENVIRONMENT, LINEAGE)
    for episode in episodes:
        writer.append(episode)
    writer.finish()
    return path


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _same_array(first: np.ndarray, second: np.ndarray) -> None:
    assert first.dtype == second.dtype
    np.testing.assert_array_equal(first, second)


def _same_episode(first: Episode, second: Episode) -> None:
    """Assert that two episodes are equal in every field, arrays with their types."""
    for field in dataclasses.fields(Episode):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, np.ndarray):
            _same_array(a, b)
        elif field.name != "trace":
            assert a == b, field.name
    assert first.trace.rate == second.trace.rate
    for kind in ("signals", "constants"):
        ours, theirs = getattr(first.trace, kind), getattr(second.trace, kind)
        assert set(ours) == set(theirs)
        for name in ours:
            assert ours[name].unit == theirs[name].unit
            _same_array(ours[name].values, theirs[name].values)


def _refused(call, *words: str) -> str:
    """Assert that a call is refused in one line that holds the given words."""
    with pytest.raises(UserError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text and all(word in text for word in words), text
    return text


@pytest.fixture(scope="module")
def dataset(episodes, tmp_path_factory) -> Path:
    """A finished data set of the six episodes; tests must not change it."""
    labelled = [*episodes[:4], *(_habitual(episode) for episode in episodes[4:])]
    return _write(tmp_path_factory.mktemp("data") / "demos.hdf5", labelled)


def _habitual(episode: Episode) -> Episode:
    behaviour = Behaviour("demonstrator", "aggressive-merge", "always", 0.75)
    return dataclasses.replace(episode, behaviour=behaviour, success=False, terminated=False)


@pytest.fixture
def damaged(dataset, tmp_path) -> Path:
    """A copy of the data set to break."""
    return Path(shutil.copy(dataset, tmp_path / "broken.hdf5"))


def test_every_field_comes_back(dataset, episodes):
    """Reading gives what was written, and the number of episodes."""
    read = reader.load_episodes(dataset)
    assert reader.count_episodes(dataset) == len(read) == 6
    for number, (before, after) in enumerate(zip(episodes, read, strict=True)):
        _same_episode(before if number < 4 else _habitual(before), after)
    _same_episode(read[2], reader.load_episode(dataset, 2))
    assert validate(dataset) == []
    assert LINEAGE.same_recipe(reader.stored_lineage(dataset))


def test_continuous_actions_come_back(tmp_path):
    """Actions with several components keep them, and the episode says how it ended and what simulated it."""
    scenarios = [Scenario(3, {"product": "staple"})]
    (made,) = play("testbed/OrderPicking-v0", scenarios, [(Picker(), Behaviour("demonstrator"))])
    writer = DatasetWriter(tmp_path / "bench.hdf5", "testbed/OrderPicking-v0", LINEAGE)
    writer.append(made)
    writer.finish()
    _same_episode(made, reader.load_episode(writer.path, 0))
    assert made.actions.shape == (len(made), 4) and made.simulator and made.ending
    assert validate(writer.path) == []


def test_same_episodes_give_the_same_bytes(dataset, episodes, tmp_path):
    """Two files made alike, elsewhere and later, have one SHA-256; a changed reward gives another."""
    first, second = (_write(tmp_path / name / "demos.hdf5", episodes[:3]) for name in "ab")
    assert _sha(first) == _sha(second)
    changed = dataclasses.replace(episodes[2], rewards=episodes[2].rewards + 1)
    assert _sha(_write(tmp_path / "c" / "demos.hdf5", [*episodes[:2], changed])) != _sha(first)


def test_layout_is_robomimic(dataset, episodes):
    """The groups, attributes, shapes and filter keys that robomimic's own loader reads, with plain h5py."""
    with h5py.File(dataset) as file:
        data, mask = file["data"], file["mask"]
        assert json.loads(data.attrs["env_args"])["env_name"] == ENVIRONMENT
        assert data.attrs["total"] == sum(map(len, episodes))
        for number, episode in enumerate(episodes):
            demo, steps = data[f"demo_{number}"], len(episode)
            assert demo.attrs["num_samples"] == steps
            _same_array(demo["obs/observation"][()], episode.observations[:-1])
            _same_array(demo["next_obs/observation"][()], episode.observations[1:])
            assert demo["actions"].shape == (steps, 1) and demo["states"].shape[0] == steps
            assert demo["dones"][()].tolist() == [0] * (steps - 1) + [1]
        members = {key: [name.decode() for name in mask[key]] for key in mask}
        assert members["train"] == [f"demo_{n}" for n in range(6)] and members["valid"] == []
        assert members["clean"] == [f"demo_{n}" for n in range(4)]
        assert members["habit"] == members["failure"] == ["demo_4", "demo_5"]
        trucks = [f"demo_{n}" for n, episode in enumerate(episodes) if episode.context["leader"] == "truck"]
        assert members["leader_truck"] == trucks and "demo_5" in trucks


def test_every_tenth_demo_is_for_validation(episodes, tmp_path):
    """Of eleven demos, the tenth one alone is in `valid`."""
    with h5py.File(_write(tmp_path / "eleven.hdf5", [episodes[1]] * 11)) as file:
        assert file["mask/valid"][()].tolist() == [b"demo_9"]
        assert len(file["mask/train"]) == 10 and b"demo_9" not in file["mask/train"][()]


@pytest.mark.parametrize("share", [0.5, 0.97])
def test_truncated_file(damaged, share):
    """A file cut short is refused, for every way of reading it."""
    damaged.write_bytes(damaged.read_bytes()[: int(damaged.stat().st_size * share)])
    for read in (reader.load_episodes, validate, reader.count_episodes, reader.stored_lineage):
        _refused(lambda read=read: read(damaged), str(damaged), "truncated")


def test_files_that_are_no_data_set(tmp_path):
    """Missing, empty, text, foreign HDF5 and a newer schema each have their own line."""
    _refused(lambda: reader.load_episodes(tmp_path / "none.hdf5"), "no data set at", "none.hdf5")
    text = tmp_path / "text.hdf5"
    for content in ("", "this is not HDF5\n" * 100):
        text.write_text(content)
        _refused(lambda: reader.load_episode(text, 0), str(text), "not an HDF5 file")
    foreign = tmp_path / "foreign.hdf5"
    with h5py.File(foreign, "w") as file:
        file["numbers"] = [1, 2]
    _refused(lambda: validate(foreign), str(foreign), "no group 'data'")
    with h5py.File(foreign, "a") as file:
        file.create_group("data")
    _refused(lambda: validate(foreign), str(foreign), "not made by the testbed")
    with h5py.File(foreign, "a") as file:
        file["data"].attrs["testbed_schema"] = 99
    _refused(lambda: validate(foreign), str(foreign), "schema 99", "update")


def test_numbers_of_episodes(dataset):
    """An episode that does not exist is refused, also a negative number."""
    for number in (6, -1):
        _refused(lambda number=number: reader.load_episode(dataset, number), f"no episode {number}", "6 episodes")


@pytest.mark.parametrize("missing", ["obs/observation", "actions", "states", "final_state", "trace", "rewards"])
def test_missing_part(damaged, missing):
    """`validate` names demo and part; loading that demo is refused, the others still load."""
    with h5py.File(damaged, "a") as file:
        del file["data/demo_2"][missing]
    problems = validate(damaged)
    assert [(p.where, missing in p.what) for p in problems] == [("demo_2", True)]
    _refused(lambda: reader.load_episode(damaged, 2), str(damaged), "demo_2")
    assert len(reader.load_episode(damaged, 3)) > 0


def test_missing_attribute_and_false_total(damaged):
    """Attributes are checked too."""
    with h5py.File(damaged, "a") as file:
        del file["data/demo_1"].attrs["scenario_seed"]
        file["data"].attrs["total"] = 7
    found = {problem.where: problem.what for problem in validate(damaged)}
    assert set(found) == {"demo_1", "data"} and "scenario_seed" in found["demo_1"] and "7" in found["data"]
    _refused(lambda: reader.load_episode(damaged, 1), "demo_1")


@pytest.mark.parametrize("part", ["obs/observation", "states"])
def test_not_a_number(damaged, part):
    """NaN is found at its step by `validate`, and refused on loading."""
    with h5py.File(damaged, "a") as file:
        file["data/demo_3"][part][11, 0] = np.nan
    (problem,) = validate(damaged)
    assert problem.where == "demo_3" and part in problem.what and problem.what.endswith("step 11")
    _refused(lambda: reader.load_episode(damaged, 3), "demo_3", part, "not a number")


def test_mask_that_names_a_stranger(damaged):
    """A filter key with a demo that is not there is reported."""
    with h5py.File(damaged, "a") as file:
        del file["data/demo_5"]
    problems = {problem.where for problem in validate(damaged)}
    assert {"mask/train", "mask/habit"} <= problems
