"""Replaying a record: exact where nothing was changed, and otherwise it names the first step that differs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from testbed.demonstrations import reader, replay
from testbed.demonstrations.writer import DatasetWriter
from testbed.episode import Episode
from testbed.errors import UserError
from testbed.lineage import Lineage


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
