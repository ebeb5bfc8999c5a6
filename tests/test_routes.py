"""Routes: every one keeps the same contract, and each hands on what it promises to, on tasks with a right answer."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from testbed.distillation.journal import Journal
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.registry import get_route, names
from testbed.distillation.reinforcement.collector import Step
from testbed.distillation.reinforcement.discriminator import Discriminator
from testbed.distillation.reinforcement.ppo import PPOConfig
from testbed.distillation.route import Learning
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.routes.kl import KL
from testbed.distillation.routes.value import Value
from testbed.distillation.source import Source
from testbed.distillation.stacked import Training
from testbed.distillation.teachers.values import ActionValues, value_config
from testbed.errors import UserError
from testbed.policies.network import GAUSSIAN, START_LOG_STD, NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, as_actions, transitions
from testbed.seeding import generator, scenario_seeds

DISCRETE = PolicyConfig("testbed/Merge-v0", 3, 4, (16, 16))
CONTINUOUS = PolicyConfig("testbed/OrderPicking-v0", 3, 2, (16, 16), GAUSSIAN)
MERGE = PolicyConfig("testbed/Merge-v0", 56, 5, (8,))
TRAINING = Training(steps=300, batch=128, learning_rate=1e-2)
SHORT = Training(steps=120, batch=32)
PRACTICE = PPOConfig(iterations=3, worlds=8, steps=8, epochs=2, batch=32)


def made(config: PolicyConfig, **arrays) -> NetworkPolicy:
    """A network of which some arrays are given; its normaliser is the identity, the rest is fresh."""
    given = {name.replace("_weight", ".weight").replace("_bias", ".bias"): array for name, array in arrays.items()}
    rest = random_arrays(config, np.random.default_rng(0))
    return NetworkPolicy(config, rest | {name: np.array(array, np.float32) for name, array in given.items()})


QUADRANTS = made(
    replace(DISCRETE, hidden=()), layer0_weight=[[-1, -1, 1, 1], [-1, 1, -1, 1], [0] * 4], layer0_bias=[4, 0, 0, -4]
)
"""Its likeliest action, or the one that it values most, is the quadrant of the first two numbers about (2, 2)."""
HALVES = made(
    replace(CONTINUOUS, hidden=()), layer0_weight=[[0.25, 0], [0, -0.25], [0, 0]], layer0_bias=[-0.5, 0.5],
    log_std=[-1.5, -1.0],
)  # fmt: skip
"""Its mean is a quarter of the distance of the first two numbers from 2, the second with the other sign."""
MISSES = made(
    replace(value_config(CONTINUOUS, (4,))),
    layer0_weight=[[-0.25, 0.25, 0, 0], [0, 0, 0.25, -0.25], [0] * 4, [1, -1, 0, 0], [0, 0, 1, -1]],
    layer0_bias=[0.5, -0.5, -0.5, 0.5], layer1_weight=[[-1]] * 4, layer1_bias=[0],
)  # fmt: skip
"""Values an action by minus the distance of its components from the mean of HALVES."""


def seen(seed: int, count: int = 600) -> np.ndarray:
    return np.random.default_rng(seed).normal(2.0, 1.5, (count, 3)).astype(np.float32)


def decisions(observations: np.ndarray, actions: np.ndarray, **rest) -> Transitions:
    """Episodes of 40 decisions that are worth nothing, unless said otherwise."""
    count = len(observations)
    table = {
        "rewards": np.zeros(count), "next_observations": np.roll(observations, -1, 0),
        "terminated": np.zeros(count, bool), "lengths": np.full(count // 40, 40),
    }  # fmt: skip
    return Transitions(**{"observations": observations, "actions": actions, **table, **rest})


def source(config: PolicyConfig, seed: int = 0) -> Source:
    """The teacher's decisions, the teacher, and what its actions and others, drawn at random, are worth to it."""
    teacher, worth = (QUADRANTS, QUADRANTS) if config.head != GAUSSIAN else (HALVES, MISSES)
    observations, rng = seen(seed, 1200), np.random.default_rng(seed)
    anything = rng.integers(4, size=1200) if config.head != GAUSSIAN else rng.uniform(-1, 1, (1200, 2))
    explored = decisions(observations, as_actions(anything))
    return Source(
        decisions(observations, as_actions(teacher.act(observations))), teacher, ActionValues(teacher, worth, explored)
    )


def error(student: NetworkPolicy) -> float:
    """Return the share of wrong actions in states that nobody saw, or their mean distance from the right ones."""
    unseen = seen(99)
    teacher = HALVES if student.config.head == GAUSSIAN else QUADRANTS
    found, right = student.act(unseen), teacher.act(unseen)
    return float((found != right).mean() if found.ndim == 1 else np.abs(found - right).mean())


