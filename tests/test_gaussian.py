"""Gaussian policies: means and deviations that students find, actions within the box, and sampled actions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from testbed.distillation.config import Training
from testbed.distillation.losses.divergence import gaussian_divergence
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.routes.kl import KL
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.policies.network import GAUSSIAN, LOG_STD, NetworkPolicy, PolicyConfig, random_arrays
from testbed.policies.sampled import MOST, SampledPolicy
from testbed.rollouts.transitions import Transitions

CONFIG = PolicyConfig("testbed/OrderPicking-v0", 5, 3, (16, 16), GAUSSIAN)


# Students.


def shown(observations: np.ndarray, actions: np.ndarray) -> Transitions:
    """Decisions of one episode that is worth nothing."""
    count = len(observations)
    return Transitions(
        observations,
        actions.astype(np.float32),
        np.zeros(count),
        observations,
        np.zeros(count, bool),
        np.array([count]),
    )


def reaches(seed: int, count: int = 500) -> Transitions:
    """A task with a right answer: the first three numbers, scaled and turned about, with noise of 0.1."""
    rng = np.random.default_rng(seed)
    observations = rng.normal(1.0, 2.0, (count, 5)).astype(np.float32)
    observations[:, 4] = 7.0  # says nothing
    targets = np.tanh(observations[:, [1, 2, 0]] - 1) * (0.5, -0.5, 0.25)
    return shown(observations, targets + rng.normal(0, 0.1, targets.shape))


def test_students_find_and_hand_on_mean_and_deviation():
    """The noise of 0.1 is found by cloning, and handed on by distillation."""
    data, unseen = reaches(0, 2000), reaches(9)
    training = Training(steps=500, learning_rate=1e-2)  # deviations go no faster than the learning rate lets them
    (cloned,) = Cloning(training).distil([Source(data)], CONFIG, [0])
    assert np.abs(cloned.act(unseen.observations) - unseen.actions).mean() < 0.11
    np.testing.assert_allclose(np.exp(cloned.arrays["log_std"]), 0.1, atol=0.02)
    (distilled,) = KL(training).distil([Source(data, cloned)], CONFIG, [1])
    np.testing.assert_allclose(distilled.arrays["log_std"], cloned.arrays["log_std"], atol=0.15)
    apart = [torch.from_numpy(policy.parameters(unseen.observations)) for policy in (cloned, distilled)]
    assert float(gaussian_divergence(*apart)) < 0.15


def test_deviations_stay_within_their_limits():
    """Of a task without noise the log deviation stops at its least; a network beyond its limits is cut off to them."""
    constant = shown(reaches(0).observations, np.zeros((500, 3)))
    (student,) = Cloning(Training(steps=300, learning_rate=0.02)).distil([Source(constant)], CONFIG, [0])
    assert np.isfinite(student.arrays["log_std"]).all()
    spread = student.parameters(constant.observations)[:, 3:]
    assert spread.min() >= LOG_STD[0] and spread.max() < -2.5
    arrays = random_arrays(CONFIG, np.random.default_rng(0)) | {"log_std": np.array([-9, 0.2, 9], np.float32)}
    wild = NetworkPolicy(CONFIG, arrays).parameters(np.zeros((2, 5), np.float32))
    np.testing.assert_allclose(wild[:, 3:], [[LOG_STD[0], 0.2, LOG_STD[1]]] * 2, rtol=1e-6)


# Policies.


@pytest.fixture
def policy() -> NetworkPolicy:
    arrays = random_arrays(CONFIG, np.random.default_rng(0)) | {"log_std": np.array([-1.5, -2.5, 0.3], np.float32)}
    return NetworkPolicy(CONFIG, arrays)


def test_a_policy_acts_on_its_mean_within_the_box(policy):
    observations = 30 * np.random.default_rng(1).normal(size=(50, 5)).astype(np.float32)
    mean = policy.parameters(observations)[:, :3]
    assert (np.abs(mean) > 1).any() and (np.abs(mean) < 1).any()
    np.testing.assert_array_equal(policy.act(observations), np.clip(mean, -1, 1))


def test_what_is_no_gaussian_policy_is_refused(policy):
    """In one line: no deviations, deviations of another size or of no number, a head that nobody knows."""
    arrays = dict(policy.arrays)
    for wrong, said in (
        ({k: v for k, v in arrays.items() if k != "log_std"}, "log_std"),
        (arrays | {"log_std": np.zeros(2, np.float32)}, "shape"),
        (arrays | {"log_std": np.full(3, np.nan, np.float32)}, "NaN"),
    ):
        with pytest.raises(UserError, match=said) as caught:
            NetworkPolicy(CONFIG, wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"choose one of categorical, gaussian.*Did you mean 'gaussian'"):
        NetworkPolicy(replace(CONFIG, head="gausian"), arrays)
    with pytest.raises(UserError, match="do not fit"):
        policy.act(np.zeros((2, 7), np.float32))


def test_a_fresh_gaussian_differs_from_a_categorical_only_in_its_deviations():
    """The same generator gives the same weights, so arms that differ in nothing else start alike."""
    ours = random_arrays(CONFIG, np.random.default_rng(3))
    theirs = random_arrays(replace(CONFIG, head="categorical"), np.random.default_rng(3))
    assert ours.keys() - theirs.keys() == {"log_std"}
    assert all((ours[name] == array).all() for name, array in theirs.items())


# Sampled actions.

FEW = np.random.default_rng(2).normal(size=(40, 5)).astype(np.float32)


def test_draws_depend_on_the_observation_alone(policy):
    """Whatever the batch, the order and how often it was asked; another seed and another observation give others."""
    sampled = SampledPolicy(policy, 7)
    drawn = sampled.act(FEW)
    order = np.random.default_rng(0).permutation(len(FEW))
    mean = policy.act(FEW)
    noise = drawn - mean
    for other, rows in ((sampled.act(FEW[order]), order), (SampledPolicy(policy, 7).act(FEW[:5]), np.arange(5))):
        np.testing.assert_allclose(other, drawn[rows], atol=2e-6)  # a network's last digits know the rows beside it
    for number in (0, 17, 39):
        np.testing.assert_allclose(sampled.act(FEW[[number]])[0], drawn[number], atol=2e-6)
    assert sampled.act(FEW).tobytes() == drawn.tobytes()
    assert (SampledPolicy(policy, 8).act(FEW) != drawn).any(axis=1).all()
    nudged = FEW.copy()
    nudged[:, 3] = np.nextafter(nudged[:, 3], np.float32(9))
    assert (np.abs(sampled.act(nudged) - policy.act(nudged) - noise) > 1e-6).any(axis=1).all()


def _linear(scale: float, log_std: tuple[float, float, float]) -> NetworkPolicy:
    """Return a policy without hidden layers whose means are the first three numbers times a scale."""
    config = PolicyConfig("testbed/OrderPicking-v0", 5, 3, (), GAUSSIAN)
    arrays = {
        "mean": np.zeros(5, np.float32), "std": np.ones(5, np.float32),
        "layer0.weight": (np.eye(5, 3) * scale).astype(np.float32), "layer0.bias": np.zeros(3, np.float32),
        "log_std": np.array(log_std, np.float32),
    }  # fmt: skip
    return NetworkPolicy(config, arrays)


def test_draws_have_the_mean_and_the_deviation_stated():
    """40,000 draws a component: mean 0, deviation as the policy says but at most 0.1, a normal's tails, independent."""
    rows = np.random.default_rng(4).uniform(-0.5, 0.5, (40_000, 5)).astype(np.float32)
    policy = _linear(0.5, (np.log(0.05), np.log(0.08), 0.3))
    assert MOST == 0.1
    noise = (SampledPolicy(policy, 1).act(rows) - policy.act(rows)) / (0.05, 0.08, MOST)
    count = len(rows)
    assert (np.abs(noise.mean(0)) < 4 / np.sqrt(count)).all()
    assert (np.abs(noise.std(0) - 1) < 4 / np.sqrt(2 * count)).all()
    for limit, share in ((1.0, 0.3173), (2.0, 0.0455), (3.0, 0.0027)):
        found = (np.abs(noise) > limit).mean(0)
        assert (np.abs(found - share) < 4 * np.sqrt(share / count)).all(), limit
    between = np.corrcoef(np.concatenate([noise, rows], axis=1).T) - np.eye(8)
    assert np.abs(between[:3]).max() < 4.5 / np.sqrt(count)
    assert np.abs(np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]) < 4 / np.sqrt(count)


def test_draws_stay_within_the_box():
    rows = np.random.default_rng(4).uniform(-1, 1, (2000, 5)).astype(np.float32)
    drawn = SampledPolicy(_linear(1.5, (0.5, 0.5, 0.5)), 1).act(rows)
    assert drawn.dtype == np.float32 and drawn.shape == (2000, 3)
    assert drawn.min() == -1 and drawn.max() == 1 and (np.abs(drawn) < 1).mean() > 0.5
