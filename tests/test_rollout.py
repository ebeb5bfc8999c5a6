"""The step loop: order, independence of the batch, going on where one left off, and policies that do not fit."""

from __future__ import annotations

import dataclasses

import gymnasium
import numpy as np
import pytest

from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.rollouts import rollout
from testbed.rollouts.rollout import play
from testbed.scenes.merge.gap_acceptance import AcceptedGap, GapAcceptance
from testbed.scenes.merge.observation import SIZE
from testbed.scenes.registry import make_vector

MERGE = "testbed/Merge-v0"
SCENES = [Scenario(seed, {"leader": "truck"} if seed % 2 else {}) for seed in range(7)]
CALM, BOLD = (GapAcceptance(), Behaviour("calm")), (GapAcceptance(AcceptedGap(0.2, 0.3)), Behaviour("bold"))


@pytest.fixture
def batches_of_three(monkeypatch):
    monkeypatch.setattr(rollout, "BATCH", 3)


def _arrays(episode: Episode) -> dict[str, np.ndarray]:
    """Return everything of an episode that is an array, by name."""
    fields = {field.name: getattr(episode, field.name) for field in dataclasses.fields(episode)}
    signals = {**episode.trace.signals, **episode.trace.constants}
    return {k: v for k, v in fields.items() if isinstance(v, np.ndarray)} | {k: s.values for k, s in signals.items()}


def _same(first: Episode, second: Episode) -> None:
    assert (first.scenario, first.behaviour, first.context) == (second.scenario, second.behaviour, second.context)
    assert (first.terminated, first.success) == (second.terminated, second.success)
    ours, theirs = _arrays(first), _arrays(second)
    assert set(ours) == set(theirs)
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)


def test_episodes_come_job_by_job_in_the_order_of_the_scenarios(batches_of_three):
    played = list(play(MERGE, SCENES, [CALM, BOLD]))
    assert [e.behaviour.policy for e in played] == ["calm"] * 7 + ["bold"] * 7
    assert [e.scenario for e in played] == SCENES * 2
    assert all(e.context["leader"] == "truck" for e in played if e.scenario.context)
    assert any((a.actions != b.actions).any() for a, b in zip(played, played[7:], strict=False) if len(a) == len(b))


def test_an_episode_does_not_depend_on_the_others_of_its_batch(batches_of_three):
    """Three at once, one at a time, and stepped here by hand."""
    for episode in play(MERGE, SCENES, [BOLD]):
        (alone,) = play(MERGE, [episode.scenario], [BOLD])
        _same(episode, alone)
        _same_by_hand(episode)


def test_policies_play_side_by_side_as_they_would_alone(monkeypatch):
    """To the last bit, networks and one that remembers too; as many at once as fit."""
    config = PolicyConfig(MERGE, SIZE, 5, (16,))
    networks = [NetworkPolicy(config, random_arrays(config, np.random.default_rng(seed))) for seed in range(3)]
    jobs = [(policy, Behaviour(f"network {n}")) for n, policy in enumerate(networks)] + [BOLD, CALM]
    alone = [episode for job in jobs for episode in play(MERGE, SCENES, [job])]
    made: list[int] = []

    def counted(environment: str, count: int):
        made.append(count)
        return make_vector(environment, count)

    monkeypatch.setattr(rollout, "make_vector", counted)
    monkeypatch.setattr(rollout, "BATCH", 15)
    for first, second in zip(alone, play(MERGE, SCENES, jobs), strict=True):
        _same(first, second)
    assert made == [14, 14, 7]


def _same_by_hand(episode: Episode) -> None:
    env = make_vector(MERGE, 1)
    env.reset(seed=[episode.scenario.seed], options={"context": episode.scenario.context})
    for step, action in enumerate(episode.actions):
        observations, rewards, terminated, truncated, info = env.step(np.array([action]))
        assert rewards[0] == episode.rewards[step]
        np.testing.assert_array_equal(observations[0], episode.observations[step + 1])
        np.testing.assert_array_equal(env.states()[0], episode.states[step + 1])
        for name, values in info["trace"].items():
            np.testing.assert_array_equal(values[0], episode.trace[name][3 * step : 3 * step + 3])
        assert (terminated | truncated)[0] == (step + 1 == len(episode))
    assert (terminated[0], info["success"][0]) == (episode.terminated, episode.success)
    assert len(episode.trace) == 3 * len(episode)


def test_episodes_own_their_arrays(batches_of_three):
    """A kept episode must not keep the batch it was played in."""
    for episode in play(MERGE, SCENES, [CALM]):
        assert [name for name, values in _arrays(episode).items() if values.base is not None] == []


@pytest.mark.parametrize("there", [1, 3, 5, 7, 9, 14])
def test_going_on_gives_the_same_to_the_last_bit(batches_of_three, there):
    """Networks too, whose last digits depend on the other rows of a batch; batches that are there are not played."""
    config = PolicyConfig(MERGE, SIZE, 5, (16,))
    calls: list[int] = []

    class Network(NetworkPolicy):
        def act(self, observations):
            calls.append(len(observations))
            return super().act(observations)

    job = (Network(config, random_arrays(config, np.random.default_rng(0))), Behaviour("network"))
    whole = list(play(MERGE, SCENES, [job, BOLD]))
    calls.clear()
    rest = list(play(MERGE, SCENES, [job, BOLD], skip=there))
    assert len(rest) == 14 - there
    for first, second in zip(whole[there:], rest, strict=True):
        _same(first, second)
    assert (3 in calls) == (there < 6) and (1 in calls) == (there < 7)


class _Answers:
    """A policy that returns what it was made with."""

    def __init__(self, answer) -> None:
        self.answer = answer

    def act(self, observations):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (np.zeros((2, 1)), "shape (2, 1)"),
        (np.zeros(3), "shape (3,)"),
        (np.array([0.0, np.nan]), "not a number"),
        (np.array([1, 9]), "action 9 is outside the 5 actions"),
        (np.array([1, -1]), "action -1 is outside"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(answer, says):
    with pytest.raises(UserError) as caught:
        list(play(MERGE, SCENES[:2], [(_Answers(answer), Behaviour("x"))]))
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_environment_is_refused():
    with pytest.raises(UserError, match="Did you mean 'testbed/Merge-v0'"):
        list(play("testbed/Merge-v9", SCENES, [CALM]))


@pytest.mark.parametrize("name", [name for name in gymnasium.registry if name.startswith("testbed/")])
def test_every_environment_can_be_played(name):
    """Idling, in batches, with everything that its traces say."""

    class Idle:
        def act(self, observations):
            return np.ones((len(observations), *made.single_action_space.shape), made.single_action_space.dtype)

    made = make_vector(name, 1)
    metadata = made.metadata
    for episode in play(name, SCENES[::2], [(Idle(), Behaviour("idle"))]):
        assert set(episode.trace.signals) == set(metadata["trace_units"])
        assert set(episode.trace.constants) == set(metadata["constant_units"])
        assert set(episode.context) == set(metadata["context"])
        assert len(episode.trace) == metadata["trace_hz"] // metadata["decision_hz"] * len(episode) > 0