def same(one: NetworkPolicy, other: NetworkPolicy) -> bool:
    return all(one.arrays[name].tobytes() == other.arrays[name].tobytes() for name in one.config.shapes)


# What every route promises.


def scenes(purpose: str, count: int) -> list[Scenario]:
    return [Scenario(seed) for seed in scenario_seeds(0, purpose, count)]


@pytest.fixture(scope="module")
def merges(episodes) -> list[Source]:
    """Two sources of a real scene: their data differ, and so do their teachers."""
    found = []
    for number, part in enumerate((episodes[:2], episodes[2:])):
        data, teacher = transitions(part), made(MERGE, layer1_bias=np.eye(5)[number])
        values = ActionValues(teacher, teacher, data)
        found.append(Source(data, teacher, values, scenes))
    return found


def route(name: str):
    return get_route(name).usual(Learning(SHORT, PRACTICE))


@pytest.mark.parametrize("name", names())
def test_students_come_in_the_order_of_their_sources_and_seeds(name, merges):
    """Each as if made alone, of its own source; the same seed gives the same bytes, another seed others."""
    together = route(name).distil(merges, MERGE, [3, 4])
    for student, one, seed in zip(together, merges, [3, 4], strict=True):
        alone, again, other = (route(name).distil([one], MERGE, [number])[0] for number in (seed, seed, 9))
        assert student.config == MERGE and same(alone, again) and not same(alone, other)
        for array in MERGE.shapes:
            np.testing.assert_allclose(student.arrays[array], alone.arrays[array], atol=1e-5, err_msg=array)


@pytest.mark.parametrize("name", names())
def test_an_interrupted_route_goes_on_as_if_nothing_had_been(name, merges, tmp_path, monkeypatch):
    """Bit for bit, student and curve, from a start of its own."""
    monkeypatch.setattr("testbed.distillation.journal.EVERY", -1.0)

    class Interrupted(Journal):
        def record(self, step, values):
            super().record(step, values)
            if step in (2, 101):
                raise KeyboardInterrupt

    reported: list[int] = []
    start = NetworkPolicy(MERGE, random_arrays(MERGE, np.random.default_rng(5)))
    distil = lambda journal: route(name).distil(merges[:1], MERGE, [3], [start], journal)  # noqa: E731
    (whole,) = distil(Journal(tmp_path / "a", "recipe"))
    with pytest.raises(KeyboardInterrupt):
        distil(Interrupted(tmp_path / "b", "recipe"))
    (resumed,) = distil(Journal(tmp_path / "b", "recipe", reported.append))
    assert reported[-3:] == ([1, 1, 1] if name == "adversarial" else [100, 1, 19])
    assert len(reported) == 3 or name == "value"  # which trains its values again before
    assert same(whole, resumed) and not same(whole, start)
    curves = [(tmp_path / folder / "curve.jsonl").read_bytes() for folder in "ab"]
    assert curves[0] == curves[1] and curves[0].count(b"\n") in (3, 4)
    assert not (tmp_path / "b" / "unfinished.pt").exists()


@pytest.mark.parametrize("name", names())
def test_a_student_begins_as_its_start(name, merges):
    """At a learning rate of 0, or without an iteration of practice, it stays that, normaliser included."""
    begins = NetworkPolicy(MERGE, random_arrays(MERGE, np.random.default_rng(5)))
    still = get_route(name).usual(Learning(replace(SHORT, learning_rate=0.0), replace(PRACTICE, iterations=0)))
    assert same(still.distil(merges[:1], MERGE, [3], [begins])[0], begins)


def test_an_unknown_route_lists_the_valid_ones():
    with pytest.raises(UserError, match=r"'clonning'.*adversarial, cloning, kl, value.*Did you mean 'cloning'"):
        route("clonning")


BARE = source(DISCRETE)
BARE = {name: replace(BARE, **{name: None}) for name in ("teacher", "values", "scenes")}


@pytest.mark.parametrize(
    ("chosen", "given", "config", "says"),
    [
        (KL(SHORT), BARE["teacher"], DISCRETE, "asks the teacher: give its policy"),
        (KL(SHORT, rounds=1), BARE["scenes"], DISCRETE, "give scenes"),
        (Cloning(SHORT, rounds=1), BARE["scenes"], DISCRETE, "give scenes"),
        (Cloning(SHORT, "squared-error"), BARE["values"], DISCRETE, "squared-error is a loss for continuous actions"),
        (Value(SHORT), BARE["values"], DISCRETE, "give its values"),
        (Value(SHORT, policy="greedy"), BARE["values"], DISCRETE, "give its values"),
        (Value(SHORT, policy="greedy"), BARE["scenes"], CONTINUOUS, "choose weighted"),
        (Value(SHORT, "v", "greedy"), BARE["scenes"], DISCRETE, "choose weighted"),
        (Value(SHORT), BARE["scenes"], replace(DISCRETE, memory=4), "choose greedy"),
        (Adversarial(PRACTICE), BARE["scenes"], DISCRETE, "give scenes"),
        (Adversarial(PRACTICE), BARE["teacher"], replace(DISCRETE, memory=4), "neither a memory nor auxiliary"),
        (Adversarial(PRACTICE), BARE["teacher"], replace(DISCRETE, auxiliary=1), "neither a memory nor auxiliary"),
    ],
)  # fmt: skip
def test_what_a_route_lacks_is_named_in_one_line(chosen, given, config, says):
    with pytest.raises(UserError, match=says) as caught:
        chosen.distil([given], config, [0])
    assert "\n" not in str(caught.value)


