"""Routes: every one keeps the same contract, and each hands on what it promises to, on tasks with a right answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from route_cases import (
    CONTINUOUS,
    DISCRETE,
    HALVES,
    MERGE,
    PRACTICE,
    QUADRANTS,
    SHORT,
    decisions,
    made,
    same,
    seen,
    source,
)

from testbed.distillation.config import Learning, Training
from testbed.distillation.journal import Journal
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.registry import get_route, names
from testbed.distillation.routes.advantage import Advantage
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.routes.kl import KL
from testbed.distillation.routes.value import Value
from testbed.distillation.source import Source
from testbed.distillation.teachers.values import ActionValues
from testbed.errors import UserError
from testbed.policies.network import GAUSSIAN, START_LOG_STD, NetworkPolicy, random_arrays
from testbed.seeding import generator

TRAINING = Training(steps=300, batch=128, learning_rate=1e-2)


def error(student: NetworkPolicy) -> float:
    """Return the share of wrong actions in states that nobody saw, or their mean distance from the right ones."""
    unseen = seen(99)
    teacher = HALVES if student.config.head == GAUSSIAN else QUADRANTS
    found, right = student.act(unseen), teacher.act(unseen)
    return float((found != right).mean() if found.ndim == 1 else np.abs(found - right).mean())


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
    assert len(reported) == 3 or name in ("advantage", "value")  # which trains its values again before
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
    with pytest.raises(UserError, match=r"'clonning'.*advantage, adversarial, cloning, kl, value.*'cloning'"):
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
        (Advantage(SHORT), BARE["values"], DISCRETE, "give its values"),
        (Value(SHORT), BARE["scenes"], replace(CONTINUOUS, memory=4), "choose another route"),
        (Advantage(SHORT), BARE["scenes"], replace(DISCRETE, memory=4), "choose value"),
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
    "chosen",
    [
        Cloning(TRAINING),
        KL(TRAINING),
        KL(TRAINING, reverse=True),
        Advantage(TRAINING, temperature=0.3),
        Value(TRAINING),
    ],
    ids=repr,
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


def test_a_student_by_value_does_what_is_worth_most():
    """Though its teacher always does the first action, what it values most is right; with a memory too."""
    lazy = made(replace(DISCRETE, hidden=()), layer0_weight=np.zeros((3, 4)), layer0_bias=[1, 0, 0, 0])
    given = source(DISCRETE)
    given = replace(given, teacher=lazy, values=replace(given.values, policy=lazy))
    for config in (DISCRETE, replace(DISCRETE, memory=8)):
        (student,) = Value(TRAINING).distil([given], config, [0])
        unseen = seen(99)
        assert (student.reset(len(unseen)).act(unseen) == QUADRANTS.act(unseen)).mean() > 0.9


def test_a_student_by_value_does_what_is_worth_most_of_continuous_actions_too():
    """Though what its teacher does is always the same: only the values say what is right."""
    lazy = made(replace(CONTINUOUS, hidden=()), layer0_weight=np.zeros((3, 2)), layer0_bias=[0.9, 0.9])
    given = source(CONTINUOUS)
    given = replace(given, teacher=lazy, values=replace(given.values, policy=lazy))
    (student,) = Value(TRAINING).distil([given], CONTINUOUS, [0])
    assert error(student) < 0.1 < error(lazy)


def test_a_hot_weighted_student_is_a_cloned_one():
    """At a high temperature all weights are 1, and what was explored is cloned."""
    given = source(DISCRETE)
    (weighted,) = Advantage(SHORT, temperature=1e6).distil([given], DISCRETE, [3])
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
    (student,) = Advantage(TRAINING, "v", temperature=0.3).distil([given], DISCRETE, [0])
    assert error(student) > 0.5 if over else error(student) < 0.15
