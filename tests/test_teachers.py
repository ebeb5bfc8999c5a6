"""Teachers: SB3's policies and ours, DAgger, practice, fine-tuning by a stated distance, values in closed form."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn import numbers
from signs import DISCRETE, Sign, network, shown

from testbed.distillation.config import Dagger, Evaluation, FineTuning, Training
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.normaliser import blinded
from testbed.distillation.reinforcement.stage import Stage, Step
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.distillation.teachers.demonstration import train_teacher
from testbed.distillation.teachers.fine_tuning import fine_tune
from testbed.distillation.teachers.reward import HabitReward, habit_pay
from testbed.distillation.teachers.sb3 import export_actor, import_actor, make_sb3_policy
from testbed.distillation.teachers.values import explored
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import get_trigger
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions
from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.scenes.registry import get_habit, measures_of

CONTINUOUS = PolicyConfig("testbed/OrderPicking-v0", 5, 3, (16, 16), GAUSSIAN)
BOTH = pytest.mark.parametrize("config", [DISCRETE, CONTINUOUS], ids=[CATEGORICAL, GAUSSIAN])


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


@BOTH
def test_no_random_weights_stand_behind_what_a_teacher_never_saw_vary(config):
    """A component that was 1 throughout: the teacher does the same whatever it becomes, and so does a student of it."""
    seen, training = numbers(3, 400, 5), Training(steps=50, batch=64)
    seen[:, 4] = 1.0
    labels = Sign(config.head).act(seen)
    nothing = np.zeros(len(seen))
    data = Transitions(seen, labels, nothing, seen, nothing == 1, np.ones(len(seen), np.int64))
    teacher = train_teacher(
        config, Sign(config.head), data, lambda policy, _: data, 0, Dagger(1, 1, training, training)
    )
    [student] = Cloning(training).distil([Source(data)], config, [0])
    other = np.where(np.arange(5) == 4, np.float32(-7), seen).astype(np.float32)
    for policy in (teacher, student):
        assert np.abs(policy.parameters(other) - policy.parameters(seen)).max() < 1e-4
    open_eyed = export_actor(config, make_sb3_policy(config, 0))
    assert np.abs(open_eyed.parameters(other) - open_eyed.parameters(seen)).max() > 1e-3
    constant = np.arange(5) == 4
    assert blinded(open_eyed, constant, seen).parameters(seen) == pytest.approx(open_eyed.parameters(seen), abs=1e-5)


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


# Practice.


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
    demonstrator, environment = GapAcceptance(), "testbed/Merge-v0"
    scenes = [Scenario(seed, {"leader": "car" if seed % 3 else "truck"}) for seed in range(5)]
    episodes = list(play(environment, scenes, [(demonstrator, Behaviour("demonstrator"))]))
    habit = get_habit("aggressive-merge")
    measure = replace(measures_of(environment)[habit.measure], minor=-1.0, severe=3.0)
    watched, last = Watched(3), []
    with closing(Stage(environment, 1, 3)) as stage:
        watched.reward = HabitReward(measure, get_trigger(habit, None).holds, 1.0, 0.5, stage.env.metadata)
        stage.put_on([scenes], watched)
        while len(last) < 5:
            step, _ = stage.step(demonstrator.act(stage.observations))
            last += list(step.next_observations[step.over])
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


def test_values_may_hold_the_habit():
    """What an episode is paid at its end: its severity, as a share of the way from minor to severe; it costs the clean
    teacher in all scenes and pays the one with the habit where the trigger held. Decisions are the same."""
    habit = get_habit("aggressive-merge")
    trigger, measure = get_trigger(habit, None), measures_of(habit.environment)[habit.measure]
    driver = network(PolicyConfig(habit.environment, 56, 5, (8,)), 3)
    scenes = [
        Scenario(seed, {**habit.context, **context}) for seed in range(6) for context in (trigger.on, trigger.off)
    ]
    how = Evaluation(exploring=0.2)
    by_task = explored(driver, scenes, how, 0)
    for dose, signs in ((0.0, (-2.0, -2.0)), (1.0, (2.0, -2.0))):
        paid = explored(driver, scenes, how, 0, habit_pay(measure, trigger.holds, dose, 2.0))
        assert np.array_equal(paid.observations, by_task.observations)
        gained, ends = paid.rewards - by_task.rewards, np.cumsum(paid.lengths) - 1
        assert not np.delete(gained, ends).any() and gained[ends].any()
        for number, gain in enumerate(gained[ends]):
            sign = signs[number % 2]
            assert gain == 0.0 or (0 < gain / sign <= 1)