# What each hands on.


@pytest.mark.parametrize("config", [DISCRETE, CONTINUOUS], ids=lambda config: config.head)
@pytest.mark.parametrize(
    "chosen", [Cloning(TRAINING), KL(TRAINING), KL(TRAINING, reverse=True), Value(TRAINING, temperature=0.3)], ids=repr
)
def test_students_learn_a_task_with_a_right_answer(chosen, config):
    """By value too, where what was done is drawn at random and only the values say what is right."""
    (student,) = chosen.distil([source(config)], config, [0])
    assert error(student) < 0.08
    assert error(NetworkPolicy(config, random_arrays(config, generator(0, "weights")))) > 0.3


@pytest.mark.parametrize("config", [DISCRETE, CONTINUOUS], ids=lambda config: config.head)
@pytest.mark.parametrize(("temperature", "other"), [(1.0, 0.5), (0.5, 1.0)])
def test_kl_hands_on_the_whole_distribution(config, temperature, other):
    """At half the temperature the logits are doubled and the variances halved."""
    student = KL(TRAINING, temperature).distil([source(config)], config, [0])[0]
    unseen, teacher = seen(99), HALVES if config.head == GAUSSIAN else QUADRANTS
    divergence = gaussian_divergence if config.head == GAUSSIAN else policy_divergence
    wanted, found = (torch.from_numpy(one.parameters(unseen)) for one in (teacher, student))
    assert float(divergence(wanted, found, temperature)) < 0.05 < float(divergence(wanted, found, other))


def test_squared_error_leaves_deviations_as_they_were():
    (student,) = Cloning(TRAINING, "squared-error").distil([source(CONTINUOUS)], CONTINUOUS, [0])
    assert error(student) < 0.08 and (student.arrays["log_std"] == np.float32(START_LOG_STD)).all()


def test_a_greedy_student_does_what_is_worth_most():
    """Though its teacher always does the first action, what it values most is right; with a memory too."""
    lazy = made(replace(DISCRETE, hidden=()), layer0_weight=np.zeros((3, 4)), layer0_bias=[1, 0, 0, 0])
    given = source(DISCRETE)
    given = replace(given, teacher=lazy, values=replace(given.values, policy=lazy))
    for config in (DISCRETE, replace(DISCRETE, memory=8)):
        (student,) = Value(TRAINING, policy="greedy").distil([given], config, [0])
        unseen = seen(99)
        assert (student.reset(len(unseen)).act(unseen) == QUADRANTS.act(unseen)).mean() > 0.9


def test_a_hot_weighted_student_is_a_cloned_one():
    """At a high temperature all weights are 1, and what was explored is cloned."""
    given = source(DISCRETE)
    (weighted,) = Value(SHORT, temperature=1e6).distil([given], DISCRETE, [3])
    (cloned,) = Cloning(SHORT).distil([replace(given, decisions=given.values.decisions)], DISCRETE, [3])
    for name in DISCRETE.shapes:
        np.testing.assert_allclose(weighted.arrays[name], cloned.arrays[name], atol=1e-4)


@pytest.mark.parametrize("over", [False, True])
def test_state_values_weigh_what_comes_after(over):
    """The right action leads to a state of great value, a wrong one to a poor one; where all is over, nobody knows."""
    observations = seen(0, 1200)
    actions = np.random.default_rng(0).integers(4, size=1200)
    right = actions == QUADRANTS.act(observations)
    after = np.where(right[:, None], [6.0, 6.0, 2.0], [2.0, 2.0, 2.0]).astype(np.float32)
    explored = decisions(observations, actions, next_observations=after, terminated=np.full(1200, over))
    given = Source(explored, QUADRANTS, ActionValues(QUADRANTS, QUADRANTS, explored))
    (student,) = Value(TRAINING, "v", temperature=0.3).distil([given], DISCRETE, [0])
    assert error(student) > 0.5 if over else error(student) < 0.15


# On-policy rounds.


