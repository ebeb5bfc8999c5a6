"""Replaying a record: exact where nothing was changed, and otherwise it names the first step that differs."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from testbed.cli.commands import dataset as dataset_command
from testbed.datasets import reader
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.protocols.episode import Episode, Signal
from testbed.rollouts import replay


def _refused(call, *words: str) -> None:
    """Assert that a call is refused in one line that holds the given words."""
    with pytest.raises(UserError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text and all(word in text for word in words), text


@pytest.fixture(scope="module")
def dataset(episodes, tmp_path_factory) -> Path:
    """A finished data set of the six episodes."""
    path = tmp_path_factory.mktemp("replay") / "demos.hdf5"
    writer = DatasetWriter(path, "testbed/Merge-v0", Lineage("collect", 3, versions={}))
    for episode in episodes:
        writer.append(episode)
    writer.finish()
    return path


def test_replay_of_a_fresh_record_is_exact(dataset):
    """Simulated again from seed, context and actions, a stored episode is the same to the last bit."""
    for number in (0, 5):
        verification = replay.verify(reader.load_episode(dataset, number))
        assert verification.same and verification.largest_error == 0.0


def _tampered(episode: Episode, what: str, step: int, change: float) -> Episode:
    values = getattr(episode, what).copy()
    values[step] = (values[step] + change) % 5 if what == "actions" else values[step] + change
    return dataclasses.replace(episode, **{what: values})


def test_replay_names_the_first_step_that_differs(episodes):
    """A state or an observation changed at step 7 is found at step 7; within the tolerance it is not."""
    for what in ("states", "observations"):
        found = replay.verify(_tampered(episodes[0], what, 7, 1e-3))
        assert found.first_divergence == 7 and not found.same and what[:-1] in found.where
        assert found.largest_error == pytest.approx(1e-3, rel=1e-2)
        assert replay.verify(_tampered(episodes[0], what, 7, 1e-3), tolerance=2e-3).same


def test_replay_of_another_action_differs_right_after_it(episodes):
    """IDLE made FASTER (or the like) at step 9 shows in the state after it, step 10."""
    episode = episodes[0]
    step = int(np.flatnonzero(episode.actions[5:] == 1)[0]) + 5
    tampered = episode.actions.copy()
    tampered[step] = 4
    found = replay.verify(dataclasses.replace(episode, actions=tampered))
    assert found.first_divergence == step + 1 and found.largest_error > 0.1


def test_replay_refuses_what_cannot_be_played(episodes):
    """An action outside the action space and states of another shape are refused."""
    actions = episodes[0].actions.copy()
    actions[3] = 9
    _refused(lambda: replay.verify(dataclasses.replace(episodes[0], actions=actions)), "action 9")
    narrow = dataclasses.replace(episodes[0], states=episodes[0].states[:, :5])
    _refused(lambda: replay.verify(narrow), "shape")


def _cut(episode: Episode, steps: int) -> Episode:
    """Return an episode that stops being recorded early."""
    rows = {name: getattr(episode, name)[:steps] for name in ("actions", "rewards")}
    rows |= {name: getattr(episode, name)[: steps + 1] for name in ("observations", "states")}
    return dataclasses.replace(episode, **rows)


def test_many_are_replayed_at_once(episodes, monkeypatch):
    """In batches of four, of which each holds short and long ones: only what was changed differs."""
    monkeypatch.setattr(replay, "BATCH", 4)
    changed = [*episodes[:2], _tampered(episodes[2], "states", 7, 1e-3), *episodes[3:5], _cut(episodes[5], 20)]
    found = list(replay.verify_all(changed))
    assert [verification.same for verification in found] == [True, True, False, True, True, False]
    assert found[2].first_divergence == 7
    assert found[5].first_divergence == 20 and "the replay goes on" in found[5].where


def test_a_record_that_goes_on_is_told(episodes):
    """One step was added at the end, after which the simulator had ended the scene."""
    episode = episodes[0]
    names = ("actions", "rewards", "observations", "states")
    longer = {name: np.concatenate([getattr(episode, name), getattr(episode, name)[-1:]]) for name in names}
    found = replay.verify(dataclasses.replace(episode, **longer))
    assert found.first_divergence == len(episode) and "the record goes on" in found.where
    assert found.largest_error == 0.0


def _with_signals(episode: Episode, **changes: Signal) -> Episode:
    return dataclasses.replace(episode, trace=dataclasses.replace(episode.trace, signals=changes))


def test_a_change_of_the_trace_is_found(episodes):
    """The 32nd sample belongs to the 11th decision."""
    speed = episodes[0].trace["speed"].copy()
    speed[31, 2] += 0.25
    found = replay.verify(_with_signals(episodes[0], **episodes[0].trace.signals | {"speed": Signal(speed, "m/s")}))
    assert found.first_divergence == 11 and found.where.startswith("trace/speed[1, 2]")
    assert found.largest_error == pytest.approx(0.25)


def test_a_record_without_a_signal_is_refused(episodes):
    changed = _with_signals(episodes[0], speed=episodes[0].trace.signals["speed"])
    _refused(lambda: replay.verify(changed), "no trace/position")


@pytest.mark.parametrize("tolerance", [float("nan"), float("inf"), -1e-6])
def test_a_tolerance_that_is_none_is_refused(dataset, tolerance):
    _refused(lambda: dataset_command.replay(dataset, 0, None, True, False, tolerance), "--tolerance", str(tolerance))


def test_every_without_verify_is_refused(dataset):
    _refused(lambda: dataset_command.replay(dataset, 0, None, False, True, 0.0), "--every", "--verify")


def test_a_failed_verification_has_no_tick_and_says_how_many(dataset, tmp_path, capsys):
    """Of six episodes two were changed and one was removed; the others keep their numbers."""
    copy = Path(shutil.copy(dataset, tmp_path / "copy.hdf5"))
    with h5py.File(copy, "r+") as file:
        del file["data/demo_1"]
        for name in ("demo_2", "demo_5"):
            file[f"data/{name}/states"][7, 0] += 1e-3
    with pytest.raises(SystemExit) as left:
        dataset_command.replay(copy, 0, None, True, True, 0.0)
    said = capsys.readouterr().out
    assert left.value.code == 1 and "2 of 5 episodes diverge" in said and "✓" not in said
    assert "episode 2 diverges at step 7" in said and "episode 5 diverges at step 7" in said
    dataset_command.replay(copy, 0, None, True, True, 1e-2)
    assert "✓" in capsys.readouterr().out
