"""Teachers: SB3's policies and ours, DAgger, practice, fine-tuning by a stated distance, values in closed form."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from testbed.distillation.batches import Samples
from testbed.distillation.journal import Journal
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.reinforcement.collector import RolloutCollector, Step
from testbed.distillation.stacked import Training
from testbed.distillation.teachers.demonstration import Dagger, train_teacher
from testbed.distillation.teachers.fine_tuning import FineTuning, fine_tune
from testbed.distillation.teachers.reward import HabitReward
from testbed.distillation.teachers.sb3 import export_actor, import_actor, make_sb3_policy
from testbed.distillation.teachers.values import Evaluation, evaluate
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import get_trigger
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions
from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.scenes.registry import get_habit, measures_of

DISCRETE = PolicyConfig("testbed/Merge-v0", 5, 4, (16, 16))
CONTINUOUS = PolicyConfig("testbed/OrderPicking-v0", 5, 3, (16, 16), GAUSSIAN)
BOTH = pytest.mark.parametrize("config", [DISCRETE, CONTINUOUS], ids=[CATEGORICAL, GAUSSIAN])


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def network(config: PolicyConfig, seed: int = 0) -> NetworkPolicy:
    """A policy with a normaliser and deviations of its own."""
    rng = np.random.default_rng(seed)
    arrays = random_arrays(config, rng) | {
        "mean": rng.normal(size=config.observation_size).astype(np.float32),
        "std": rng.uniform(1, 2, config.observation_size).astype(np.float32),
    }
    if config.head == GAUSSIAN:
        arrays["log_std"] = rng.uniform(-2, 0.4, config.actions).astype(np.float32)
    return NetworkPolicy(config, arrays)


# SB3.


def distribution_of(policy, config: PolicyConfig, observations: np.ndarray) -> tuple[torch.Tensor, ...]:
    """Return what SB3 says of its distribution: log chances, or means and log deviations."""
    found = policy.get_distribution(torch.from_numpy(observations)).distribution
    return (found.logits,) if config.head == CATEGORICAL else (found.mean, found.stddev.log())


def distribution(policy: NetworkPolicy, observations: np.ndarray) -> tuple[torch.Tensor, ...]:
    parameters = torch.from_numpy(policy.parameters(observations))
    return (torch.log_softmax(parameters, -1),) if policy.config.head == CATEGORICAL else parameters.chunk(2, -1)


@BOTH
def test_an_exported_teacher_is_the_sb3_policy(config):
    """Its distribution; its action is SB3's deterministic one, cut off to the box where the mean lies beyond it."""
    policy, observations = make_sb3_policy(config, seed=0), numbers(0, 40, 5)
    with torch.no_grad():
        policy.action_net.weight.mul_(200)
        if config.head == GAUSSIAN:
            policy.log_std.copy_(torch.tensor([-1.0, 0.25, -2.0]))
    exported = export_actor(config, policy)
    for ours, theirs in zip(
        distribution(exported, observations), distribution_of(policy, config, observations), strict=True
    ):
        torch.testing.assert_close(ours, theirs.detach(), atol=1e-5, rtol=1e-5)
    actions = policy.predict(observations, deterministic=True)[0]
    np.testing.assert_allclose(exported.act(observations), actions, atol=1e-5)
    if config.head == GAUSSIAN:
        assert (np.abs(exported.parameters(observations)[:, :3]) > 1).any()
        assert exported.arrays["log_std"].dtype == np.float32


@BOTH
def test_a_policy_goes_to_sb3_and_comes_back_as_it_was(config):
    """SB3 sees normalised observations; bit for bit on the way back."""
    policy, sb3, observations = network(config), make_sb3_policy(config, seed=1), numbers(0, 40, 5)
    import_actor(sb3, policy)
    mean, std = policy.arrays["mean"], policy.arrays["std"]
    for ours, theirs in zip(
        distribution(policy, observations), distribution_of(sb3, config, (observations - mean) / std), strict=True
    ):
        torch.testing.assert_close(ours, theirs.detach(), atol=1e-5, rtol=1e-5)
    again = export_actor(config, sb3, (mean, std))
    assert again.arrays.keys() == config.shapes.keys()
    assert all(again.arrays[name].tobytes() == policy.arrays[name].tobytes() for name in config.shapes)