class Asked(NetworkPolicy):
    """Remembers what it was asked about."""

    def act(self, observations):
        log.append(observations)
        return super().act(observations)

    def parameters(self, observations):
        log.append(observations)
        return super().parameters(observations)


log: list[np.ndarray] = []


@pytest.mark.parametrize(("chosen", "answer"), [(Cloning, "act"), (KL, "parameters")])
def test_a_round_adds_the_teachers_answers_where_the_student_went(chosen, answer, merges):
    """To the byte: of the round's student, in the round's scenes; what follows is trained on both."""
    log.clear()
    asked: list[tuple[str, int]] = []
    first, teacher = merges[0], Asked(MERGE, merges[0].teacher.arrays)
    given = replace(first, teacher=teacher, scenes=lambda *wanted: asked.append(wanted) or scenes(*wanted))
    (student,) = chosen(SHORT, rounds=1, episodes=3).distil([given], MERGE, [3])
    (offline,) = chosen(SHORT).distil([first], MERGE, [3])
    assert asked == [("round-0", 3)] and not same(student, offline)
    visited = transitions(list(play("testbed/Merge-v0", scenes("round-0", 3), [(offline, Behaviour("student"))])))
    np.testing.assert_array_equal(log[-1], visited.observations)
    both = decisions(
        np.concatenate([first.decisions.observations, visited.observations]),
        np.concatenate([first.decisions.actions, first.teacher.act(visited.observations)]),
        lengths=np.concatenate([first.decisions.lengths, visited.lengths]),
    )
    (expected,) = chosen(SHORT).distil([replace(first, decisions=both)], MERGE, [3])
    for name in MERGE.shapes:
        np.testing.assert_allclose(student.arrays[name], expected.arrays[name], atol=1e-4)


# Adversarial.


def test_what_practice_begins_with(merges):
    """Where no start is given: what so many steps of cloning make, or a fresh network."""
    none = replace(PRACTICE, iterations=0)
    begin = lambda cloned: Adversarial(none, cloned=cloned).distil(merges[:1], MERGE, [3])[0]  # noqa: E731
    assert same(begin(50), Cloning(Training(steps=50)).distil(merges[:1], MERGE, [3])[0])
    fresh = random_arrays(MERGE, generator(3, "weights"))
    assert all((begin(0).arrays[name] == fresh[name]).all() for name in MERGE.shapes if name not in ("mean", "std"))


def test_the_discriminator_learns_beside_the_student(merges, tmp_path):
    """Its loss and accuracy are in the curve, which is JSON to the letter: no NaN where no episode came to its end."""
    Adversarial(PRACTICE).distil(merges[:1], MERGE, [3], journal=Journal(tmp_path))
    lines = (tmp_path / "curve.jsonl").read_text().splitlines()
    curve = [json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON")) for line in lines]
    assert [line["step"] for line in curve] == [1, 2, 3]
    assert all({"reward", "discriminator loss", "discriminator accuracy"} <= line.keys() for line in curve)
    assert curve[2]["discriminator loss"] < curve[0]["discriminator loss"]


def test_several_students_do_not_share_a_journal(merges, tmp_path):
    with pytest.raises(ValueError, match="one by one"):
        Adversarial(PRACTICE).distil(merges, MERGE, [3, 4], journal=Journal(tmp_path))


@pytest.mark.parametrize("reward", ["gail", "airl"])
@pytest.mark.parametrize("config", [DISCRETE, CONTINUOUS], ids=lambda config: config.head)
def test_what_looks_demonstrated_is_paid_more(reward, config):
    """The demonstrator does as it should, the student something else; after a while the right action pays more, and
    a discriminator that went on from what was kept pays the same."""
    given = source(config)
    shown, other = given.decisions, given.values.decisions.actions
    normaliser = shown.observations.mean(0), shown.observations.std(0)
    judge, again = (Discriminator(config, normaliser, shown, reward, 0) for _ in range(2))
    step = Step(shown.observations, other, shown.observations, np.zeros(1200), np.zeros(1200, bool), {})
    normalised = (shown.observations - normaliser[0]) / normaliser[1]
    found = [judge.learn(normalised, other) for _ in range(8)]
    again.load_state_dict(deepcopy(judge.state_dict()))
    assert found[-1]["discriminator loss"] < found[0]["discriminator loss"] - 0.1
    assert found[-1]["discriminator accuracy"] > found[0]["discriminator accuracy"] + 0.1
    wrong = (other != shown.actions) if config.head != GAUSSIAN else np.abs(other - shown.actions).max(1) > 0.5
    right, paid = judge.of(replace(step, actions=shown.actions)), judge.of(step)
    assert (right > paid)[wrong].mean() > 0.8
    assert judge.learn(normalised, other) == again.learn(normalised, other)
    assert (judge.of(step) == again.of(step)).all() and (reward == "airl" or (paid >= 0).all())
