"""Opening data sets: what is no data set is called what it is, and nothing beside the file is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from testbed.datasets import reader
from testbed.datasets.form import form_of
from testbed.datasets.heaps import HEAP_MARK, TEXT_MARK, damaged_text
from testbed.datasets.validation import validate
from testbed.datasets.writer import DatasetWriter
from testbed.envs.driving.scene import ACTIONS
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import load_transitions
from testbed.scenes.registry import environments, make_vector

LINEAGE = Lineage("collect", 3, versions={})
EVERY = [*environments("driving"), *environments("warehouse")]


def _refused(call, *words: str) -> str:
    """Assert that a call is refused in one line that holds the given words."""
    with pytest.raises(UserError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text and all(word in text for word in words), text
    return text


@pytest.fixture(scope="module")
def dataset(episodes, tmp_path_factory) -> Path:
    """A finished data set of four episodes; tests must not change it."""
    path = tmp_path_factory.mktemp("data") / "demos.hdf5"
    with DatasetWriter(path, "testbed/Merge-v0", LINEAGE) as writer:
        for episode in episodes[:4]:
            writer.append(episode)
        writer.finish()
    return path


@pytest.fixture
def growing(episodes, tmp_path) -> Path:
    """The index and the parts of a collection that was cut short after two episodes."""
    with DatasetWriter(tmp_path / "growing.hdf5", "testbed/Merge-v0", LINEAGE) as writer:
        for episode in episodes[:2]:
            writer.append(episode)
    return writer.path


@pytest.mark.parametrize("environment", EVERY)
def test_the_form_is_what_is_recorded(environment):
    """Every array of a played episode has the shape, type and limits that the form says, at its longest too."""
    form, rng = form_of(environment), np.random.default_rng(0)

    class Anything:
        def act(self, observations: np.ndarray) -> np.ndarray:
            if environment in environments("driving"):
                return rng.choice([1, 4], len(observations))  # IDLE and SLOWER: up to the time limit
            return rng.uniform(-0.1, 0.1, (len(observations), 4))

    assert ACTIONS[1] == "IDLE" and ACTIONS[4] == "SLOWER"
    played = list(play(environment, [Scenario(seed) for seed in range(4)], [(Anything(), Behaviour("anybody"))]))
    assert max(map(len, played)) == form.longest
    for episode in played:
        steps, trace = len(episode), episode.trace
        assert trace.rate == form.rate and episode.states.shape == (steps + 1, form.state)
        for held, items in ((trace.signals, form.signals), (trace.constants, form.constants)):
            assert held.keys() == items.keys()
            for name, item in items.items():
                assert held[name].values.shape == item.shaped(steps) and held[name].values.dtype == item.dtype
                assert held[name].unit == item.unit
        seen, actions = form.decisions[0], form.decisions[2]
        assert episode.observations.dtype == seen.dtype and episode.actions.dtype == actions.dtype
        assert episode.observations.shape == (steps + 1, *seen.shape)
        assert (episode.observations >= seen.low).all() and (episode.observations <= seen.high).all()


def test_nothing_but_an_environment_of_the_testbed_is_looked_for(dataset, tmp_path, monkeypatch):
    """A name that Gymnasium would import a module for is refused, and the module stays unimported."""
    (tmp_path / "intruder.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    copy = Path(shutil.copy(dataset, tmp_path / "copy.hdf5"))
    for name in ("intruder:testbed/Merge-v0", "intruder:Merge-v0", "CartPole-v1"):
        with h5py.File(copy, "r+") as file:
            file["data"].attrs["env_args"] = f'{{"env_name": "{name}"}}'
        for read in (reader.load_episodes, load_transitions):
            _refused(lambda read=read: read(copy), str(copy), f"unknown environment '{name}'", "testbed/Merge-v0")
        assert [problem.where for problem in validate(copy)] == ["data"]
    assert "intruder" not in sys.modules


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Give up the right to read everything, for a while."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_not_called_damaged(dataset, tmp_path):
    for closed in (tmp_path / "file", tmp_path / "folder"):
        closed.mkdir()
        copy = Path(shutil.copy(dataset, closed / "mine.hdf5"))
        (copy if closed.name == "file" else closed).chmod(0)
        with _as_nobody():
            said = _refused(lambda copy=copy: reader.load_episodes(copy), str(copy), "may not be read", "permissions")
        closed.chmod(0o700)
        assert "damaged" not in said and "collect" not in said


def test_a_file_that_another_program_writes_is_not_called_damaged(dataset, tmp_path):
    """HDF5 locks what it writes; here another process holds the lock."""
    copy = Path(shutil.copy(dataset, tmp_path / "open.hdf5"))
    hold = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(copy)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdout.readline() == "open\n"
        said = _refused(lambda: validate(copy), str(copy), "being written by another program")
        other.communicate("")
    assert "damaged" not in said and validate(copy) == []


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_called_so(dataset, share, tmp_path):
    (tmp_path / "part.hdf5").write_bytes(dataset.read_bytes()[: int(share * dataset.stat().st_size)])
    said = _refused(lambda: validate(tmp_path / "part.hdf5"), "part.hdf5 cannot be opened: it is truncated")
    assert "another program" not in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 12345\n", "git lfs pull"),
        (b"PK\x03\x04" + bytes(100), "ZIP archive"),
        (b"\x1f\x8b" + bytes(100), "gzip"),
        (b"PAR1" + bytes(100), "LeRobot"),
        (b"notes", "not an HDF5 file"),
    ],
)
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path, content, says):
    path = tmp_path / "file.hdf5"
    path.write_bytes(content)
    for read in (reader.load_episodes, load_transitions, reader.stored_lineage, reader.count_episodes, validate):
        _refused(lambda read=read: read(path), str(path), says)


def _minari(file: h5py.File) -> None:
    file.attrs["total_episodes"] = 1
    file["episode_0/actions"] = [[0.5]]


def _d4rl(file: h5py.File) -> None:
    for name in ("observations", "actions", "rewards", "terminals", "timeouts"):
        file[name] = [[0.5]]


def _act(file: h5py.File) -> None:
    file["action"], file["observations/qpos"] = [[0.5]], [[0.5]]


def _robomimic(file: h5py.File) -> None:
    file["data/demo_0/actions"] = [[0.5]]
    file["data"].attrs["env_args"] = "{}"


@pytest.mark.parametrize(
    ("fill", "says"),
    [(_minari, "Minari"), (_d4rl, "D4RL"), (_act, "ACT"), (_robomimic, "not made by the testbed")],
)
def test_a_data_set_of_another_project_is_called_by_its_name(tmp_path, fill, says):
    path = tmp_path / "foreign.hdf5"
    with h5py.File(path, "w") as file:
        fill(file)
    _refused(lambda: validate(path), str(path), says)


def test_what_is_no_file_is_not_opened(dataset, tmp_path):
    """A folder is called after what is in it; a FIFO does not hold anybody up; a loop of links ends."""
    for inside, says in (("meta/info.json", "LeRobot"), ("data/main_data.hdf5", "Minari"), ("notes", "is a folder")):
        folder = tmp_path / says
        (folder / inside).parent.mkdir(parents=True)
        (folder / inside).touch()
        _refused(lambda folder=folder: validate(folder), str(folder), says, ".hdf5")
    os.mkfifo(tmp_path / "pipe")
    _refused(lambda: validate(tmp_path / "pipe"), "no regular file")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    _refused(lambda: validate(tmp_path / "loop"), "loop")
    _refused(lambda: validate(tmp_path / ("x" * 300)), "cannot be read")
    _refused(lambda: validate(dataset / "demos.hdf5"), "no data set at")
    (tmp_path / "link.hdf5").symlink_to(dataset)
    assert validate(tmp_path / "link.hdf5") == []


def test_an_index_reads_its_own_parts_alone(growing, tmp_path, episodes):
    """What grows can be read; a part that is gone, is a FIFO, or belongs to another file is named."""
    assert [len(episode) for episode in reader.load_episodes(growing)] == [len(e) for e in episodes[:2]]
    assert [(p.where, p.hinders) for p in validate(growing)] == [("data", False)]
    part = growing.with_name("growing.hdf5.parts") / "demo_1.hdf5"
    shutil.copytree(part.parent, tmp_path / "other.hdf5.parts")
    copy = Path(shutil.copy(growing, tmp_path / "other.hdf5"))
    _refused(lambda: reader.load_episodes(copy), "demo_0", "another file than its part")
    part.unlink()
    for make in (lambda: None, lambda: os.mkfifo(part)):
        make()
        assert [p.where for p in validate(growing) if p.hinders] == ["demo_1"]
        _refused(lambda: reader.load_episode(growing, 1), "demo_1", "its part is missing", "growing.hdf5.parts")
    assert len(reader.load_episode(growing, 0)) == len(episodes[0])


def test_a_part_is_read_with_the_same_suspicion(growing, tmp_path):
    """A link inside a part leads nowhere else."""
    part = growing.with_name("growing.hdf5.parts") / "demo_1.hdf5"
    with h5py.File(part, "r+") as file:
        del file["episode/states"]
        file["episode/states"] = h5py.ExternalLink("demo_0.hdf5", "/episode/states")
    _refused(lambda: reader.load_episode(growing, 1), "demo_1", "states is a link")


@pytest.mark.parametrize("inside", ["the file", "a part"])
def test_damaged_texts_neither_hold_up_nor_take_memory(growing, inside):
    """A heap object that takes no room, on which the library hangs; a text of 4 GB, which it makes room for."""
    part = growing.with_name("growing.hdf5.parts") / "demo_1.hdf5"
    file = growing if inside == "the file" else part
    whole = file.read_bytes()
    heap, text = whole.index(HEAP_MARK) + 16, whole.index(TEXT_MARK) + 28
    for place, noise, words in (
        (heap, bytes(16), "heap of texts in it has no end"), (text, b"\xf0\xff\xff\xff", "longer than 1,048,576 bytes"),
    ):  # fmt: skip
        file.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
        _refused(lambda: reader.load_episode(growing, 1), str(growing), words)
        assert damaged_text(file, 1 << 20)
    file.write_bytes(whole)
    assert len(reader.load_episodes(growing)) == 2 and not damaged_text(file, 1 << 20)


def test_an_episode_keeps_its_number(dataset, tmp_path):
    """After demo_1 is gone, 2 is demo_2 still; the error for 1 says which there are."""
    copy = Path(shutil.copy(dataset, tmp_path / "copy.hdf5"))
    before = reader.load_episode(copy, 2)
    with h5py.File(copy, "r+") as file:
        del file["data/demo_1"]
    assert reader.episode_numbers(copy) == [0, 2, 3]
    np.testing.assert_array_equal(reader.load_episode(copy, 2).states, before.states)
    _refused(lambda: reader.load_episode(copy, 1), "no episode 1", "3 episodes", "0, 2 to 3")


def test_reading_makes_no_more_than_one_world(dataset, monkeypatch):
    """The form of an environment is asked for once a process, and nothing is simulated for it."""
    reader.load_episodes(dataset)
    form_of.cache_clear()
    made = []

    def once(environment: str, count: int):
        made.append(count)
        env = make_vector(environment, count)
        env.reset = env.step = None  # neither is called
        return env

    monkeypatch.setattr("testbed.datasets.form.make_vector", once)
    assert len(reader.load_episodes(dataset)) == 4 and len(load_transitions(dataset)) > 0
    assert made == [1]