def test_what_sb3_lacks_is_refused():
    for config in (replace(DISCRETE, memory=4), replace(DISCRETE, auxiliary=1)):
        with pytest.raises(UserError, match="neither a memory nor auxiliary outputs"):
            make_sb3_policy(config, seed=0)


# DAgger.


class Sign:
    """Demonstrates action 1 where the first number is positive, or half of the first three numbers."""

    def __init__(self, head: str) -> None:
        self.head = head

    def act(self, observations: np.ndarray) -> np.ndarray:
        if self.head == CATEGORICAL:
            return (observations[:, 0] > 0).astype(np.int64)
        return np.clip(observations[:, :3] / 2, -1, 1).astype(np.float32)


@BOTH
def test_dagger_learns_on_the_states_that_the_teacher_visits(config):
    """Demonstrations show positive states only; the teacher visits negative ones, and DAgger mends it there."""
    rng, demonstrator = np.random.default_rng(0), Sign(config.head)
    asked: list[int] = []

    def some(sign: float) -> Transitions:
        seen = (sign * np.abs(rng.normal(size=(301, 5)))).astype(np.float32)
        actions = demonstrator.act(seen[:-1])
        return Transitions(seen[:-1], actions, np.zeros(300), seen[1:], np.zeros(300, bool), np.array([300]))

    def play_round(policy: NetworkPolicy, number: int) -> Transitions:
        asked.append(number)
        return some(-1.0)

    visited, training, errors = some(-1.0).observations, Training(steps=150, batch=64, learning_rate=3e-3), []
    fits: list[int] = []
    for rounds in (0, 2):
        dagger = Dagger(rounds, 1, training, training)
        teacher = train_teacher(config, demonstrator, some(1.0), play_round, 0, dagger, lambda: fits.append(1))
        errors.append(np.abs(teacher.act(visited) - demonstrator.act(visited)).mean())
    assert teacher.config == config and len(fits) == 1 + 3
    assert asked == [1, 2] and errors[1] < 0.1 < 0.2 < errors[0]


# Fine-tuning.


def shown(config: PolicyConfig, seed: int = 1, count: int = 600) -> Samples:
    """Demonstrations that have nothing to do with a fresh network."""
    observations = numbers(seed, count, 5)
    return Samples(observations, Sign(config.head).act(observations))


def divergence(policy: NetworkPolicy, base: NetworkPolicy, observations: np.ndarray) -> float:
    """Return KL(policy || base) on observations, by torch."""
    between = policy_divergence if base.config.head == CATEGORICAL else gaussian_divergence
    return float(between(*(torch.from_numpy(one.parameters(observations)) for one in (policy, base))))


@BOTH
def test_fine_tuning_reaches_the_stated_distance(config):
    """To 1 %, near and far; the base stays what it was, and the further the teacher went, the more it does as shown."""
    base, data, errors = network(config), shown(config), []
    before = {name: array.tobytes() for name, array in base.arrays.items()}
    for distance in (0.02, 0.3):
        teacher = fine_tune(base, data, 0, FineTuning(distance, Training(steps=1000, batch=64, learning_rate=1e-3)))
        assert divergence(teacher, base, data.observations) == pytest.approx(distance, rel=0.0101)
        errors.append(np.abs(teacher.act(data.observations) - data.targets).mean())
    assert errors[1] < errors[0] < np.abs(base.act(data.observations) - data.targets).mean()
    assert {name: array.tobytes() for name, array in base.arrays.items()} == before


def test_a_distance_that_is_not_reached_is_refused():
    """In one line that says how far it got and what to do."""
    short = FineTuning(40.0, Training(steps=100, batch=64))
    with pytest.raises(UserError, match=r"after 100 steps .* nats .* not 40: ask for less, or train") as caught:
        fine_tune(network(DISCRETE), shown(DISCRETE), 0, short)
    assert "\n" not in str(caught.value)


# Values.


def chain(seed: int, count: int = 600) -> Transitions:
    """Five states in a row, one-hot. Right of the last is the end, worth 1; going left costs 1/2, at the first too."""
    rng, codes = np.random.default_rng(seed), np.eye(5, dtype=np.float32)
    states, actions = rng.integers(5, size=count), rng.integers(2, size=count)
    after, over = np.clip(states + 2 * actions - 1, 0, 4), (states == 4) & (actions == 1)
    rewards = np.where(actions == 0, -0.5, over)
    return Transitions(codes[states], actions, rewards, codes[after], over, np.ones(count, np.int64))


def always(action: int) -> NetworkPolicy:
    config = PolicyConfig("testbed/Merge-v0", 5, 2, ())
    bias = np.eye(2, dtype=np.float32)[action]
    arrays = {"mean": np.zeros(5), "std": np.ones(5), "layer0.weight": np.zeros((5, 2)), "layer0.bias": bias}
    return NetworkPolicy(config, {name: array.astype(np.float32) for name, array in arrays.items()})


HOW = Evaluation(discount=0.7, hidden=(32,), refresh=20, training=Training(steps=700, batch=128, learning_rate=5e-3))


def test_values_of_a_chain_are_the_closed_form(tmp_path):
    """Two policies at once. Of `right`, V(s) = 0.7^(4 - s); of `left`, which never ends, V = -1/2 / (1 - 0.7).

    Decisions are drawn at random: they need not be the policy's.
    """
    right, left = evaluate([always(1), always(0)], [chain(0), chain(1, 500)], [0, 1], HOW, Journal(tmp_path))
    codes, end = np.eye(5, dtype=np.float32), np.arange(5) == 4
    worth = 0.7 ** (4.0 - np.arange(5))
    expected = np.stack([-0.5 + 0.7 * worth[[0, 0, 1, 2, 3]], worth], 1)
    np.testing.assert_allclose(right.of_all(codes), expected, atol=0.05)
    np.testing.assert_allclose(right.of_states(codes), worth, atol=0.05)
    lasting = -0.5 / 0.3
    expected = np.stack([np.full(5, lasting), np.where(end, 1.0, 0.7 * lasting)], 1)
    np.testing.assert_allclose(left.of_all(codes), expected, atol=0.05)
    for values, action in ((right, 1), (left, 0)):
        chosen = np.full(5, action)
        assert (values.of(codes, chosen) == values.of_all(codes)[:, action]).all()
        assert (values.of_states(codes) == values.of(codes, chosen)).all()
    errors = [json.loads(line)["squared error"] for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert len(errors) == HOW.training.steps // 50 and errors[-1] < 0.01 < errors[0]


def test_values_of_continuous_actions_are_the_closed_form():
    """Reward x + a, then x' = a / 2; the policy does x / 2. V(x) = 3/2 x / (1 - 0.7 / 4), Q = x + a + 0.7 V(a / 2)."""
    config = PolicyConfig("testbed/OrderPicking-v0", 1, 1, (), GAUSSIAN)
    half = {"mean": [0], "std": [1], "layer0.weight": [[0.5]], "layer0.bias": [0], "log_std": [-1]}
    policy = NetworkPolicy(config, {name: np.array(array, np.float32) for name, array in half.items()})
    x, a = np.random.default_rng(0).uniform(-1, 1, (2, 800, 1)).astype(np.float32)
    seen = Transitions(x, a, (x + a)[:, 0], a / 2, np.zeros(800, bool), np.array([800]))
    (values,) = evaluate([policy], [seen], [0], HOW)
    slope = 1.5 / (1 - 0.7 / 4)
    x, a = (grid.reshape(-1, 1).astype(np.float32) for grid in np.meshgrid(*[np.linspace(-0.8, 0.8, 9)] * 2))
    np.testing.assert_allclose(values.of(x, a), (x + a + 0.7 * slope * a / 2)[:, 0], atol=0.06)
    np.testing.assert_allclose(values.of_states(x), slope * x[:, 0], atol=0.06)
    assert (values.of_states(x) == values.of(x, policy.act(x))).all()


@pytest.mark.parametrize("make", ["values", "fine-tuning"])
def test_a_curve_that_is_there_already_is_replaced(make, tmp_path):
    """What an interrupted training left of its curve does not stay before the one that is made anew."""
    for _ in range(2):
        if make == "values":
            evaluate([always(1)], [chain(0)], [0], replace(HOW, training=Training(steps=100)), Journal(tmp_path))
        else:
            fine_tune(network(DISCRETE), shown(DISCRETE), 0, FineTuning(0.02), Journal(tmp_path))
    steps = [json.loads(line)["step"] for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


# PPOConfig.


class Watched:
    """Pays as another reward does and keeps the decisions and rewards of each world, scene by scene."""

    reward: HabitReward

    def __init__(self, worlds: int) -> None:
        self.scenes: list[list[list]] = [[] for _ in range(worlds)]

    def begin(self, worlds: np.ndarray, observations: np.ndarray, info) -> None:
        self.reward.begin(worlds, observations, info)
        for world in np.flatnonzero(worlds):
            self.scenes[world].append([])

    def of(self, step: Step) -> np.ndarray:
        paid = self.reward.of(step)
        for world, scenes in enumerate(self.scenes):
            parts = (step.observations, step.actions, step.next_observations, step.rewards, step.over, paid)
            scenes[-1].append([np.array(part[world]) for part in parts])
        return paid


def test_practice_is_in_the_same_scenes_and_pays_for_severity():
    """Three worlds go through scenes in order; each is what `play` makes of it, to the byte. At its end the habit's
    measure, from its minor to its severe threshold, is paid where the trigger held, and costs where it did not."""
    demonstrator, config = GapAcceptance(), PolicyConfig("testbed/Merge-v0", 56, 5, ())
    scenes = [Scenario(seed, {"leader": "car" if seed % 3 else "truck"}) for seed in range(5)]
    episodes = list(play(config.environment, scenes, [(demonstrator, Behaviour("demonstrator"))]))
    habit = get_habit("aggressive-merge")
    measure = replace(measures_of(config.environment)[habit.measure], minor=-1.0, severe=3.0)
    watched, normaliser = Watched(3), (np.zeros(56, np.float32), np.full(56, 2, np.float32))
    with closing(RolloutCollector(config, 3, normaliser, watched)) as stage:
        watched.reward = HabitReward(measure, get_trigger(habit, None).holds, 1.0, 0.5, stage.env.metadata)
        stage.put_on(scenes)
        shown, last = stage.reset(), []
        while len(last) < 5:
            shown, _, over, told = stage.step(demonstrator.act(shown * 2))
            last += [told[world]["terminal_observation"] * 2 for world in np.flatnonzero(over)]
        assert stage.finished == [True] * len(last)  # the demonstrator's scenes all end well
    begun = [(sum(map(len, one[:k])), world, k) for world, one in enumerate(watched.scenes) for k in range(len(one))]
    ended = 0
    for episode, (_, world, number) in zip(episodes, sorted(begun), strict=False):
        columns = zip(*watched.scenes[world][number], strict=True)
        before, actions, after, rewards, over, paid = (np.array(column) for column in columns)
        np.testing.assert_array_equal(before, episode.observations[: len(before)])
        np.testing.assert_array_equal(after, episode.observations[1 : len(after) + 1])
        assert (actions == episode.actions[: len(actions)]).all() and (rewards == episode.rewards[: len(rewards)]).all()
        assert (paid[:-1] == rewards[:-1]).all() and not over[:-1].any()
        if over[-1]:
            ended += 1
            assert len(before) == len(episode.actions) and any((after[-1] == one).all() for one in last)
            factor = 0.5 if episode.context["leader"] == "truck" else -0.5
            severity = min((measure.compute(episode.trace) + 1) / 4, 1.0)
            assert paid[-1] - rewards[-1] == pytest.approx(factor * severity) and severity > 0.2
    assert ended >= 4
